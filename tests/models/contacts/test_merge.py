"""Two records that turn out to be one person."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.audience.audience import parse_audience
from models.contacts.aliases import KnownIdentifier, add_aliases, aliases_of, identifiers_of, merged_values_of
from models.contacts.identity import Identity
from models.contacts.merge import MergeError, choose_winner, merge_contacts
from models.contacts.resolve import find_contact, resolve_contact
from models.contacts.search import search_contacts
from models.events.statuses.apply import apply_statuses
from models.events.types import Failure, Status
from models.tables.campaign import CampaignStatus
from models.tables.contact import Consent, ConsentEvent, Contact, ContactIdentity
from models.tables.contact_alias import ContactAlias
from models.tables.conversation import Case, Conversation, Direction, Message, MessageState
from models.tables.engagement import Engagement
from models.tables.flow import Action, ActionKind, ActionState, Flow, FlowSession, FlowVersion, SessionStatus
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.tag import ContactTag, ListMember, Tag
from tests.support.factories import (
    NOW,
    alice,
    make_campaign,
    make_case,
    make_contact,
    make_conversation,
    make_list,
    make_number,
    make_recipient,
)

LATER = NOW + timedelta(hours=1)


def unknown_person(session: Session, **values: Any) -> Contact:
    """Known by a BSUID alone."""
    portfolio = make_number(session).waba.portfolio_id
    given: dict[str, Any] = {
        "has_identity": True,
        "consent": Consent.UNKNOWN,
        "consent_at": None,
        "tags": {},
        "now": LATER,
        "name": "",
    }
    contact = make_contact(session, **(given | values))
    contact.person_key = f"bs:{portfolio}:ES.{contact.id}"
    session.add(
        ContactIdentity(contact_id=contact.id, portfolio_id=portfolio, bsuid=f"ES.{contact.id}", created_at=LATER)
    )
    session.flush()
    return contact


def engage(session: Session, contact: Contact, campaign_id: int, at: Any = NOW) -> None:
    session.add(
        Engagement(person_key=contact.person_key, campaign_id=campaign_id, contact_id=contact.id, created_at=at)
    )
    session.flush()


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
    merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    assert set(session.scalars(select(Recipient.contact_id))) == {winner.id}
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


def test_chats_become_one(session: Session) -> None:
    winner, loser = alice(session), unknown_person(session)
    number, other = make_number(session), make_number(session)
    mine = make_conversation(session, winner, number, last_inbound_at=NOW)
    theirs = make_conversation(session, loser, number, last_inbound_at=LATER)
    alone = make_conversation(session, loser, other)
    for conversation in (mine, theirs, alone):
        session.add(
            Message(
                conversation_id=conversation.id,
                direction=Direction.IN,
                state=MessageState.RECEIVED,
                type="text",
                body="hi",
                at=NOW,
            )
        )
    make_case(session, winner, number, now=LATER)
    make_case(session, loser, number, now=NOW)
    session.flush()
    merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    assert {row.id: row.contact_id for row in session.scalars(select(Conversation))} == {
        mine.id: winner.id,
        alone.id: winner.id,
    }
    assert mine.last_inbound_at == LATER
    assert sorted(session.scalars(select(Message.conversation_id))) == sorted([mine.id, mine.id, alone.id])
    cases = session.scalars(select(Case).order_by(Case.opened_at)).all()
    assert [(case.contact_id, case.closed_at) for case in cases] == [(winner.id, None), (winner.id, LATER)]


def test_of_two_live_walks_the_one_that_moved_last_goes_on(session: Session) -> None:
    winner, loser = alice(session), unknown_person(session)
    number = make_number(session)
    flow = Flow(name="f", version=1, created_at=NOW, updated_at=NOW)
    version = FlowVersion(flow=flow, version=1, source="", definition={}, checksum="x", created_at=NOW)
    session.add(version)
    session.flush()
    walks = [
        FlowSession(
            contact_id=contact.id,
            number_id=number.id,
            flow_version_id=version.id,
            state={},
            started_at=NOW,
            updated_at=moved,
        )
        for contact, moved in ((winner, NOW), (loser, LATER))
    ]
    session.add_all(walks)
    session.flush()
    action = Action(session_id=walks[0].id, kind=ActionKind.TIMER, payload={}, created_at=NOW)
    session.add(action)
    session.flush()
    merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    assert [walk.status for walk in walks] == [SessionStatus.ENDED, SessionStatus.ACTIVE]
    assert {walk.contact_id for walk in walks} == {winner.id}
    assert action.state is ActionState.CANCELLED


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


@pytest.mark.parametrize("text", ["+34600000091", "+34 600 000 091"])
def test_a_number_that_a_merge_left_over_finds_the_person(session: Session, text: str) -> None:
    winner = alice(session)
    loser = make_contact(session, "+34600000091")
    merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    found = find_contact(session, text)
    assert found is not None
    assert found.id == winner.id
    assert resolve_contact(session, Identity(phone="+34600000091"), LATER, "shopify") == winner.id
    assert parse_audience(session, {"include": [{"contact": text}]}).include.contact_ids == (winner.id,)
    assert [contact.id for contact in search_contacts(session, phone="+3460000009").contacts] == [winner.id]
    assert winner.phone == "+34600000001"
    # They write from it: that is where answers go, and the other number is found as before.
    wrote = Identity(wa_id="34600000091", at=LATER)
    assert resolve_contact(session, wrote, LATER) == winner.id
    session.expire_all()
    assert (winner.wa_id, winner.person_key, winner.phone) == ("34600000091", "wa:34600000091", "+34600000001")
    assert resolve_contact(session, Identity(wa_id="34600000001", at=LATER), LATER) == winner.id
    assert session.scalar(select(func.count()).select_from(Contact).where(Contact.merged_into_id.is_(None))) == 1


def test_what_cannot_be_delivered_to_a_number_from_before_says_nothing_of_the_one_they_have(session: Session) -> None:
    winner, loser = alice(session), make_contact(session, "+34600000091")
    campaign = make_campaign(session, make_number(session), status=CampaignStatus.ACTIVE)
    given: dict[str, Any] = {"state": RecipientState.ACCEPTED, "attempts": 1, "accepted_at": NOW}
    rows = [
        make_recipient(session, campaign, who, wamid=f"w{place}", **given) for place, who in enumerate((winner, loser))
    ]
    merge_contacts(session, winner.id, loser.id, LATER)
    for row, count in ((rows[1], 0), (rows[0], 1)):
        lost = Status(row.wamid or "", "failed", LATER, failure=Failure(131026, "no"))
        assert apply_statuses(session, [lost], LATER, "inst").applied == 1
        session.expire_all()
        assert winner.undeliverable_count == count


def test_a_number_left_over_is_no_more_theirs_once_another_record_has_it(session: Session) -> None:
    winner, loser = alice(session), make_contact(session, "+34600000091")
    merge_contacts(session, winner.id, loser.id, LATER)
    portfolio = make_number(session).waba.portfolio_id
    owner = resolve_contact(session, Identity(portfolio_id=portfolio, bsuid="ES.9"), LATER)
    shown = Identity("34600000091", None, portfolio, "ES.9", at=LATER)
    assert resolve_contact(session, shown, LATER) == owner
    assert aliases_of(session, winner.id) == []
    assert resolve_contact(session, Identity(wa_id="34600000091", at=LATER), LATER) == owner


def test_whom_whatsapp_knows_by_another_id_is_not_the_person_who_wrote_from_the_number(session: Session) -> None:
    portfolio = make_number(session).waba.portfolio_id
    winner = unknown_person(session, wa_id="34600000001", phone="+34600000001")
    loser = make_contact(session, "+34600000091", wa_id="34600000091")
    merge_contacts(session, winner.id, loser.id, LATER)
    session.execute(update(ContactIdentity).values(portfolio_id=portfolio))
    stranger = resolve_contact(session, Identity("34600000091", None, portfolio, "ES.new", at=LATER), LATER)
    assert stranger != winner.id
    assert aliases_of(session, winner.id) == []


def test_each_former_number_leads_to_one_person(session: Session) -> None:
    one, other = alice(session), make_contact(session)
    add_aliases(session, one.id, {"wa:34600000091": KnownIdentifier("+34600000091")}, NOW)
    add_aliases(session, other.id, {"wa:34600000091": KnownIdentifier("+34600000091", True)}, LATER)
    assert [(row.contact_id, row.was_whatsapp) for row in session.scalars(select(ContactAlias))] == [(other.id, True)]
    add_aliases(session, one.id, identifiers_of(other), LATER)  # somebody has it: it is theirs alone
    assert aliases_of(session, one.id) == []
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(
            insert(ContactAlias).values(
                contact_id=one.id, key="wa:34600000091", shown="", was_whatsapp=False, created_at=NOW
            )
        )
