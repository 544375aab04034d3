"""Plays other responders on a number: the business's phone app, a partner's app and Meta's own agent (docs/meta.md §7.8, §7.11).

A partner or the agent can have a conversation: what the person writes then comes under ``standby``. A service message of ours is
refused while a partner has it, and takes it over from the agent. It lapses 24 hours after the person's last message.
"""

import time
from typing import Any

from aiohttp import web

from bot.sandbox.config import ConfigError
from bot.sandbox.control import number_of, wa_id_of
from bot.sandbox.crowd import text as text_content
from bot.sandbox.payload import metadata_of
from bot.sandbox.person import PARTNER, RESPONDERS, SimulatedPerson
from bot.sandbox.simulation import SIM, Simulation
from bot.sandbox.store import new_wamid
from bot.sandbox.wire import answer, read_object
from bot.sandbox.world import SandboxNumber

MOST_TIMES = 10


async def post_echo(request: web.Request) -> web.StreamResponse:
    """``POST echo``: write from the number as the phone app or as another responder."""
    sim, body = request.app[SIM], await read_object(request)
    person, number = _conversation(sim, body)
    author, times, ago = body.get("by", "app"), body.get("times", 1), body.get("ago", 0)
    if author not in ("app", "responder"):
        raise ConfigError(f"by: {author!r} is not app or responder")
    if not isinstance(times, int) or not 1 <= times <= MOST_TIMES:
        raise ConfigError(f"times: {times!r} is not a count from 1 to {MOST_TIMES}")
    if not isinstance(ago, int | float) or ago < 0:
        raise ConfigError(f"ago: {ago!r} is not a number of seconds")
    content = text_content(str(body["text"])) if "text" in body else body.get("message")
    if not isinstance(content, dict):
        raise ConfigError("text: one of text and message is needed")
    stamp = str(int(time.time() - ago))
    echo = {"from": number.digits, "to": person.wa_id, "id": new_wamid(), "timestamp": stamp, **content}
    shared = {"messaging_product": "whatsapp", "metadata": metadata_of(number)}
    field = "smb_message_echoes" if author == "app" else "standby"
    part: dict[str, Any] = {"message_echoes": [echo]}
    for _ in range(times):
        sim.announce(number.waba_id, field, shared | (part if author == "app" else {"standby": part}))
    return answer({"id": echo["id"], "echo": echo})


async def post_responder(request: web.Request) -> web.StreamResponse:
    """``POST responder``: give a conversation to a partner or to Meta's agent, or back to us."""
    sim, body = request.app[SIM], await read_object(request)
    person, number = _conversation(sim, body)
    owner = body.get("owner")
    if owner not in (*RESPONDERS, "us"):
        raise ConfigError(f"owner: {owner!r} is not one of us, {', '.join(RESPONDERS)}")
    if owner == "us":
        person.responders.pop(number.id, None)
    else:
        person.responders[number.id] = owner
    kind = "control_passed" if owner == "us" else "control_taken"
    detail: dict[str, Any] = {"previous_owner_role": "ai_agent", "new_owner_role": str(body.get("role", ""))}
    if "summary" in body:
        detail["conversation_context"] = {"type": "summary", "summary": {"text": str(body["summary"])}}
    value = {
        "messaging_product": "whatsapp",
        "sender": {"phone_number": person.wa_id},
        "recipient": metadata_of(number),
        "type": kind,
        "timestamp": str(int(time.time())),
        kind: detail,
    }
    if body.get("told", True) is True:  # a release tells nobody
        sim.announce(number.waba_id, "messaging_handovers", value)
    return answer({"owner": owner})


def is_refused(person: SimulatedPerson, phone_number_id: str) -> bool:
    """Whether Meta refuses a service message of ours, since a partner has the conversation. From the agent it is taken over."""
    owner = person.responder_of(phone_number_id, time.time())
    if owner is not None and owner != PARTNER:
        del person.responders[phone_number_id]
    return owner == PARTNER


def _conversation(sim: Simulation, body: dict[str, Any]) -> tuple[SimulatedPerson, SandboxNumber]:
    wa_id = wa_id_of(str(body.get("phone", "")))
    return sim.crowd.of(wa_id), number_of(sim, wa_id, body)
