"""A typed word that a running question offers: the ingest and the bot flow read it alike."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.webhooks.parse import parse_payload
from jobs.ingest.apply import apply_parsed
from models.clock import utcnow
from models.tables.contact import Consent, Contact
from models.tables.flow import FlowSession
from models.tables.number import Number
from tests.support.chat_rig import Chat
from tests.support.paths import WEBHOOKS

pytestmark = pytest.mark.sqlite_unless_proved

PHONE = "+34600000001"  # the sender of the recorded message
BOOKING = """
name: booking
start: q
nodes:
  q: {type: ask, text: "Confirm or cancel?", expect: choice, choices: [{title: Confirm}, {title: Cancel}], save_as: ok, next: e}
  e: {type: end, text: "Noted: {answers.ok}."}
"""
MENU = """
name: menu
start: m
nodes:
  m: {type: message, text: "What now?", buttons: [{title: Cancelar, next: e}, {title: Other, next: e}]}
  e: {type: end, text: "Noted: {answers.m}."}
"""


def _type(chat: Chat, text: str, wamid: str, seconds: float = 0.0) -> None:
    payload: dict[str, Any] = json.loads((WEBHOOKS / "message_text.json").read_bytes())
    value = payload["entry"][0]["changes"][0]["value"]
    with chat.rt.database.read() as session:
        value["metadata"]["phone_number_id"] = session.get_one(Number, chat.number_id).phone_number_id
    at = int((utcnow() + timedelta(seconds=seconds)).timestamp())
    value["messages"][0] |= {"id": wamid, "timestamp": str(at), "text": {"body": text}}
    apply_parsed(chat.rt, [parse_payload(json.dumps(payload).encode())])


def _consent(chat: Chat) -> Consent:
    with chat.rt.database.read() as session:
        return session.scalars(select(Contact.consent)).one()


def _begin(chat: Chat, flow: str) -> None:
    chat.flow(flow, is_fallback=True)
    chat.conversation(PHONE, consent=Consent.SUBSCRIBED)
    _type(chat, "hello", "wamid.first")
    assert len(chat.answer()) == 1


@pytest.mark.parametrize(
    ("flow", "typed", "noted"),
    [
        (BOOKING, "Cancel", "Cancel"),
        (BOOKING, "cancel!", "Cancel"),
        (BOOKING, "Cancel, please", "Cancel"),
        (MENU, "cancelar", "Cancelar"),
    ],
)
def test_the_typed_title_of_an_option_is_the_answer_and_no_stop(chat: Chat, flow: str, typed: str, noted: str) -> None:
    _begin(chat, flow)
    _type(chat, typed, "wamid.choice", 1)
    assert (chat.answer()[-1], _consent(chat)) == (f"Noted: {noted}.", Consent.SUBSCRIBED)


@pytest.mark.parametrize("typed", ["STOP", "unsubscribe", "Baja", "stop please"])
def test_an_unmistakable_stop_counts_whatever_was_asked(chat: Chat, typed: str) -> None:
    _begin(chat, BOOKING)
    _type(chat, typed, "wamid.stop", 1)
    assert (len(chat.answer()), _consent(chat)) == (1, Consent.UNSUBSCRIBED)


@pytest.mark.parametrize("typed", ["quit", "end"])
def test_an_everyday_stop_word_that_is_not_on_offer_still_opts_out(chat: Chat, typed: str) -> None:
    _begin(chat, BOOKING)
    _type(chat, typed, "wamid.stop", 1)
    assert (len(chat.answer()), _consent(chat)) == (1, Consent.UNSUBSCRIBED)


def test_a_question_that_was_answered_offers_nothing_any_more(chat: Chat) -> None:
    _begin(chat, BOOKING)
    _type(chat, "Confirm", "wamid.choice", 1)
    assert chat.answer()[-1] == "Noted: Confirm."
    _type(chat, "Cancel", "wamid.later", 2)
    assert (len(chat.answer()), _consent(chat)) == (2, Consent.UNSUBSCRIBED)


def test_a_question_that_waited_a_day_offers_nothing_any_more(chat: Chat) -> None:
    _begin(chat, BOOKING)
    with chat.rt.database.write() as session:
        state = dict(session.scalars(select(FlowSession.state)).one())
        state["updated_at"] = (utcnow() - timedelta(hours=25)).isoformat()
        session.execute(update(FlowSession).values(state=state))
    _type(chat, "Cancel", "wamid.later", 2)
    assert (len(chat.answer()), _consent(chat)) == (1, Consent.UNSUBSCRIBED)
