"""Readings of a catalog: what they store, and what is gone after a whole one."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.catalog.lookup import count_products, linked_catalogs, products_by_sku
from models.catalog.store import finish_reading, purge_products, put_catalogs, put_products
from models.tables.catalog import Product, ProductSearchText
from models.tables.number import Number
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW

LATER = NOW + timedelta(hours=6)


def _item(sku: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"9{sku[-1]}",
        "retailer_id": sku,
        "name": f"Product {sku}",
        "price": "12,90 €",
        "currency": "EUR",
    } | more


@pytest.fixture
def our_number(session: Session) -> Number:
    return make_number(session)


@pytest.fixture
def catalog_pk(session: Session, our_number: Number) -> int:
    (key,) = put_catalogs(session, our_number.waba_id, [{"id": "1948", "name": "Shop"}], NOW)
    return key


def test_a_page_of_products_is_stored_with_prices_and_states(
    session: Session, our_number: Number, catalog_pk: int
) -> None:
    listed = [_item("SKU-1", availability="in stock", visibility="PUBLISHED", review_status="approved", brand="Acme")]
    assert put_products(session, catalog_pk, listed, NOW) == (1, 0)
    product = products_by_sku(session, our_number, ["SKU-1", "SKU-9"])["SKU-1"]
    assert (product.name, product.price, product.currency, product.price_text) == (
        "Product SKU-1", 12_900_000, "EUR", "12,90 €",
    )  # fmt: skip
    assert (product.availability, product.visibility, product.review_status, product.brand) == (
        "in stock", "published", "approved", "Acme",
    )  # fmt: skip
    assert product.seen_at == NOW


def test_a_changed_product_is_written_over(session: Session, our_number: Number, catalog_pk: int) -> None:
    put_products(session, catalog_pk, [_item("SKU-1")], NOW)
    assert put_products(session, catalog_pk, [_item("SKU-1", price="1.290 €", name="Coat")], LATER) == (0, 0)
    session.expire_all()
    product = products_by_sku(session, our_number, ["SKU-1"])["SKU-1"]
    assert (product.name, product.price, product.price_text, product.currency) == ("Coat", None, "1.290 €", "EUR")


def test_only_a_whole_reading_makes_products_gone(session: Session, our_number: Number, catalog_pk: int) -> None:
    put_products(session, catalog_pk, [_item("SKU-1"), _item("SKU-2")], NOW)
    assert finish_reading(session, catalog_pk, NOW) == 0
    put_products(session, catalog_pk, [_item("SKU-2")], LATER)  # the process dies here
    session.expire_all()
    assert products_by_sku(session, our_number, ["SKU-1"])["SKU-1"].gone_at is None
    assert finish_reading(session, catalog_pk, LATER) == 1
    session.expire_all()
    products = products_by_sku(session, our_number, ["SKU-1", "SKU-2"])
    assert (products["SKU-1"].gone_at, products["SKU-2"].gone_at) == (LATER, None)
    assert count_products(session, catalog_pk) == 1


def test_a_product_that_comes_back_is_not_gone_any_more(session: Session, our_number: Number, catalog_pk: int) -> None:
    put_products(session, catalog_pk, [_item("SKU-1")], NOW)
    finish_reading(session, catalog_pk, LATER)
    put_products(session, catalog_pk, [_item("SKU-1")], LATER + timedelta(hours=1))
    session.expire_all()
    assert products_by_sku(session, our_number, ["SKU-1"])["SKU-1"].gone_at is None


def test_a_slow_earlier_reading_changes_nothing_that_a_later_one_wrote(
    session: Session, our_number: Number, catalog_pk: int
) -> None:
    put_products(session, catalog_pk, [_item("SKU-1", name="new"), _item("SKU-2")], NOW)
    put_products(session, catalog_pk, [_item("SKU-1", name="newer")], LATER)
    finish_reading(session, catalog_pk, LATER)
    earlier = LATER - timedelta(minutes=1)
    put_products(session, catalog_pk, [_item("SKU-1", name="old"), _item("SKU-2")], earlier)
    finish_reading(session, catalog_pk, earlier)
    session.expire_all()
    products = products_by_sku(session, our_number, ["SKU-1", "SKU-2"])
    assert (products["SKU-1"].name, products["SKU-1"].gone_at) == ("newer", None)
    assert products["SKU-2"].gone_at == LATER
    assert linked_catalogs(session, our_number.waba_id)[0].synced_at == LATER


def test_what_no_message_could_name_is_counted_and_left(session: Session, catalog_pk: int) -> None:
    odd: list[dict[str, Any]] = [
        {"id": "1"}, _item("x" * 101), _item("a\0b"), _item(" a"), {"id": "2", "retailer_id": 7}, _item("SKU-1"),
        _item("SKU-1", name="again"),
    ]  # fmt: skip
    assert put_products(session, catalog_pk, odd, NOW) == (1, 5)
    assert session.scalars(select(Product.name)).all() == ["again"]


@pytest.mark.parametrize("odd", [None, [], {}, True, "\0", "x" * 20_000, "\ud800", 7, "ü" * 9000])
def test_a_field_of_any_shape_is_stored_or_left_out(session: Session, catalog_pk: int, odd: Any) -> None:
    fields = ("id", "name", "price", "currency", "availability", "visibility", "review_status", "image_url", "url")
    item = dict.fromkeys((*fields, "description", "brand"), odd) | {"retailer_id": "SKU-1"}
    assert put_products(session, catalog_pk, [item], NOW) == (1, 0)
    assert session.scalars(select(Product.price)).all() == [None]


def test_a_catalog_that_is_listed_no_more_is_not_linked(session: Session, our_number: Number, catalog_pk: int) -> None:
    put_products(session, catalog_pk, [_item("SKU-1")], NOW)
    other = put_catalogs(
        session, our_number.waba_id, [{"id": "2000"}, {"id": "no id"}, {"id": "9" * 65}, {"id": "²"}, {}], LATER
    )
    assert [catalog.meta_id for catalog in linked_catalogs(session, our_number.waba_id)] == ["2000"]
    assert list(other.values()) == ["2000"]
    assert products_by_sku(session, our_number.waba_id, ["SKU-1"]) == {}
    assert list(products_by_sku(session, our_number.waba_id, ["SKU-1"], "1948")) == ["SKU-1"]


def test_a_product_is_deleted_a_year_after_it_is_gone(session: Session, our_number: Number, catalog_pk: int) -> None:
    put_products(session, catalog_pk, [_item("SKU-1"), _item("SKU-2")], NOW)
    put_products(session, catalog_pk, [_item("SKU-2")], LATER)
    finish_reading(session, catalog_pk, LATER)
    assert purge_products(session, LATER + timedelta(days=365)) == 0
    assert purge_products(session, LATER + timedelta(days=366)) == 1
    session.expire_all()
    assert list(products_by_sku(session, our_number, ["SKU-1", "SKU-2"])) == ["SKU-2"]
    assert session.scalars(select(ProductSearchText.folded)).all() == ["sku-2\nproduct sku-2"]
