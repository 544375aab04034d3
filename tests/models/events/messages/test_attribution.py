"""Which campaign a message answers."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.events.types import PressedButton
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.conversation import REFERS, Direction, Message, MessageState
from models.tables.engagement import Engagement
from models.tables.number import Number
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_contact
from tests.support.factories.conversations import make_conversation
from tests.support.inbound_messages import MINE, SAID_AT, at, recorded, sent_to, store, stored


def test_a_reply_is_counted_once_by_its_context_and_keeps_its_earliest_time(session: Session, number: Number) -> None:
    row = sent_to(session, number, alice(session))
    store(session, recorded("quote", at=at(50)))
    store(session, recorded("template_button", at=at(40)))
    store(session, recorded("quote", at=at(60), wamid="another"))
    assert (row.replied_at, row.is_replied, row.status) == (at(40), True, "sent")
    assert stored(session, "quote").recipient_id == row.id


def test_a_pressed_button_without_a_context_names_its_recipient(session: Session, number: Number) -> None:
    person = alice(session)
    older, newer = (
        sent_to(session, number, person, wamid="w1"),
        sent_to(session, number, person, wamid="w2", accepted_at=at(5)),
    )
    store(session, recorded("template_button_without_context", at=at(9), pressed=PressedButton(MINE, older.id, 1)))
    assert (older.replied_at, newer.replied_at) == (at(9), None)


def test_a_button_of_another_installation_or_person_names_nobody(session: Session, number: Number) -> None:
    other = sent_to(session, number, make_contact(session))
    for place, installation in enumerate((MINE, "other")):
        pressed = PressedButton(installation, other.id, 1)
        store(session, recorded("template_button_without_context", wamid=f"b{place}", pressed=pressed))
    assert other.replied_at is None


def test_an_answer_to_the_bot_counts_for_the_campaign_that_the_bot_speaks_for(session: Session, number: Number) -> None:
    person = alice(session)
    row = sent_to(session, number, person, wamid="w1")
    sent_to(session, number, person, wamid="w2", accepted_at=at(5))
    chat = make_conversation(session, person, number)
    session.add(
        Message(
            conversation_id=chat.id, direction=Direction.OUT, state=MessageState.ACCEPTED, type="text", at=NOW,
            wamid="wamid.campaign", recipient_id=row.id,
        )
    )  # fmt: skip
    store(session, recorded("reply_button", at=at(9)))
    assert row.replied_at == at(9)


def test_plain_text_answers_what_was_sent_last_from_that_number(session: Session, number: Number) -> None:
    person = alice(session)
    elsewhere = sent_to(session, make_number(session), person, wamid="w0", accepted_at=at(8))
    older, newer = (
        sent_to(session, number, person, wamid="w1"),
        sent_to(session, number, person, wamid="w2", accepted_at=at(5)),
    )
    later = sent_to(session, number, person, wamid="w3", accepted_at=at(500))
    store(session, recorded("text", at=at(9)))
    assert [row.replied_at for row in (elsewhere, older, newer, later)] == [None, None, at(9), None]


def test_plain_text_answers_the_engagement_before_anything_newer(session: Session, number: Number) -> None:
    person = alice(session)
    engaged = sent_to(session, number, person, wamid="w1", accepted_at=SAID_AT - timedelta(days=20))
    newer = sent_to(session, number, person, wamid="w2")
    session.add(
        Engagement(person_key=person.person_key, campaign_id=engaged.campaign_id, contact_id=person.id, created_at=NOW)
    )
    store(session, recorded("text", at=at(9)))
    assert (engaged.replied_at, newer.replied_at) == (at(9), None)


def test_after_seven_days_plain_text_answers_no_campaign(session: Session, number: Number) -> None:
    row = sent_to(session, number, alice(session), accepted_at=SAID_AT - timedelta(days=7, minutes=1))
    store(session, recorded("text"))
    assert row.replied_at is None


def test_a_reaction_is_no_reply(session: Session, number: Number) -> None:
    row = sent_to(session, number, alice(session))
    store(session, recorded("reaction", at=at(9)))
    assert (row.replied_at, stored(session, "reaction").recipient_id) == (None, row.id)


def test_a_campaign_is_not_needed(session: Session, number: Number) -> None:
    store(session, recorded("text"))
    assert session.scalars(select(Campaign)).all() == []
    assert stored(session, "text").recipient_id is None


def test_the_lock_of_an_ended_campaign_that_was_not_removed_yet_holds_no_answer(
    session: Session, number: Number
) -> None:
    person = alice(session)
    ended = sent_to(session, number, person, wamid="w1", accepted_at=SAID_AT - timedelta(days=20))
    session.add(
        Engagement(person_key=person.person_key, campaign_id=ended.campaign_id, contact_id=person.id, created_at=NOW)
    )
    session.execute(update(Campaign).values(status=CampaignStatus.ENDED, ended_at=NOW))
    newer = sent_to(session, number, person, wamid="w2")
    store(session, recorded("text", at=at(9)))
    assert (ended.replied_at, newer.replied_at) == (None, at(9))


def test_a_message_that_refers_to_its_campaign_says_so_until_it_is_answered(session: Session, number: Number) -> None:
    row = sent_to(session, number, alice(session))
    store(session, recorded("quote", at=at(5)), recorded("text", at=at(6)), recorded("reaction", at=at(7)))
    kept = {name: (stored(session, name).recipient_id, stored(session, name).route) for name in ("quote", "text")}
    assert kept == {"quote": (row.id, REFERS), "text": (row.id, None)}
    assert stored(session, "reaction").route is None  # nobody answers it
