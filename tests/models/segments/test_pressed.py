"""Whoever pressed a button of a campaign; a press by which a person opts out is none of them."""

import pytest
from sqlalchemy.orm import Session

from models.events.types import PressedButton
from models.segments.rule import parse_rule
from models.tables.contact import Contact
from models.tables.number import Number
from tests.support.counting import sample_matching
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.inbound_messages import MINE, at, recorded, sent_to, store, stored

PRESS, STOP = "template_button", "template_button_stop"


@pytest.fixture
def pressable_number(session: Session) -> Number:
    return make_number(session, phone_number_id="106540352242922")


def _matching(session: Session, op: str) -> list[str]:
    rule = parse_rule(session, {"all": [{"on": "campaign", "op": op}]})
    return [contact.name for contact in sample_matching(session, rule, NOW)]


def _presses(session: Session, number: Number, name: str, kind: str) -> Contact:
    message = recorded(kind)
    person = make_contact(session, f"+{message.sender.wa_id}", name=name)
    row = sent_to(session, number, person)
    store(session, recorded(kind, at=at(9), context_wamid=None, pressed=PressedButton(MINE, row.id, 0)))
    assert stored(session, kind).recipient_id == row.id
    return person


def test_who_presses_a_button_has_pressed(session: Session, pressable_number: Number) -> None:
    _presses(session, pressable_number, "Ana", PRESS)
    assert (_matching(session, "pressed"), _matching(session, "not_pressed")) == (["Ana"], [])


def test_who_opts_out_by_a_button_has_not_pressed_before_and_after_the_answer(
    session: Session, pressable_number: Number
) -> None:
    _presses(session, pressable_number, "Ben", STOP)
    assert (_matching(session, "pressed"), _matching(session, "not_pressed")) == ([], ["Ben"])
    stored(session, STOP).route = "stop"
    session.flush()
    assert _matching(session, "pressed") == []


def test_who_was_unsubscribed_already_and_opts_out_again_has_not_pressed(
    session: Session, pressable_number: Number
) -> None:
    _presses(session, pressable_number, "Ben", STOP)
    message = stored(session, STOP)
    message.wamid, message.route = "another", "stop"  # no event of consent names it
    session.flush()
    assert _matching(session, "pressed") == []
