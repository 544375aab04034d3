"""The search of products by SKU and words of their names."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from models.catalog.search import search_products
from models.catalog.store import finish_reading, put_catalogs, put_products
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW

NAMES = {
    "A-1": "Blue café chair",
    "A-10": "Red chair",
    "B-7": "A-1 steak sauce",
    "C%1": "Hundred % wool",
    "D_1": "Łódź scarf",
    "E-2": "Chair cushion",
}
Search = Callable[[str], list[str]]


@pytest.fixture
def found_skus(session: Session) -> Search:
    """Searches a catalog of these products; returns their SKUs."""
    (key,) = put_catalogs(session, make_number(session).waba_id, [{"id": "1948"}], NOW)
    put_products(session, key, [{"retailer_id": sku, "name": name} for sku, name in NAMES.items()], NOW)
    return lambda query: [product.retailer_id for product in search_products(session, [key], query).products]


def test_the_sku_comes_first_then_what_begins_so_then_names(found_skus: Search) -> None:
    assert found_skus("a-1") == ["A-1", "A-10", "B-7"]


def test_case_accents_and_strokes_do_not_matter(found_skus: Search) -> None:
    assert found_skus("CAFE") == ["A-1"]
    assert found_skus("lodz") == ["D_1"]


def test_every_word_has_to_be_there(found_skus: Search) -> None:
    assert found_skus("chair blue") == ["A-1"]
    assert found_skus("chair green") == []


def test_a_name_that_begins_so_comes_before_another_place(found_skus: Search) -> None:
    assert found_skus("chair") == ["E-2", "A-1", "A-10"]


def test_signs_of_patterns_are_letters(found_skus: Search) -> None:
    assert found_skus("%") == ["C%1"]
    assert found_skus("_") == ["D_1"]


def test_without_a_query_all_are_listed_page_by_page(session: Session) -> None:
    (key,) = put_catalogs(session, make_number(session).waba_id, [{"id": "1948"}], NOW)
    put_products(session, key, [{"retailer_id": f"{number:03}"} for number in range(5)], NOW)
    page = search_products(session, [key], limit=3)
    assert [product.retailer_id for product in page.products] == ["000", "001", "002"]
    assert (page.total, page.next_after) == (5, "002")
    rest = search_products(session, [key], after="002", limit=3)
    assert ([product.retailer_id for product in rest.products], rest.next_after) == (["003", "004"], None)


def test_products_that_are_gone_are_found_only_if_asked_for(session: Session) -> None:
    (key,) = put_catalogs(session, make_number(session).waba_id, [{"id": "1948"}], NOW)
    put_products(session, key, [{"retailer_id": "A", "name": "coat"}], NOW.replace(year=NOW.year - 1))
    finish_reading(session, key, NOW)
    assert search_products(session, [key], "coat").total == 0
    assert search_products(session, [key], "coat", with_gone=True).total == 1
    assert search_products(session, [], "coat").total == 0
