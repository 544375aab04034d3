"""Merging two records of one person."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.aliases import aliases_of, merged_values_of
from models.contacts.merge import MergeError, choose_winner, merge_contacts
from models.tables.campaign import CampaignStatus
from models.tables.contact import Consent, ConsentEvent, ContactIdentity
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.recipient_try import RecipientTry
from models.tables.tag import ContactTag, ListMember, Tag
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_contact, make_list
from tests.support.merging import LATER, engage, unknown_person


def test_the_winner_takes_what_it_lacks_and_keeps_what_it_has(session: Session) -> None:
    winner = alice(session, tags={"vip": None, "city": "Madrid"}, attributes={"shop": "one"}, language="es")
    loser = unknown_person(
        session,
        name="Ali",
        email="ali@example.com",
        language="en",
        wa_id="34600000001",
        tags={"city": "Sevilla", "new": "1"},
        attributes={"shop": "two", "size": 4},
        last_inbound_at=LATER,
    )
    make_list(session, "both", winner, loser)
    make_list(session, "theirs", loser)

    merge_contacts(session, winner.id, loser.id, LATER)

    session.expire_all()
    assert (winner.name, winner.email, winner.language) == ("Alice", "ali@example.com", "es")
    assert (winner.wa_id, winner.phone, winner.person_key) == ("34600000001", "+34600000001", "wa:34600000001")
    assert winner.attributes == {"shop": "one", "size": 4}
    assert winner.last_inbound_at == LATER
    assert winner.has_identity
    held = session.execute(
        select(Tag.name, ContactTag.value).join(ContactTag).where(ContactTag.contact_id == winner.id)
    )
    assert {row.name: row.value for row in held} == {"vip": None, "city": "Madrid", "new": "1"}
    assert session.scalars(select(ListMember.contact_id)).all() == [winner.id, winner.id]
    assert session.scalars(select(ContactIdentity.contact_id)).all() == [winner.id]
    assert (loser.merged_into_id, loser.wa_id, loser.name, loser.has_identity) == (winner.id, None, "", False)


@pytest.mark.parametrize(
    ("winners", "losers", "kept"),
    [
        ((Consent.SUBSCRIBED, LATER), (Consent.UNSUBSCRIBED, NOW), Consent.UNSUBSCRIBED),
        ((Consent.UNSUBSCRIBED, NOW), (Consent.SUBSCRIBED, LATER), Consent.UNSUBSCRIBED),
        ((Consent.SUBSCRIBED, NOW), (Consent.NOT_SUBSCRIBED, LATER), Consent.NOT_SUBSCRIBED),
        ((Consent.SUBSCRIBED, LATER), (Consent.NOT_SUBSCRIBED, NOW), Consent.SUBSCRIBED),
        ((Consent.SUBSCRIBED, NOW), (Consent.UNKNOWN, LATER), Consent.SUBSCRIBED),
        ((Consent.UNKNOWN, LATER), (Consent.SUBSCRIBED, NOW), Consent.SUBSCRIBED),
    ],
)
def test_who_left_on_either_record_has_left_else_the_newest_word_counts(
    session: Session, winners: tuple[Consent, Any], losers: tuple[Consent, Any], kept: Consent
) -> None:
    winner = make_contact(session, consent=winners[0], consent_at=winners[1])
    loser = make_contact(session, consent=losers[0], consent_at=losers[1])
    session.add(ConsentEvent(contact_id=loser.id, after=losers[0], at=losers[1], source="form", actor="import"))
    session.flush()
    merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    assert winner.consent is kept
    assert set(session.scalars(select(ConsentEvent.contact_id))) == {winner.id}
    assert len(session.scalars(select(ConsentEvent)).all()) == (1 if kept is winners[0] else 2)


def test_metas_newest_word_on_marketing_counts(session: Session) -> None:
    winner = make_contact(session, marketing_preference_at=NOW)
    loser = make_contact(session, marketing_preference_at=LATER, marketing_stopped_at=LATER)
    merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    assert winner.marketing_stopped_at == LATER


def test_recipients_move_with_their_key_and_a_person_gets_one_message_of_a_campaign(session: Session) -> None:
    winner, loser = alice(session), unknown_person(session)
    key = loser.person_key
    both, begun, theirs = (make_campaign(session, status=CampaignStatus.ACTIVE) for _ in range(3))
    kept = make_recipient(session, both, winner)
    second = make_recipient(session, both, loser)
    waits = make_recipient(session, begun, winner)
    sent = make_recipient(session, begun, loser, state=RecipientState.ACCEPTED)
    alone = make_recipient(session, theirs, loser)
    session.add(
        RecipientTry(
            recipient_id=sent.id,
            campaign_id=begun.id,
            contact_id=loser.id,
            attempt=1,
            again_at=NOW,
            state="refused",
            failures=0,
        )
    )
    session.flush()
    merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    assert set(session.scalars(select(Recipient.contact_id))) == {winner.id}
    assert session.scalars(select(RecipientTry.contact_id)).all() == [winner.id]
    assert (second.person_key, sent.person_key, alone.person_key) == (key, key, key)
    assert (kept.state, alone.state, sent.state) == ("queued", "queued", "accepted")
    assert {row.reason for row in (second, waits)} == {NotSent.DUPLICATE}


def test_the_older_engagement_stays_and_locks_the_survivors_key(session: Session) -> None:
    winner, loser = alice(session), unknown_person(session)
    older, newer = (make_campaign(session, status=CampaignStatus.ACTIVE) for _ in range(2))
    engage(session, winner, newer.id, LATER)
    engage(session, loser, older.id, NOW)
    waits = make_recipient(session, newer, winner)
    goes_on = make_recipient(session, older, loser)
    assert choose_winner(session, winner.id, loser.id) == (loser.id, winner.id)
    merge_contacts(session, loser.id, winner.id, LATER)
    session.expire_all()
    locks = session.scalars(select(Engagement)).all()
    assert {lock.campaign_id for lock in locks} == {older.id}
    assert {lock.contact_id for lock in locks} == {loser.id}
    assert loser.person_key in {lock.person_key for lock in locks}
    assert goes_on.person_key in {lock.person_key for lock in locks}
    assert (waits.state, waits.reason) == (RecipientState.NOT_SENT, NotSent.ENGAGED)
    assert goes_on.state is RecipientState.QUEUED


def test_without_engagements_the_older_record_wins(session: Session) -> None:
    newer = make_contact(session, now=LATER)
    older = make_contact(session)
    assert choose_winner(session, newer.id, older.id) == (older.id, newer.id)


def test_what_cannot_be_merged_says_why(session: Session) -> None:
    person = alice(session)
    gone = make_contact(session, consent=Consent.REDACTED)
    other = make_contact(session)
    for loser, message in ((person.id, "itself"), (gone.id, "redacted"), (0, "does not exist")):
        with pytest.raises(MergeError, match=message):
            merge_contacts(session, person.id, loser, NOW)
    merge_contacts(session, person.id, other.id, NOW)
    with pytest.raises(MergeError, match="already merged"):
        merge_contacts(session, person.id, other.id, NOW)


def test_what_both_said_is_kept_of_the_loser_too(session: Session) -> None:
    winner = alice(session, email="a@example.com", attributes={"shop": "one"}, tags={"city": "Madrid", "vip": None})
    loser = make_contact(
        session,
        "+34600000091",
        name="Ali",
        email="ali@example.com",
        attributes={"shop": "two", "size": 4},
        tags={"city": "Sevilla", "vip": None},
        shopify_id="s2",
    )
    left = merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    assert left.names == ["a number or id", "name", "email", "attribute shop", "tag city"]
    assert [(row.kind.value, row.name, row.value) for row in merged_values_of(session, winner.id)] == [
        ("field", "name", "Ali"),
        ("field", "email", "ali@example.com"),
        ("attribute", "shop", "two"),
        ("tag", "city", "Sevilla"),
    ]
    assert [(row.key, row.shown) for row in aliases_of(session, winner.id)] == [("wa:34600000091", "+34600000091")]
    assert winner.shopify_id == "s2"

    third = make_contact(session, None, raw_phone="600111222", phone_problem="missing_calling_code", name="Ali")
    merge_contacts(session, third.id, winner.id, LATER)
    assert [row.shown for row in aliases_of(session, third.id)] == ["+34600000091", "600111222"]
    assert len(merged_values_of(session, third.id)) == 5  # the winner's name of the first merge is a former one now
