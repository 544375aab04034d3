"""The sandbox's catalogs: pages of products, changes, and messages that name what is not there."""

from typing import Any

import pytest

from bot.sandbox.catalogs import SandboxCatalog
from bot.sandbox.seed import CATALOG_ID, PHONE_NUMBER_ID, WABA_ID
from tests.support.sandbox_client import Caller
from tests.support.sandbox_plans import ANA

FIELDS = {"fields": "retailer_id,price,availability"}


def _skus(meta: Caller, **params: Any) -> list[str]:
    answer = meta.http.get(f"/{CATALOG_ID}/products", params=FIELDS | params)
    skus: list[str] = []
    while True:
        skus += [item["retailer_id"] for item in answer.json()["data"]]
        link = answer.json().get("paging", {}).get("next")
        if link is None:
            return skus
        answer = meta.http.get(link)


def _send_product(meta: Caller, sku: str, **more: Any) -> Any:
    action = {"catalog_id": CATALOG_ID, "product_retailer_id": sku} | more
    meta.handle.say(ANA, "hello")
    body = {"to": ANA, "type": "interactive", "interactive": {"type": "product", "action": action}}
    return meta.post(body)


def test_the_catalogs_of_an_account_are_listed_while_they_are_linked(meta: Caller) -> None:
    path = f"/{WABA_ID}/product_catalogs"
    assert [item["id"] for item in meta.http.get(path).json()["data"]] == [CATALOG_ID]
    assert meta.http.delete(path, params={"catalog_id": CATALOG_ID}).json() == {"success": True}
    assert meta.http.get(path).json()["data"] == []
    assert meta.http.post(path, json={"catalog_id": CATALOG_ID}).json() == {"success": True}
    assert meta.code_of(meta.http.post(path, json={"catalog_id": "12"})) == 100


def test_products_come_page_by_page_each_once(meta: Caller) -> None:
    assert _skus(meta, limit=7) == [f"SKU-{number}" for number in range(1, 25)]
    assert meta.code_of(meta.http.get(f"/{CATALOG_ID}/products", params={"limit": "0"})) == 100
    assert meta.code_of(meta.http.get(f"/{CATALOG_ID}/products", params={"after": "x"})) == 100
    assert meta.code_of(meta.http.get("/12/products")) == 100


def test_products_are_changed_added_and_deleted(meta: Caller) -> None:
    meta.control.post("/product", json={"sku": "SKU-2", "price": "1,00 €"})
    meta.control.post("/product", json={"sku": "coat"})
    meta.control.post("/product", json={"sku": "SKU-1", "deleted": True})
    assert _skus(meta, limit=5) == [*(f"SKU-{number}" for number in range(2, 25)), "coat"]
    first = meta.http.get(f"/{CATALOG_ID}/products", params=FIELDS | {"limit": 1}).json()["data"][0]
    assert (first["retailer_id"], first["price"]) == ("SKU-2", "1,00 €")
    assert meta.control.post("/product", json={}).status_code == 400
    assert meta.control.post("/catalog", json={"seeded": -1}).status_code == 400


def test_the_seed_makes_a_hundred_thousand_products() -> None:
    catalog = SandboxCatalog("400", "large", seeded=100_000)
    place: int | None = 0
    skus: set[str] = set()
    while place is not None:
        page, place = catalog.page(place, 1000)
        skus.update(product["retailer_id"] for product in page)
    assert len(skus) == 100_000
    assert catalog.product("SKU-100000") == catalog.page(99_999, 1)[0][0]
    assert [catalog.product(sku) for sku in ("SKU-100001", "SKU-0", "SKU-01", "SKU-", "sku-1")] == [None] * 5


def test_without_the_permission_catalogs_are_refused(meta: Caller) -> None:
    meta.handle.configure(catalog_permission=False)
    assert meta.code_of(meta.http.get(f"/{WABA_ID}/product_catalogs")) == 200
    assert meta.code_of(meta.http.get(f"/{CATALOG_ID}/products")) == 100


def test_a_product_that_is_there_is_sent(meta: Caller) -> None:
    assert _send_product(meta, "SKU-1").status_code == 200


@pytest.mark.parametrize(
    ("sku", "more", "said"),
    [
        ("SKU-25", {}, "Product not found for product_retailer_id SKU-25"),
        ("SKU-24", {}, "not approved"),
        ("SKU-1", {"catalog_id": "12"}, "Catalog 12 is not connected"),
    ],
)
def test_a_product_that_meta_would_not_send_is_refused(meta: Caller, sku: str, more: dict[str, Any], said: str) -> None:
    answer = _send_product(meta, sku, **more)
    assert meta.code_of(answer) == 131009
    assert said in answer.json()["error"]["error_data"]["details"]


def test_without_a_linked_catalog_no_product_is_sent(meta: Caller) -> None:
    assert meta.control.post("/catalog", json={"linked": False}).json()["linked_to"] == []
    answer = _send_product(meta, "SKU-1")
    assert meta.code_of(answer) == 131009
    assert "No catalog is connected" in answer.json()["error"]["error_data"]["details"]
    plain = {"to": ANA, "type": "text", "text": {"body": "hello"}}
    assert meta.post(plain, PHONE_NUMBER_ID).status_code == 200
