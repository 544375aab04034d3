"""Serves the catalogs of accounts and their products (docs/meta.md §13), and the control of both."""

from typing import Any

from aiohttp import web

from bot.sandbox.catalogs import SandboxCatalog
from bot.sandbox.config import ConfigError
from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.paging import cursor_of, limit_of, next_link, place_of
from bot.sandbox.simulation import SIM, Simulation
from bot.sandbox.wire import answer, authorize, fields_of, read_object

PAGE = 25
MAX_PAGE = 1000
DEFAULT_FIELDS = ("id", "name", "retailer_id")


async def list_catalogs(request: web.Request) -> web.StreamResponse:
    """``GET product_catalogs``: the catalogs that are linked to an account."""
    authorize(request)
    sim = request.app[SIM]
    waba = sim.waba(request.match_info["node"])
    if not sim.config.catalog_permission:
        raise SandboxGraphError(200, "Requires catalog_management permission to manage the object")
    catalogs = sim.world.catalogs.linked(waba.id)
    return answer({"data": [{"id": catalog.id, "name": catalog.name} for catalog in catalogs]})


async def change_link(request: web.Request) -> web.StreamResponse:
    """``POST`` and ``DELETE product_catalogs``: link a catalog to an account, or take the link away."""
    authorize(request)
    sim = request.app[SIM]
    waba = sim.waba(request.match_info["node"])
    catalog_id = str(request.query.get("catalog_id") or (await read_object(request)).get("catalog_id"))
    if catalog_id not in sim.world.catalogs.by_id:
        raise SandboxGraphError(100, f"Object with ID '{catalog_id}' does not exist", subcode=33)
    sim.world.catalogs.link(waba.id, catalog_id, is_linked=request.method == "POST")
    return answer({"success": True})


async def list_products(request: web.Request) -> web.StreamResponse:
    """``GET products``: a page of a catalog's products; ``limit`` is at most 1,000."""
    authorize(request)
    sim, node = request.app[SIM], request.match_info["node"]
    catalog = sim.world.catalogs.by_id.get(node)
    if catalog is None or not sim.config.catalog_permission:
        raise SandboxGraphError(100, f"Object with ID '{node}' does not exist", subcode=33)
    start = place_of(request)
    products, behind = catalog.page(start, limit_of(request, PAGE, MAX_PAGE))
    names = fields_of(request) or list(DEFAULT_FIELDS)
    value: dict[str, Any] = {"data": [_public(product, names) for product in products]}
    if products:
        end = behind if behind is not None else start + len(products)
        value["paging"] = {"cursors": {"before": cursor_of(start), "after": cursor_of(end)}}
        if behind is not None:
            value["paging"]["next"] = next_link(request, behind)
    return answer(value)


def _public(product: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: product[name] for name in dict.fromkeys([*names, "id"]) if name in product}


async def post_product(request: web.Request) -> web.StreamResponse:
    """``POST product``: ``sku`` and the fields to change, or ``deleted``: true; ``catalog_id`` where there are several."""
    sim, body = request.app[SIM], await read_object(request)
    catalog = _catalog(sim, body)
    sku = body.get("sku")
    if not isinstance(sku, str) or not sku:
        raise ConfigError("sku: the product's SKU is needed")
    if body.get("deleted") is True:
        catalog.remove(sku)
        return answer({"sku": sku, "deleted": True})
    fields = {name: value for name, value in body.items() if name not in ("sku", "catalog_id", "deleted")}
    return answer(catalog.put(sku, fields))


async def post_catalog(request: web.Request) -> web.StreamResponse:
    """``POST catalog``: ``catalog_id`` and what changes: ``linked``, ``seeded`` (how many products the seed makes)."""
    sim, body = request.app[SIM], await read_object(request)
    catalog = _catalog(sim, body)
    seeded = body.get("seeded", catalog.seeded)
    if not isinstance(seeded, int) or isinstance(seeded, bool) or seeded < 0:
        raise ConfigError(f"seeded: {seeded!r} is not a count")
    if "linked" in body:
        waba_id = str(body.get("waba_id") or next(iter(sim.world.wabas)))
        sim.world.catalogs.link(waba_id, catalog.id, is_linked=body["linked"] is True)
    catalog.seeded = seeded
    linked_to = [waba_id for waba_id in sim.world.wabas if catalog in sim.world.catalogs.linked(waba_id)]
    return answer({"id": catalog.id, "name": catalog.name, "seeded": catalog.seeded, "linked_to": linked_to})


def _catalog(sim: Simulation, body: dict[str, Any]) -> SandboxCatalog:
    catalogs = sim.world.catalogs.by_id
    catalog_id = str(body.get("catalog_id") or next(iter(catalogs), ""))
    if catalog_id not in catalogs:
        raise ConfigError(f"catalog_id: {catalog_id!r} is none of {', '.join(catalogs) or '(there are none)'}")
    return catalogs[catalog_id]
