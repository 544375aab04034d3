"""Answers what messages cost and what became of templates, as Meta's analytics do (docs/meta.md §15). Days are UTC's."""

import json
import re
import time
from collections import Counter
from typing import Any

from aiohttp import web

from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.paging import next_link, place_of
from bot.sandbox.phone import country_of
from bot.sandbox.simulation import SIM, Simulation
from bot.sandbox.store import SandboxMessage
from bot.sandbox.wire import answer, authorize
from bot.sandbox.world import SandboxWaba

FIELD = "pricing_analytics"
DAY = 86_400
LOOKBACK = 366 * DAY
TEMPLATE_LOOKBACK = 91 * DAY
MAX_TEMPLATES = 10
DIMENSIONS = {
    "PHONE": "phone_number",
    "COUNTRY": "country",
    "PRICING_TYPE": "pricing_type",
    "PRICING_CATEGORY": "pricing_category",
}
PRODUCTS = {"CLOUD_API": "messages", "MARKETING_MESSAGES_LITE_API": "marketing_messages"}
_CALL = re.compile(r"\.(\w+)\(([^)]*)\)")
Key = tuple[int, str, str, str, str]
"""Day, number, country, type, category."""


def price_analytics(request: web.Request, sim: Simulation, waba: SandboxWaba, fields: str) -> dict[str, Any]:
    """Return the node's field ``pricing_analytics`` with its points, a page of them. Raises SandboxGraphError."""
    _check_permission(sim)
    calls = dict(_CALL.findall(fields))
    begin, end = _span(calls.get("start"), calls.get("end"), LOOKBACK)
    if calls.get("granularity") != "DAILY":
        raise SandboxGraphError(100, "The sandbox knows granularity DAILY alone")
    names = _dimensions(calls.get("dimensions"))
    found: Counter[tuple[Any, ...]] = Counter()
    costs: Counter[tuple[Any, ...]] = Counter()
    for message in sim.store.messages:
        priced = _priced(sim, waba, message)
        if priced is not None and begin <= priced[0] < end:
            key: tuple[Any, ...] = (priced[0], *(priced[1][name] for name in names))
            found[key] += 1
            costs[key] += _cost(sim, message, priced[1]["PRICING_TYPE"])
    rows = sorted(found)
    start, size = place_of(request), sim.config.analytics_page
    points = []
    for key in rows[start : start + size]:
        point: dict[str, Any] = {"start": key[0], "end": key[0] + DAY, "volume": found[key]}
        point |= {DIMENSIONS[name]: value for name, value in zip(names, key[1:], strict=True)}
        points.append(point | ({"cost": costs[key] / 1_000_000} if sim.config.analytics_costs else {}))
    paging = {"paging": {"next": next_link(request, start + size)}} if start + size < len(rows) else {}
    return {"id": waba.id, FIELD: {"data": [{"data_points": points}] if points else [], **paging}}


async def template_analytics(request: web.Request) -> web.StreamResponse:
    """``GET /{waba}/template_analytics``."""
    authorize(request)
    sim = request.app[SIM]
    waba = sim.waba(request.match_info["node"])
    _check_permission(sim)
    if not sim.config.insights_enabled:
        raise SandboxGraphError(200, "Template insights are not enabled for this WhatsApp Business Account")
    begin, end = _span(request.query.get("start"), request.query.get("end"), TEMPLATE_LOOKBACK)
    product = request.query.get("product_type", "CLOUD_API")
    if product not in PRODUCTS:
        raise SandboxGraphError(100, f"Param product_type must be one of {', '.join(PRODUCTS)}")
    templates = {node: sim.world.templates[node] for node in _ids(request) if node in sim.world.templates}
    by_name = {(it.name, it.language): node for node, it in templates.items() if it.waba_id == waba.id}
    counts: dict[tuple[str, int], Counter[str]] = {}
    for message in sim.store.messages:
        node = by_name.get((message.template or "", message.language or ""))
        number = sim.world.numbers.get(message.phone_number_id)
        is_ours = number is not None and number.waba_id == waba.id and message.endpoint == PRODUCTS[product]
        if node is None or not is_ours or not begin <= message.at < end:
            continue
        found = counts.setdefault((node, int(message.at) // DAY * DAY), Counter())
        found["sent"] += 1
        found["delivered"] += bool({"delivered", "read"} & message.facts.keys())
        found["read"] += "read" in message.facts
    points = [
        {
            "template_id": node,
            "start": day,
            "end": day + DAY,
            **{name: found[name] for name in ("sent", "delivered", "read")},
        }
        for (node, day), found in sorted(counts.items())
    ]
    data = [{"granularity": "DAILY", "product_type": product.lower(), "data_points": points}] if points else []
    return answer({"data": data})


def _check_permission(sim: Simulation) -> None:
    if not sim.config.analytics_permission:
        raise SandboxGraphError(200, "Requires whatsapp_business_management permission to read analytics")


def _span(start: str | None, end: str | None, lookback: int) -> tuple[int, int]:
    if not (start or "").isdigit() or not (end or "").isdigit() or int(start or 0) >= int(end or 0):
        raise SandboxGraphError(100, "Params start and end must be Unix times, start before end")
    if int(start or 0) < time.time() - lookback:
        raise SandboxGraphError(100, "Param start is too far back")
    return int(start or 0), int(end or 0)


def _dimensions(text: str | None) -> list[str]:
    try:
        names = json.loads(text or "[]")
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(name in DIMENSIONS for name in names):
        raise SandboxGraphError(100, f"dimensions must be a list of {', '.join(DIMENSIONS)}")
    return [str(name) for name in names]


def _ids(request: web.Request) -> list[str]:
    ids = [part for part in request.query.get("template_ids", "").strip("[]").split(",") if part]
    if not 1 <= len(ids) <= MAX_TEMPLATES:
        raise SandboxGraphError(100, f"Param template_ids must have 1 to {MAX_TEMPLATES} ids")
    return ids


def _priced(sim: Simulation, waba: SandboxWaba, message: SandboxMessage) -> tuple[int, dict[str, str]] | None:
    """The day of the delivery, and the dimensions; None if it was not delivered, or is not of this account."""
    number = sim.world.numbers.get(message.phone_number_id)
    moments = [message.facts[name] for name in ("delivered", "read") if name in message.facts]
    price_type = sim.delivery.prices.type_of(message.wamid)
    if number is None or number.waba_id != waba.id or not moments or price_type is None:
        return None
    category = "referral_conversion" if price_type == "free_entry_point" else message.category
    return int(min(moments)) // DAY * DAY, {
        "PHONE": number.digits,
        "COUNTRY": country_of(message.wa_id),
        "PRICING_TYPE": price_type.upper(),
        "PRICING_CATEGORY": category.upper().replace("-", "_"),
    }


def _cost(sim: Simulation, message: SandboxMessage, price_type: str) -> int:
    """In millionths."""
    if price_type != "REGULAR":
        return 0
    named = sim.delivery.prices.cost_of(message)
    if named is not None:
        return round(named * 1_000_000)
    prices = dict(part.split("=", 1) for part in sim.config.analytics_prices.split(",") if "=" in part)
    return round(float(prices.get(message.category, "0.05")) * 1_000_000)
