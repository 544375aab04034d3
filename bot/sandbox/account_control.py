"""Serves the control of an account: what Meta says of it, and the webhook that reports signed terms (docs/meta.md §2.6)."""

from typing import Any

from aiohttp import web

from bot.sandbox.config import ConfigError
from bot.sandbox.simulation import SIM
from bot.sandbox.wire import answer, read_object

SIGNED = "TERM_OF_SERVICE_SIGNED"
FIELDS: dict[str, type] = {"onboarding": str, "terms": str, "marketing_off": bool, "currency": str}


async def post_account(request: web.Request) -> web.StreamResponse:
    """``POST account``: change an account; where its terms become signed, a webhook says so."""
    sim, body = request.app[SIM], await read_object(request)
    waba_id = str(body.get("waba_id") or next(iter(sim.world.wabas)))
    waba = sim.world.wabas.get(waba_id)
    if waba is None:
        raise ConfigError(f"waba_id: {waba_id!r} is none of {', '.join(sim.world.wabas)}")
    for name, kind in FIELDS.items():
        if name in body and not isinstance(body[name], kind):
            raise ConfigError(f"{name}: {body[name]!r} has the wrong type")
    is_signed = body.get("terms") == SIGNED != waba.terms
    for name in FIELDS.keys() & body.keys():
        setattr(waba, name, body[name])
    if is_signed:
        info = {"waba_id": waba.id, "owner_business_id": sim.world.portfolio_id}
        sim.announce(waba.id, "account_update", {"event": "MM_LITE_TERMS_SIGNED", "waba_info": info})
    shown: dict[str, Any] = {name: getattr(waba, name) for name in FIELDS}
    return answer({"id": waba.id} | shown)
