"""Serves ``/{waba_id}/message_templates``: pages with cursors, filters, creation, deletion (docs/meta.md §5)."""

import json
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.sandbox import reviews
from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.paging import cursor_of, read_cursor
from bot.sandbox.simulation import SIM
from bot.sandbox.template import SandboxTemplate
from bot.sandbox.wire import answer, authorize, fields_of, read_object

PAGE = 25
MAX_PAGE = 1000


async def list_templates(request: web.Request) -> web.StreamResponse:
    """``GET``: a page of the WABA's templates; ``limit`` is at most 1,000."""
    authorize(request)
    sim = request.app[SIM]
    waba = sim.waba(request.match_info["node"])
    templates = [item for item in sim.world.templates_of(waba.id) if _matches(item, request)]
    limit = _number(request, "limit", PAGE)
    if limit < 1:
        raise SandboxGraphError(100, "Param limit must be above 0")
    limit = min(limit, MAX_PAGE)
    start = _start(request)
    page = templates[start : start + limit]
    value: dict[str, Any] = {"data": [item.public(fields_of(request)) for item in page]}
    if page:
        value["paging"] = _paging(request, start, start + len(page), len(templates))
    return answer(value)


async def create_template(request: web.Request) -> web.StreamResponse:
    """``POST``: create a template, which is then reviewed."""
    authorize(request)
    sim = request.app[SIM]
    waba = sim.waba(request.match_info["node"])
    template = reviews.create(sim, waba.id, await read_object(request))
    return answer({"id": template.id, "status": template.status, "category": template.category})


async def unpause_template(request: web.Request) -> web.StreamResponse:
    """``POST /{id}/unpause``: lift Meta's pause."""
    authorize(request)
    sim = request.app[SIM]
    template = sim.world.templates.get(request.match_info["node"])
    if template is None:
        raise SandboxGraphError(100, "Message template not found", subcode=2593002)
    reviews.unpause(sim, template)
    return answer({"success": True})


async def delete_templates(request: web.Request) -> web.StreamResponse:
    """``DELETE``: templates by ``name`` (all languages), ``hsm_id`` (one) or ``hsm_ids`` (a JSON list of at most 100)."""
    authorize(request)
    sim = request.app[SIM]
    waba = sim.waba(request.match_info["node"])
    query = request.query
    ids = _ids(query.get("hsm_ids")) or ([query["hsm_id"]] if "hsm_id" in query else [])
    of_waba = list(sim.world.templates_of(waba.id))
    if ids:
        templates = [item for item in of_waba if item.id in ids and query.get("name", item.name) == item.name]
    else:
        templates = [item for item in of_waba if item.name == query.get("name")]
    is_all_or_nothing = "hsm_ids" in query and len(templates) < len(set(ids))
    if not templates or is_all_or_nothing:
        raise SandboxGraphError(100, "Message template not found", subcode=2593002)
    for template in templates:
        reviews.delete(sim, template)
    return answer({"success": True})


def _matches(template: SandboxTemplate, request: web.Request) -> bool:
    query = request.query
    if "name" in query and query["name"].lower() not in template.name:
        return False
    values = {"status": template.status, "category": template.category, "quality_score": template.quality}
    if any(name in query and query[name].upper() != value for name, value in values.items()):
        return False
    return query.get("language", template.language) == template.language


def _paging(request: web.Request, start: int, end: int, total: int) -> dict[str, Any]:
    paging: dict[str, Any] = {"cursors": {"before": cursor_of(start), "after": cursor_of(end)}}
    links = [("next", "after", end)] if end < total else []
    links += [("previous", "before", start)] if start else []
    for name, key, place in links:
        query = {k: v for k, v in request.query.items() if k not in ("after", "before")} | {key: cursor_of(place)}
        paging[name] = f"{request.scheme}://{request.host}{request.path}?{urlencode(query)}"
    return paging


def _start(request: web.Request) -> int:
    if "before" in request.query:
        return max(0, read_cursor(request.query["before"]) - _number(request, "limit", PAGE))
    return read_cursor(request.query["after"]) if "after" in request.query else 0


def _number(request: web.Request, name: str, default: int) -> int:
    value = request.query.get(name, str(default))
    if not value.isdigit():
        raise SandboxGraphError(100, f"Param {name} must be a number")
    return int(value)


def _ids(raw: str | None) -> list[str]:
    if not raw:
        return []
    try:
        ids = json.loads(raw)
    except ValueError:
        ids = raw.strip("[]").split(",")
    if not isinstance(ids, list) or len(ids) > 100:
        raise SandboxGraphError(100, "Param hsm_ids must be a list of at most 100 ids")
    return [str(one).strip() for one in ids]
