"""Serves Graph routes of single objects: numbers, accounts, subscriptions, media, uploads."""

from typing import Any

from aiohttp import web

from bot.sandbox import analytics, reviews
from bot.sandbox.config import ConfigError, check_loopback
from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.handshake import verify_webhook
from bot.sandbox.media import check_file, read_form
from bot.sandbox.simulation import SIM, Simulation
from bot.sandbox.wire import answer, authorize, fields_of, read_object
from bot.sandbox.world import SandboxWaba


def base_of(request: web.Request) -> str:
    """Return the URL of the sandbox as the client called it."""
    return f"{request.scheme}://{request.host}"


async def get_node(request: web.Request) -> web.StreamResponse:
    """``GET /{id}``: a number, template, file, upload or account."""
    authorize(request, schemes=("bearer", "oauth"))
    sim, node = request.app[SIM], request.match_info["node"]
    if node in sim.world.numbers:
        return answer(sim.world.numbers[node].public(fields_of(request), sim.config.tier_limit))
    if node in sim.world.templates:
        return answer(sim.world.templates[node].public(fields_of(request)))
    if node in sim.media.items:
        return answer(sim.media.items[node].public(base_of(request)))
    if node in sim.media.uploads:
        return answer({"id": node, "file_offset": len(sim.media.uploads[node].data)})
    if node in sim.world.wabas and analytics.FIELD in request.query.get("fields", ""):
        return answer(analytics.price_analytics(request, sim, sim.waba(node), request.query["fields"]))
    if node in sim.world.wabas:
        return answer(_account(sim, sim.waba(node), fields_of(request)))
    raise unknown(node)


def _account(sim: Simulation, waba: SandboxWaba, fields: list[str] | None) -> dict[str, Any]:
    everything = {
        "name": waba.name,
        "currency": waba.currency,
        "timezone_id": "1",
        "owner_business_info": {
            "id": sim.world.portfolio_id,
            "name": waba.name,
            "marketing_messages_onboarding_status": {"status": waba.terms, "time": "2026-09-01"},
        },
        "marketing_messages_onboarding_status": waba.onboarding,
        "disable_marketing_messages_on_cloud_api": waba.marketing_off,
        "health_status": {"can_send_message": "AVAILABLE"},
    }
    names = fields or ["name", "currency", "timezone_id"]
    return {"id": waba.id} | {name: everything[name] for name in names if name in everything}


async def post_node(request: web.Request) -> web.StreamResponse:
    """``POST /{id}``: edit a template, continue an upload, or switch marketing on the Cloud API off or on for an account."""
    authorize(request, schemes=("bearer", "oauth"))
    sim, node = request.app[SIM], request.match_info["node"]
    if node in sim.world.templates:
        return answer(reviews.edit(sim, sim.world.templates[node], await read_object(request)))
    if node in sim.media.uploads:
        offset = request.headers.get("file_offset", "0")
        if not offset.isdigit():
            raise SandboxGraphError(100, "file_offset must be a number")
        handle = sim.media.continue_upload(sim.media.uploads[node], int(offset), await request.read())
        return answer({"h": handle} if handle else {"id": node, "file_offset": len(sim.media.uploads[node].data)})
    if node in sim.world.wabas:
        return answer(_edit_account(sim.waba(node), await read_object(request)))
    raise unknown(node)


def _edit_account(waba: SandboxWaba, body: dict[str, Any]) -> dict[str, Any]:
    is_off = body.get("disable_marketing_messages_on_cloud_api")
    if not isinstance(is_off, bool):
        raise SandboxGraphError(100, "Param disable_marketing_messages_on_cloud_api must be a boolean")
    waba.marketing_off = is_off
    return {"success": True}


async def delete_node(request: web.Request) -> web.StreamResponse:
    """``DELETE /{id}``: remove a file."""
    authorize(request)
    sim, node = request.app[SIM], request.match_info["node"]
    if node not in sim.media.items:
        raise unknown(node)
    sim.media.remove(sim.media.items[node])
    return answer({"success": True})


async def list_numbers(request: web.Request) -> web.StreamResponse:
    """``GET phone_numbers``: the numbers of a WABA."""
    authorize(request)
    sim = request.app[SIM]
    waba = sim.waba(request.match_info["node"])
    numbers = [number for number in sim.world.numbers.values() if number.waba_id == waba.id]
    return answer(
        {"data": [number.public(fields_of(request), sim.config.tier_limit) for number in numbers], "paging": {}}
    )


async def subscribe(request: web.Request) -> web.StreamResponse:
    """``POST subscribed_apps``: subscribe the app; ``override_callback_uri`` is verified first, as Meta does."""
    authorize(request)
    sim = request.app[SIM]
    waba = sim.waba(request.match_info["node"])
    body = await read_object(request)
    callback_url = body.get("override_callback_uri")
    if callback_url is not None:
        try:
            check_loopback(str(callback_url))
        except ConfigError as error:
            raise SandboxGraphError(100, str(error)) from error
        if not (await verify_webhook(sim, str(callback_url), str(body.get("verify_token", ""))))["ok"]:
            raise SandboxGraphError(2200, "The callback URL did not echo the challenge")
    waba.subscriptions[sim.world.app_id] = callback_url
    return answer({"success": True})


async def list_subscriptions(request: web.Request) -> web.StreamResponse:
    """``GET subscribed_apps``: the apps that receive the WABA's webhooks."""
    authorize(request)
    sim = request.app[SIM]
    waba = sim.waba(request.match_info["node"])
    entries: list[dict[str, Any]] = []
    for app_id, callback_url in waba.subscriptions.items():
        entry: dict[str, Any] = {"whatsapp_business_api_data": {"id": app_id, "name": "Sandbox App", "link": ""}}
        entries.append(entry | ({"override_callback_uri": callback_url} if callback_url else {}))
    return answer({"data": entries})


async def unsubscribe(request: web.Request) -> web.StreamResponse:
    """``DELETE subscribed_apps``: unsubscribe the app."""
    authorize(request)
    sim = request.app[SIM]
    sim.waba(request.match_info["node"]).subscriptions.pop(sim.world.app_id, None)
    return answer({"success": True})


async def upload_media(request: web.Request) -> web.StreamResponse:
    """``POST media``: upload a file for a number."""
    authorize(request)
    sim = request.app[SIM]
    number = sim.number(request.match_info["node"])
    texts, data, own_type, name = await read_form(request)
    if texts.get("messaging_product") != "whatsapp":
        raise SandboxGraphError(100, "(#100) The parameter messaging_product is required.")
    if data is None:
        raise SandboxGraphError(100, "(#100) The parameter file is required.")
    mime_type = texts.get("type") or own_type
    check_file(mime_type, len(data))
    return answer({"id": sim.media.add(number.id, mime_type.partition(";")[0], data, name).id})


async def download_media(request: web.Request) -> web.StreamResponse:
    """``GET /_media/{id}``: the file, with the token of its URL."""
    authorize(request)
    media = request.app[SIM].media.items.get(request.match_info["node"])
    if media is None or not media.may_download(request.query.get("t", "")):
        return web.Response(status=404, text="Not Found")
    return web.Response(body=media.data, content_type=media.mime_type)


async def begin_upload(request: web.Request) -> web.StreamResponse:
    """``POST /{app_id}/uploads``: begin a resumable upload."""
    authorize(request, schemes=("bearer", "oauth"))
    sim, query = request.app[SIM], request.query
    if request.match_info["node"] != sim.world.app_id:
        raise unknown(request.match_info["node"])
    length = query.get("file_length", "")
    if not length.isdigit() or int(length) < 1:
        raise SandboxGraphError(100, "The parameter file_length is required.")
    upload = sim.media.begin_upload(int(length), query.get("file_type", ""), query.get("file_name", ""))
    return answer({"id": upload.id})


def unknown(node: str) -> SandboxGraphError:
    """Return Meta's error for an object that does not exist."""
    return SandboxGraphError(
        100,
        f"Object with ID '{node}' does not exist, cannot be loaded due to missing permissions, "
        "or does not support this operation",
        subcode=33,
    )
