"""Serves the control API under ``/_sandbox/``: read what was accepted, write as a person, inject faults. JSON in, JSON out.

``GET  stats[?callbacks=1]``      counts, duplicates, webhooks, ``at_rest``
``GET  messages[?after=N&limit=M&phone=…]``  accepted messages in order; ``next`` is the next ``after``
``GET  inbound[?phone=…]``        messages of people
``POST reset``                    everything as at the start, but for the settings
``GET|POST config``               all settings (secrets hidden) / change some of them; ``world`` takes effect at once
``POST inbound``                  ``phone`` and one of ``text``, ``button`` {text, payload}, ``choice`` (index of a tap on
                                  the message ``wamid``: its own buttons, then those of its cards; ``answers``: of the form
                                  that it opens; ``skus``: the products that it orders; a link to this machine is
                                  opened), ``message`` (raw, from ``type`` on), ``share_number`` (true: the
                                  number, as asked for); ``context``: a wamid
``POST user-id``                  ``phone``: give the person another user id, and report it
``POST echo``                     what the phone app wrote: ``phone`` and ``text`` or ``message``; ``by``: app or responder,
                                  ``times`` it comes, ``ago`` in seconds
``POST responder``                ``phone`` and who has the conversation, ``owner``: us, partner or agent (Meta's); ``role``,
                                  ``summary``; ``told``: false sends no hand-over
``POST template-event``           ``name``, ``language``, and ``event`` (status), ``quality`` or ``category``
``POST number``                   ``phone_number_id`` and ``status``, ``quality_rating``, ``throughput_mps``, …; ``webhook``:
                                  {field, value} to send with it
``POST restriction``              ``phone_number_id`` and ``kinds``, Meta's words; empty: all are over. ``named``: false
                                  restricts the whole account
``POST account``                  ``waba_id`` and ``onboarding``, ``terms``, ``marketing_off``; signed terms are reported
``POST catalog``                  ``catalog_id``, and ``linked`` or ``seeded``: how many products the seed makes
``POST product``                  ``sku`` and fields of a product that change, or ``deleted``: true
``POST webhook``                  ``value`` + ``field``, or a whole ``body``; ``signature``: valid, wrong or missing
``POST handshake``                GET verification of the webhook URL (other ``url``, ``verify_token``)
``GET|POST|DELETE faults``        faults for everything: ``kind``, ``code``, ``share``, ``count``, ``seconds``, ``scope``: sends,
                                  graph, a number's id or marketing_messages
``POST held``                     ``verdict``: release or drop all held messages now
"""

import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from bot.sandbox import reviews
from bot.sandbox.config import ConfigError, check_loopback
from bot.sandbox.crowd import shared_number
from bot.sandbox.crowd import text as text_content
from bot.sandbox.handshake import verify_webhook
from bot.sandbox.outbox import sign
from bot.sandbox.phone import canonical, digits_of
from bot.sandbox.restrictions import restrict
from bot.sandbox.simulation import SIM, Simulation
from bot.sandbox.store import SandboxInbound, SandboxMessage
from bot.sandbox.wire import answer, read_object
from bot.sandbox.world import SandboxNumber

NUMBER_FIELDS = (
    "status",
    "quality_rating",
    "name_status",
    "throughput",
    "verified_name",
    "throughput_mps",
    "is_in_app",
)
PAGE = 1000


async def get_stats(request: web.Request) -> web.StreamResponse:
    """``GET stats``: the counts of ``Simulation.stats``."""
    return answer(request.app[SIM].stats(with_callbacks=request.query.get("callbacks") == "1"))


async def get_messages(request: web.Request) -> web.StreamResponse:
    """``GET messages``: a page of accepted messages."""
    sim, query = request.app[SIM], request.query
    messages: Sequence[SandboxMessage] = sim.store.messages
    if "phone" in query:
        wa_id = wa_id_of(query["phone"])
        messages = [message for message in messages if message.wa_id == wa_id]
    start, limit = _count(query.get("after", "0")), _count(query.get("limit", str(PAGE)))
    page = messages[start : start + limit]
    return answer(
        {"messages": [message.public() for message in page], "next": start + len(page), "total": len(messages)}
    )


async def get_inbound(request: web.Request) -> web.StreamResponse:
    """``GET inbound``: the messages of people."""
    sim = request.app[SIM]
    wa_id = wa_id_of(request.query["phone"]) if "phone" in request.query else None
    items = [item for item in sim.store.inbound.values() if wa_id in (None, item.wa_id)]
    return answer({"inbound": [{"at": item.at, "wa_id": item.wa_id, "read": item.read, **item.raw} for item in items]})


async def post_reset(request: web.Request) -> web.StreamResponse:
    """``POST reset``: reset everything but the settings."""
    request.app[SIM].reset()
    return answer({"ok": True})


async def get_config(request: web.Request) -> web.StreamResponse:
    """``GET config``: all settings, secrets masked."""
    return answer(request.app[SIM].config.public())


async def post_config(request: web.Request) -> web.StreamResponse:
    """``POST config``: change settings, all or none."""
    sim = request.app[SIM]
    sim.change(await read_object(request))
    return answer(sim.config.public())


async def post_inbound(request: web.Request) -> web.StreamResponse:
    """``POST inbound``: write as a person, see ``speak``; or open the link that is tapped, which says nothing."""
    sim, body = request.app[SIM], await read_object(request)
    if url := sim.crowd.link_of(str(body.get("wamid")), body.get("choice")):
        status, location = await sim.browser.open(url, sim.store.by_wamid[str(body["wamid"])].wa_id)
        return answer({"opened": url, "status": status, "location": location})
    inbound = speak(sim, body)
    return answer({"id": inbound.wamid, "message": inbound.raw})


async def post_user_id(request: web.Request) -> web.StreamResponse:
    """``POST user-id``: give a person another user id."""
    sim, body = request.app[SIM], await read_object(request)
    inbound = sim.crowd.change_bsuid(*_person_and_number(sim, body))
    return answer({"id": inbound.wamid, "message": inbound.raw})


async def post_template_event(request: web.Request) -> web.StreamResponse:
    """``POST template-event``: change a template's status, quality or category, and announce it."""
    sim, body = request.app[SIM], await read_object(request)
    template = sim.world.find_template(str(body.get("name")), body.get("language"))
    if template is None:
        raise ConfigError(f"name: there is no template {body.get('name')!r} in {body.get('language')!r}")
    if "event" in body:
        extra: dict[str, Any] = {
            key: body[key] for key in ("rejection_info", "disable_info", "other_info") if key in body
        }
        reviews.set_status(sim, template, str(body["event"]).upper(), body.get("reason"), extra)
    if "quality" in body:
        reviews.set_quality(sim, template, str(body["quality"]).upper())
    if "category" in body:
        reviews.set_category(sim, template, str(body["category"]).upper())
    return answer(template.public())


async def post_number(request: web.Request) -> web.StreamResponse:
    """``POST number``: change a number's fields, and send an account webhook if one is given."""
    sim, body = request.app[SIM], await read_object(request)
    number = sim.number(str(body.get("phone_number_id")))
    webhook = body.get("webhook")
    if webhook is not None and not (isinstance(webhook, dict) and isinstance(webhook.get("value"), dict)):
        raise ConfigError("webhook: needs a field and a value, an object")
    changes = {name: body[name] for name in NUMBER_FIELDS if name in body}
    for name, value in changes.items():
        allowed = {"throughput_mps": int | float, "is_in_app": bool}.get(name, str)
        if not isinstance(value, allowed):
            raise ConfigError(f"{name}: {value!r} has the wrong type")
    for name, value in changes.items():
        setattr(number, name, value)
    if webhook:
        sim.announce(number.waba_id, str(webhook.get("field")), webhook["value"])
    return answer(number.public(["verified_name", *NUMBER_FIELDS[:4]], sim.config.tier_limit))


async def post_restriction(request: web.Request) -> web.StreamResponse:
    """``POST restriction``: restrict a number or its account, and report it."""
    sim, body = request.app[SIM], await read_object(request)
    kinds = body.get("kinds")
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        raise ConfigError("kinds: needs a list of words")
    number = sim.number(str(body.get("phone_number_id")))
    restrict(sim, number, kinds, is_named=body.get("named", True) is True)
    return answer({"restrictions": list(number.restrictions)})


async def post_webhook(request: web.Request) -> web.StreamResponse:
    """Post a webhook at once, without retries, and return the receiver's status and answer."""
    sim, plan = request.app[SIM], await read_object(request)
    waba_id = str(plan.get("waba_id") or next(iter(sim.world.wabas)))
    url = sim.outbox.target(waba_id)
    if url is None:
        raise ConfigError("webhook_url: none is set")
    body = plan.get("body")
    if body is None:
        change = {"value": plan.get("value", {}), "field": plan.get("field", "messages")}
        body = {"object": "whatsapp_business_account", "entry": [{"id": waba_id, "changes": [change]}]}
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode("ascii")
    signatures = {"valid": sign(sim.config.app_secret, raw), "wrong": sign("not the secret", raw), "missing": None}
    if plan.get("signature", "valid") not in signatures:
        raise ConfigError(f"signature: {plan['signature']!r} is not one of {', '.join(signatures)}")
    status, text = await sim.outbox.send_raw(url, raw, signatures[plan.get("signature", "valid")])
    return answer({"status": status, "answer": text[:500]})


async def post_handshake(request: web.Request) -> web.StreamResponse:
    """``POST handshake``: verify the webhook URL as Meta does."""
    sim, body = request.app[SIM], await read_object(request)
    url = body.get("url") or sim.config.webhook_url
    if not url:
        raise ConfigError("webhook_url: none is set")
    return answer(
        await verify_webhook(sim, check_loopback(str(url)), str(body.get("verify_token", sim.config.verify_token)))
    )


async def get_faults(request: web.Request) -> web.StreamResponse:
    """``GET faults``: the injected faults."""
    return answer({"faults": [item.public() for item in request.app[SIM].faults.injections]})


async def post_faults(request: web.Request) -> web.StreamResponse:
    """``POST faults``: inject a fault, see ``Faults.inject``."""
    return answer(request.app[SIM].faults.inject(await read_object(request)).public())


async def delete_faults(request: web.Request) -> web.StreamResponse:
    """``DELETE faults``: remove all injected faults."""
    request.app[SIM].faults.clear()
    return answer({"ok": True})


async def post_held(request: web.Request) -> web.StreamResponse:
    """``POST held``: settle all held messages."""
    verdict = (await read_object(request)).get("verdict")
    if verdict not in ("release", "drop"):
        raise ConfigError(f"verdict: {verdict!r} is not release or drop")
    return answer({"settled": request.app[SIM].delivery.release(verdict)})


def speak(sim: Simulation, body: dict[str, Any]) -> SandboxInbound:
    """Write as a person: a text, a button, a tap on a choice of a message, or a raw message.

    Raises ConfigError if the body is invalid.
    """
    wa_id, number_id = _person_and_number(sim, body)
    context = body.get("context")
    if "choice" in body:
        return _tap(sim, body)
    if "text" in body:
        content = text_content(str(body["text"]))
    elif isinstance(body.get("button"), dict):
        button = body["button"]
        label = str(button.get("text", ""))
        content = {"type": "button", "button": {"payload": str(button.get("payload", label)), "text": label}}
    elif isinstance(body.get("message"), dict):
        content = body["message"]
    elif body.get("share_number") is True:
        content = shared_number(wa_id)
    else:
        raise ConfigError("text: one of text, button, choice, message and share_number is needed")
    return sim.crowd.say(wa_id, number_id, content, str(context) if context else None)


def _person_and_number(sim: Simulation, body: dict[str, Any]) -> tuple[str, str]:
    wa_id = wa_id_of(str(body.get("phone", "")))
    return wa_id, number_of(sim, wa_id, body).id


def _tap(sim: Simulation, body: dict[str, Any]) -> SandboxInbound:
    message = sim.store.by_wamid.get(str(body.get("wamid")))
    if message is None or not isinstance(body["choice"], int):
        raise ConfigError("choice: needs the wamid of a message and the place of one of its choices")
    try:
        return sim.crowd.press(
            message,
            body["choice"],
            with_context=body.get("with_context", True) is True,
            answers=body["answers"] if isinstance(body.get("answers"), dict) else None,
            skus=[str(sku) for sku in body["skus"]] if isinstance(body.get("skus"), list) else (),
        )
    except (IndexError, ValueError) as error:
        raise ConfigError(f"choice: {body['choice']!r} cannot be tapped") from error


def number_of(sim: Simulation, wa_id: str, body: dict[str, Any]) -> SandboxNumber:
    """Return the number of a request's ``phone_number_id``, else the usual one. Raises ConfigError if there is none of this id."""
    number_id = str(body.get("phone_number_id") or _usual_number(sim, wa_id))
    if number_id not in sim.world.numbers:
        raise ConfigError(f"phone_number_id: {number_id!r} is none of {', '.join(sim.world.numbers)}")
    return sim.world.numbers[number_id]


def _usual_number(sim: Simulation, wa_id: str) -> str:
    """Return the number of the latest message in this person's chat, else the first number of the world."""
    if wa_id in sim.crowd.people:
        for entry in reversed(sim.crowd.people[wa_id].chat):
            return entry.phone_number_id
    return next(iter(sim.world.numbers))


def wa_id_of(phone: str) -> str:
    """Return the canonical wa_id of a phone. Raises ConfigError if it is no phone number."""
    digits = digits_of(phone)
    if digits is None:
        raise ConfigError(f"phone: {phone!r} is not a phone number")
    return canonical(digits)


def _count(raw: str) -> int:
    if not raw.isdigit():
        raise ConfigError(f"after, limit: {raw!r} is not a count")
    return int(raw)
