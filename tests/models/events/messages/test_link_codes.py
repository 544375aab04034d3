"""Phones are linked by `/link CODE`, and such a message leaves no trace."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.events.messages.link_codes import (
    COUNTED_FOR,
    MAX_WRONG,
    MAX_WRONG_OF_SENDER,
    normalize_code,
    purge_wrong_codes,
    read_link_code,
)
from models.events.types import InboundMessage, Sender
from models.tables.audit import Audit
from models.tables.contact import Contact
from models.tables.conversation import Conversation, Direction, Message, UnreadReply
from models.tables.number import Number
from models.tables.phone_link import LinkOutcome, PhoneLinkCode, WrongLinkCode, link_code_hash
from models.tables.user import Role, User
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.inbound_messages import store

CODE = "K7Q2M-9XRTD"
ANA = "34600010001"


def user(session: Session, code: str = CODE, email: str = "ana@example.com", **values: Any) -> User:
    made = User(email=email, password_hash="-", role=Role.MANAGER, session_key=email, created_at=NOW)
    session.add(made)
    session.flush()
    given = {"created_at": NOW, "expires_at": NOW + timedelta(minutes=10)} | values
    session.add(PhoneLinkCode(user_id=made.id, code_hash=link_code_hash(normalize_code(code)), **given))
    session.flush()
    return made


def says(number: Number, text: str, wa_id: str | None = ANA, **values: Any) -> InboundMessage:
    given: dict[str, Any] = {
        "wamid": f"in.{wa_id}.{text}",
        "at": NOW,
        "type": "text",
        "payload": {"type": "text"},
    } | values
    sender = Sender(wa_id, bsuid=given.pop("bsuid", None))
    return InboundMessage(phone_number_id=number.phone_number_id, sender=sender, text=text, **given)


def count(session: Session, table: Any) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize(
    "text",
    [f"/link {CODE}", f"/LINK {CODE.lower()}", f"  /link   {CODE}\n", "/link K7Q2M 9XRTD", "/Link K7Q2M–9XRTD", "/link k7q2m9xrtd",
     "\u200e/link K7Q2M-9XRTD\u200f", "/link Ｋ７Ｑ２Ｍ-9XRTD"],
)  # fmt: skip
def test_a_code_links_the_phone_that_sent_it_however_it_is_typed(text: str, session: Session) -> None:
    ana, number = user(session), make_number(session)
    result = store(session, says(number, text))
    assert (ana.phone, ana.phone_verified_at) == (f"+{ANA}", NOW)
    assert (result.stored, result.link_codes) == (0, 1)
    assert session.get_one(PhoneLinkCode, ana.id).outcome is LinkOutcome.LINKED


def test_the_message_is_in_no_chat_and_the_answer_goes_out_inside_its_window(session: Session) -> None:
    number = make_number(session)
    user(session)
    result = store(session, says(number, f"/link {CODE}"))
    (conversation,) = session.scalars(select(Conversation)).all()
    assert result.conversations == [conversation.id]
    assert conversation.last_inbound_at == NOW
    (answer,) = session.scalars(select(Message)).all()
    assert (answer.direction, answer.body) == (
        Direction.OUT,
        "This phone is linked to ana@example.com. Text /help for the commands.",
    )
    assert count(session, UnreadReply) == 0
    audits = session.scalars(select(Audit)).all()
    assert [(row.actor, row.action, row.detail) for row in audits] == [
        ("ana@example.com", "link_phone", {"outcome": "linked"})
    ]


def test_a_contact_links_their_phone_too_and_stays_the_same_contact(session: Session) -> None:
    ana, contact = user(session), make_contact(session, phone=f"+{ANA}", wa_id=ANA)
    store(session, says(make_number(session), f"/link {CODE}"))
    assert (ana.phone, count(session, Contact)) == (contact.phone, 1)


def test_a_code_works_once_and_only_until_it_expires(session: Session) -> None:
    number, ana = make_number(session), user(session)
    store(session, says(number, f"/link {CODE}"))
    store(session, says(number, f"/link {CODE}", "34600010002"))
    assert ana.phone == f"+{ANA}"
    ben = user(session, "0000000001", "ben@example.com", expires_at=NOW)
    late = user(session, "0000000002", "late@example.com")
    out = user(session, "0000000003", "out@example.com")
    out.is_active = False
    store(session, says(number, "/link 0000000001", "34600010003"))
    store(session, says(number, "/link 0000000002", "34600010003", at=NOW + timedelta(minutes=10)))
    store(session, says(number, "/link 0000000003", "34600010004"))
    assert (ben.phone, late.phone, out.phone) == (None, None, None)
    assert count(session, Contact) == 1, "who sends a wrong code is answered with nothing and kept nowhere"
    assert count(session, Message) == 1


def test_a_message_that_meta_delivers_again_counts_once(session: Session) -> None:
    number = make_number(session)
    user(session)
    wrong, right = says(number, "/link 1111111111"), says(number, f"/link {CODE}", "34600010002")
    for _ in range(MAX_WRONG_OF_SENDER + 1):
        store(session, wrong)
        store(session, right)
    assert count(session, WrongLinkCode) == 1


def test_too_many_wrong_codes_of_a_sender_stop_that_sender_and_nobody_else(session: Session) -> None:
    number, ana = make_number(session), user(session)
    store(session, *(says(number, f"/link {place:010}") for place in range(MAX_WRONG_OF_SENDER)))
    store(session, says(number, f"/link {CODE}"))
    assert ana.phone is None
    store(session, says(number, f"/link {CODE}", "34600010002"))
    assert ana.phone == "+34600010002"


def test_too_many_wrong_codes_of_all_stop_everybody_for_an_hour(session: Session) -> None:
    number, ana = make_number(session), user(session)
    for place in range(MAX_WRONG):
        session.add(WrongLinkCode(sender_hash=f"{place}", at=NOW - timedelta(minutes=59)))
    store(session, says(number, f"/link {CODE}"))
    assert ana.phone is None
    for row in session.scalars(select(WrongLinkCode)):
        row.at -= timedelta(minutes=1)
    store(session, says(number, f"/link {CODE}", wamid="again"))
    assert ana.phone == f"+{ANA}"
    assert purge_wrong_codes(session, NOW + COUNTED_FOR) == MAX_WRONG


def test_a_phone_of_another_user_stays_theirs_and_the_code_is_used_up(session: Session) -> None:
    number, ana = make_number(session), user(session)
    ben = user(session, "0000000001", "ben@example.com")
    store(session, says(number, f"/link {CODE}"))
    store(session, says(number, "/link 0000000001"))
    assert (ana.phone, ben.phone) == (f"+{ANA}", None)
    assert session.get_one(PhoneLinkCode, ben.id).outcome is LinkOutcome.PHONE_TAKEN
    answers = session.scalars(select(Message.body).order_by(Message.id)).all()
    assert answers[1] is not None
    assert answers[1].startswith("This phone is linked to another user")


def test_a_phone_whose_number_whatsapp_hides_cannot_be_linked(session: Session) -> None:
    number, ana = make_number(session), user(session)
    store(session, says(number, f"/link {CODE}", None, bsuid="ES.1"))
    assert ana.phone is None
    assert session.get_one(PhoneLinkCode, ana.id).outcome is LinkOutcome.PHONE_HIDDEN


@pytest.mark.parametrize(
    ("message_type", "text"),
    [
        ("text", "/link"),
        ("text", "/links K7Q2M-9XRTD"),
        ("text", "please /link K7Q2M-9XRTD"),
        ("text", "/link me to your catalogue please"),
        ("image", f"/link {CODE}"),
        ("text", None),
    ],
)
def test_what_carries_no_code_is_a_message_like_any_other(message_type: str, text: str | None) -> None:
    assert read_link_code(message_type, text) is None


def test_a_batch_with_a_code_keeps_its_other_messages(session: Session) -> None:
    number, ana = make_number(session), user(session)
    result = store(session, says(number, "Hello", "34600010002"), says(number, f"/link {CODE}"))
    assert (result.stored, ana.phone) == (1, f"+{ANA}")
    assert len(result.conversations) == 2
    inbound = session.scalars(select(Message.body).where(Message.direction == Direction.IN)).all()
    assert inbound == ["Hello"]
