"""Serves ``POST /{phone_number_id}/messages`` and ``/marketing_messages``: checks, accepts and answers (docs/meta.md §2)."""

import time
from typing import Any

from aiohttp import web

from bot.sandbox import marketing, misbehaviour
from bot.sandbox.components import check_components
from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.faults import AFTER, BEFORE, LATER, Quirk
from bot.sandbox.freeform import check_freeform
from bot.sandbox.person import SimulatedPerson, chance
from bot.sandbox.phone import BSUID, canonical, digits_of
from bot.sandbox.responders import is_refused
from bot.sandbox.restrictions import check_restrictions
from bot.sandbox.simulation import SIM, Simulation
from bot.sandbox.store import SandboxMessage, new_wamid
from bot.sandbox.template import SandboxTemplate
from bot.sandbox.wire import answer, authorize, read_object
from bot.sandbox.world import SandboxNumber

CALLBACK_LIMIT = 512
BLOCKING = {"RESTRICTED": 131031, "BANNED": 131031, "DISCONNECTED": 133010, "UNVERIFIED": 133010, "PENDING": 133010}


async def post_message(request: web.Request) -> web.StreamResponse:
    """Process a send, and count a refusal by its code."""
    sim = request.app[SIM]
    try:
        return await _send(request, sim)
    except SandboxGraphError as error:
        sim.store.refused[error.code] += 1
        raise


async def _send(request: web.Request, sim: Simulation) -> web.StreamResponse:
    authorize(request)
    number = sim.number(request.match_info["node"])
    body = await read_object(request)
    endpoint = request.path.rpartition("/")[2]
    injected = sim.faults.injected("sends", number.id, endpoint)
    if injected is not None and injected.kind in BEFORE:
        fault_response = await misbehaviour.before(request, injected)
        if fault_response is not None:
            return fault_response
    if body.get("messaging_product") != "whatsapp":
        raise SandboxGraphError(100, "(#100) The parameter messaging_product is required.")
    if body.get("status") is not None:
        return _mark_read(sim, body)
    if number.status in BLOCKING:
        raise SandboxGraphError(BLOCKING[number.status], f"The number's status is {number.status}")
    sim.limits.check_throughput(number.id, number.rate(sim.config.throughput_mps), time.monotonic())
    message, person = _check(sim, number, body, endpoint)
    check_restrictions(number, message.kind, message.category)
    quirk = injected if injected and injected.kind in AFTER + LATER else None
    if quirk is None and sim.config.suffix_faults:
        quirk = sim.faults.for_number(person.wa_id)
    if quirk is not None and quirk.kind in BEFORE:
        fault_response = await misbehaviour.before(request, quirk)
        if fault_response is not None:
            return fault_response
    _check_limits(sim, number, message)
    return await _accept(request, sim, message, person, quirk)


async def _accept(
    request: web.Request, sim: Simulation, message: SandboxMessage, person: SimulatedPerson, quirk: Quirk | None
) -> web.StreamResponse:
    """Accept the message: from here on it exists, whether or not the answer arrives."""
    config = sim.config
    message.held = message.kind == "template" and (
        (quirk is not None and quirk.kind in ("hold", "drop"))
        or (0 <= config.hold_after <= sim.store.accepted["template"])
    )
    message.free_entry = person.answered(message.phone_number_id, message.at)
    sim.store.accept(message)
    person.received = message.nth
    person.last_at = message.at
    person.chat.append(message)
    is_early = (
        quirk.kind == "early" if quirk else chance(config, person.wa_id, f"early {message.nth}") < config.early_share
    )
    if is_early and not message.held and not _fails(sim, message, quirk):
        await sim.delivery.early(message)
    sim.delivery.begin(message, quirk if quirk is not None and quirk.kind in LATER else None)
    fault_response = await misbehaviour.after(request, quirk) if quirk is not None and quirk.kind in AFTER else None
    return fault_response or answer(_receipt(message, person))


def _fails(sim: Simulation, message: SandboxMessage, quirk: Quirk | None) -> bool:
    is_outside_window = sim.config.window_rule and message.kind != "template" and not message.in_window
    return (
        is_outside_window or not sim.crowd.of(message.wa_id).reachable or (quirk is not None and quirk.kind == "fail")
    )


def _receipt(message: SandboxMessage, person: SimulatedPerson) -> dict[str, Any]:
    contact: dict[str, str] = {"input": message.to}
    if (message.body or {}).get("recipient"):
        contact["user_id"] = person.bsuid
    if not BSUID.match(message.to):
        contact["wa_id"] = person.wa_id
    sent: dict[str, str] = {"id": message.wamid}
    if message.kind == "template":
        sent["message_status"] = "held_for_quality_assessment" if message.held else "accepted"
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [sent]}


def _check(
    sim: Simulation, number: SandboxNumber, body: dict[str, Any], endpoint: str
) -> tuple[SandboxMessage, SimulatedPerson]:
    callback = body.get("biz_opaque_callback_data")
    if callback is not None and (not isinstance(callback, str) or len(callback) > CALLBACK_LIMIT):
        raise SandboxGraphError(
            100, f"Param biz_opaque_callback_data must be at most {CALLBACK_LIMIT} characters long."
        )
    if body.get("recipient_type", "individual") != "individual":
        raise SandboxGraphError(100, "Param recipient_type must be individual")
    person, address = _recipient(sim, number, body)
    kind = str(body.get("type", "text"))
    now = time.time()
    message = SandboxMessage(
        new_wamid(), number.id, address, person.wa_id, kind, now, callback, endpoint=endpoint, nth=person.received + 1,
        in_window=person.in_window(number.id, now), body=body,
    )  # fmt: skip
    if kind == "template":
        template = _check_template(sim, number, body, endpoint)
        if template.category == "AUTHENTICATION" and body.get("to") is None:
            raise SandboxGraphError(131062)
        message.template, message.language = template.name, template.language
        message.category = marketing.check_endpoint(sim, number, template, message, body)
    elif endpoint == marketing.ENDPOINT:
        raise SandboxGraphError(131055, "Only template messages of category MARKETING are taken here.")
    else:
        check_freeform(kind, body, sim.media.ids)
        sim.world.catalogs.check(number.waba_id, body.get(kind))
        if is_refused(person, number.id):
            raise SandboxGraphError(131070)
    return message, person


def _recipient(sim: Simulation, number: SandboxNumber, body: dict[str, Any]) -> tuple[SimulatedPerson, str]:
    """Return the person and the address of the request; ``to`` takes precedence over ``recipient``."""
    to = body.get("to")
    if to is not None:
        digits = digits_of(to) if isinstance(to, str) else None
        if digits is None:
            raise SandboxGraphError(131009, "Param to is not a valid phone number")
        if digits == number.digits:
            raise SandboxGraphError(131021)
        return sim.crowd.of(canonical(digits)), str(to)
    recipient = body.get("recipient")
    if recipient is None:
        raise SandboxGraphError(100, "The parameter to is required.")
    if not isinstance(recipient, str) or not BSUID.match(recipient):
        raise SandboxGraphError(131009, "Param recipient is not a valid business-scoped user id")
    person = sim.crowd.of_bsuid(recipient)
    if person is None:
        raise SandboxGraphError(131009, "Param recipient is not a user of this portfolio")
    return person, recipient


def _check_template(sim: Simulation, number: SandboxNumber, body: dict[str, Any], endpoint: str) -> SandboxTemplate:
    part = body.get("template")
    language = part.get("language") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(part.get("name"), str):
        raise SandboxGraphError(131008, "The parameter template['name'] is required.")
    if not isinstance(language, dict) or not isinstance(language.get("code"), str):
        raise SandboxGraphError(131008, "The parameter template['language']['code'] is required.")
    name, code = part["name"], language["code"]
    template = sim.world.template(number.waba_id, name, code)
    if template is None or template.status not in ("APPROVED", "PAUSED", "DISABLED"):
        raise SandboxGraphError(132001, f"template name ({name}) does not exist in {code}")
    if template.status != "APPROVED":
        raise SandboxGraphError(
            132015 if template.status == "PAUSED" else 132016, f"template ({name}) is {template.status}"
        )
    if endpoint == marketing.ENDPOINT and template.category != "MARKETING":
        raise SandboxGraphError(134100, "Only template messages of category MARKETING are taken here.")
    check_components(template, part.get("components"), sim.media.ids)
    sim.world.catalogs.check(number.waba_id, part.get("components"))
    return template


def _check_limits(sim: Simulation, number: SandboxNumber, message: SandboxMessage) -> None:
    now = time.monotonic()
    if sim.config.pair_rule:
        sim.limits.check_pair(number.id, message.wa_id, now)
    if not message.in_window and message.kind == "template":
        sim.limits.check_tier(message.wa_id, sim.config.tier_limit, sim.config.tier_code, now)


def _mark_read(sim: Simulation, body: dict[str, Any]) -> web.Response:
    inbound = sim.store.inbound.get(str(body.get("message_id")))
    if body["status"] != "read" or inbound is None:
        raise SandboxGraphError(100, "Param message_id is not the id of a message that was received")
    inbound.read = True
    for other in sim.crowd.of(inbound.wa_id).chat:
        if (
            not isinstance(other, SandboxMessage)
            and other.at <= inbound.at
            and other.phone_number_id == inbound.phone_number_id
        ):
            other.read = True
    return answer({"success": True})
