"""What the preflight says about products: what Meta would certainly refuse blocks, the rest is a warning."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.campaigns.preflight import preflight
from models.catalog.problems import catalog_problems, needs_catalog
from models.catalog.store import finish_reading, put_catalogs, put_products
from models.stored_texts import CATALOG_FAILED
from models.tables.catalog import Catalog
from models.tables.number import Number, Waba
from models.text import Text
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.common import NOW

PRODUCTS: list[dict[str, Any]] = [
    {"retailer_id": "good", "availability": "in stock", "visibility": "published", "review_status": "approved"},
    {"retailer_id": "plain"},
    {"retailer_id": "sold", "availability": "out_of_stock"},
    {"retailer_id": "hidden", "visibility": "hidden"},
    {"retailer_id": "rejected", "review_status": "rejected"},
    {"retailer_id": "pending", "review_status": "pending"},
]


@pytest.fixture
def selling_number(session: Session) -> Number:
    """A number whose account has a linked catalog, read at NOW."""
    number = make_number(session)
    number.waba.catalogs_read_at = NOW
    (key,) = put_catalogs(session, number.waba_id, [{"id": "1948"}], NOW)
    put_products(session, key, [{"retailer_id": "gone"}], NOW - timedelta(hours=1))
    put_products(session, key, PRODUCTS, NOW)
    finish_reading(session, key, NOW)
    session.expire_all()
    return number


def _said(
    session: Session, number: Number, *skus: str, catalog_id: str | None = None, hours: int = 1
) -> dict[str, bool]:
    found = catalog_problems(session, number.waba_id, skus, catalog_id, NOW + timedelta(hours=hours))
    return {f"{problem.key}: {problem.text}": problem.is_blocking for problem in found}


def test_products_that_can_be_sent_have_no_problem(session: Session, selling_number: Number) -> None:
    assert _said(session, selling_number, "good", "plain") == {}
    assert _said(session, selling_number, catalog_id="1948") == {}


@pytest.mark.parametrize(
    ("sku", "said", "is_blocking"),
    [
        ("nothing", "product_unknown: The catalog does not have these products: nothing.", True),
        ("gone", "product_gone: These products are no longer in the catalog: gone.", True),
        ("rejected", "product_rejected: Meta rejected these products in its review: rejected.", True),
        ("pending", "product_review: Meta still reviews these products: pending.", False),
        ("hidden", "product_hidden: These products are hidden in the catalog: hidden.", False),
        ("sold", "product_stock: These products are not in stock: sold.", False),
    ],
)
def test_a_product_with_a_problem_is_named(
    session: Session, selling_number: Number, sku: str, said: str, is_blocking: bool
) -> None:
    assert _said(session, selling_number, "good", sku) == {said: is_blocking}


def test_after_a_day_without_a_reading_nothing_about_products_blocks(session: Session, selling_number: Number) -> None:
    said = _said(session, selling_number, "nothing", "gone", "rejected", hours=24)
    assert (len(said), any(said.values())) == (3, False)


def test_many_products_are_counted(session: Session, selling_number: Number) -> None:
    (line,) = _said(session, selling_number, *(f"x{number}" for number in range(8)))
    assert line.endswith("x0, x1, x2, x3, x4 (+3).")


def test_an_account_without_a_linked_catalog_is_blocked(session: Session, selling_number: Number) -> None:
    put_catalogs(session, selling_number.waba_id, [], NOW)
    (line,) = _said(session, selling_number, "good")
    assert line.startswith("catalog: No catalog is linked to the account")
    assert _said(session, selling_number, "good") == {line: True}


def test_a_catalog_that_is_named_and_not_linked_is_blocked(session: Session, selling_number: Number) -> None:
    ((line, is_blocking),) = _said(session, selling_number, "good", catalog_id="77").items()
    assert "Catalog 77 is not linked" in line
    assert is_blocking


def test_what_was_never_read_is_a_warning_with_the_reason(session: Session) -> None:
    number = make_number(session)
    assert list(_said(session, number, "good").values()) == [False]
    why = CATALOG_FAILED(why=Text("Meta refused: no permission"))
    session.get_one(Waba, number.waba_id).catalogs_error = why.stored()
    ((line, is_blocking),) = _said(session, number, "good").items()
    assert "no permission" in line
    assert not is_blocking


def test_a_catalog_whose_products_were_never_read_is_a_warning(session: Session) -> None:
    number = make_number(session)
    number.waba.catalogs_read_at = NOW
    (key,) = put_catalogs(session, number.waba_id, [{"id": "1948"}], NOW)
    session.get_one(Catalog, key).error = CATALOG_FAILED(why=Text("too many products")).stored()
    ((line, is_blocking),) = _said(session, number, "good").items()
    assert "too many products" in line
    assert not is_blocking


@pytest.mark.parametrize(
    ("components", "is_needed"),
    [
        ([{"type": "BODY", "text": "Hi"}], False),
        ([{"type": "BUTTONS", "buttons": [{"type": "CATALOG"}]}], True),
        ([{"type": "BUTTONS", "buttons": [{"type": "mpm"}]}], True),
        ([{"type": "HEADER", "format": "PRODUCT"}], True),
        ([{"type": "CAROUSEL", "cards": [{"components": [{"type": "HEADER", "format": "product"}]}]}], True),
        ([{"type": "CAROUSEL", "cards": [{"components": [{"type": "HEADER", "format": "IMAGE"}]}, "odd"]}], False),
        ([None, 7, {"buttons": [None]}, {"cards": None}], False),
    ],
)
def test_templates_that_need_a_catalog_are_recognized(components: list[Any], is_needed: bool) -> None:
    assert needs_catalog(components) is is_needed


def test_the_preflight_names_a_catalog_that_is_not_linked(session: Session, selling_number: Number) -> None:
    components = [{"type": "BODY", "text": "Hi"}, {"type": "BUTTONS", "buttons": [{"type": "CATALOG", "text": "View"}]}]
    template = make_template(session, selling_number, components=components)
    campaign = make_campaign(session, selling_number, template)
    assert "catalog" not in {check.key for check in preflight(session, campaign.id, NOW).blocking}
    put_catalogs(session, selling_number.waba_id, [], NOW)
    assert "catalog" in {check.key for check in preflight(session, campaign.id, NOW).blocking}


def test_the_preflight_names_the_products_of_every_part_of_the_message(
    session: Session, selling_number: Number
) -> None:
    card = {"components": [{"type": "HEADER", "format": "PRODUCT"}]}
    components = [{"type": "BODY", "text": "Hi"}, {"type": "CAROUSEL", "cards": [card, card]}]
    template = make_template(session, selling_number, components=components)
    content = {"cards": [{"product": {"sku": "good"}}, {"product": {"sku": "nothing"}}, {"product": {"sku": "sold"}}]}
    campaign = make_campaign(session, selling_number, template, content=content)
    result = preflight(session, campaign.id, NOW)
    blocking = {check.key: str(check.text) for check in result.blocking}
    warnings = {check.key: str(check.text) for check in result.warnings}
    assert blocking["product_unknown"].endswith(": nothing.")
    assert warnings["product_stock"].endswith(": sold.")
