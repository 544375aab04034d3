"""Products in the panel: the list, the search, and having them read again."""

from typing import Any

import pytest
from sqlalchemy import select

from jobs.core.wake_ups import SYNC_CATALOGS
from models.catalog.store import finish_reading, put_catalogs, put_products
from models.clock import utcnow
from models.stored_texts import CATALOG_FAILED
from models.tables.number import Number
from models.tables.user import Role
from models.text import Text
from tests.support.panel_app import Panel

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]
PRODUCTS: list[dict[str, Any]] = [
    {"retailer_id": f"SKU-{number:02}", "name": f"Chair {number}", "price": "12,90 €", "currency": "EUR"}
    for number in range(60)
]


@pytest.fixture
def stocked(panel: Panel, furnished: None) -> None:
    """A linked catalog of sixty chairs, a product of a doubtful price, and one that Meta rejected."""
    now = utcnow()
    with panel.rt.database.write() as session:
        waba = session.get_one(Number, 1).waba
        waba.catalogs_read_at = now
        (key,) = put_catalogs(session, waba.id, [{"id": "1948", "name": "Shop"}], now)
        odd = [
            {"retailer_id": "<b>", "name": "<script>", "price": "1.290 €", "currency": "EUR"},
            {"retailer_id": "bad", "name": "Knife", "review_status": "rejected"},
        ]
        put_products(session, key, PRODUCTS + odd, now)
        finish_reading(session, key, now)


@pytest.mark.usefixtures("stocked")
def test_products_are_listed_page_by_page_and_found(panel: Panel) -> None:
    viewer = panel.of(Role.VIEWER)
    first = viewer.get("/catalog/")
    assert "62 products" in first
    assert "SKU-59" not in first
    assert "&lt;script&gt;" in first
    assert "1.290 €" in first
    assert "SKU-59" in viewer.get("/catalog/?after=SKU-40")
    found = viewer.get("/catalog/?q=chair+7")
    assert "SKU-07" in found
    assert "12.90 EUR" in found
    assert "Rejected by meta" in viewer.get("/catalog/?q=knife")
    assert "No product has this" in viewer.get("/catalog/?q=table")
    assert "Read again" not in first


@pytest.mark.usefixtures("stocked")
def test_a_search_suggests_products_of_the_number_s_account(panel: Panel) -> None:
    viewer = panel.of(Role.VIEWER)
    with panel.rt.database.read() as session:
        number = session.scalars(select(Number.phone_number_id).where(Number.id == 1)).one()
    found = viewer.client.get(f"/admin/catalog/pick.json?q=chair&number={number}").get_json()
    assert (len(found["products"]), found["more"]) == (8, True)
    assert found["products"][0] == {"sku": "SKU-00", "name": "Chair 0", "price": "12.90 EUR", "state": ""}
    knife = viewer.client.get("/admin/catalog/pick.json?q=knife").get_json()["products"]
    assert knife[0]["state"] == "rejected by Meta"
    nothing = {"products": [], "more": False}
    assert viewer.client.get("/admin/catalog/pick.json?q=chair&number=77").get_json() == nothing
    assert viewer.client.get("/admin/catalog/pick.json").get_json() == nothing


def test_without_a_catalog_the_page_says_why(panel: Panel) -> None:
    manager = panel.of(Role.MANAGER)
    assert "have not been read yet" in manager.get("/catalog/")
    with panel.rt.database.write() as session:
        session.get_one(Number, 1).waba.catalogs_error = CATALOG_FAILED(why=Text("Meta refused: no.")).stored()
    assert "Meta refused: no. The access token needs the permission catalog_management." in manager.get("/catalog/")
    with panel.rt.database.write() as session:
        waba = session.get_one(Number, 1).waba
        waba.catalogs_error, waba.catalogs_read_at = None, utcnow()
    assert "No catalog is linked to" in manager.get("/catalog/")


def test_a_manager_has_the_catalogs_read_again(panel: Panel) -> None:
    assert "Hark reads them from Meta now" in panel.of(Role.MANAGER).post("/catalog/sync")
    with panel.rt.database.read() as session:
        waba_pk = session.get_one(Number, 1).waba_id
    assert not SYNC_CATALOGS.enqueue(panel.rt.redis, waba_pk), "one waits already"
