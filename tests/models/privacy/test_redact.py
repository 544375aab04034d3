"""Wiping a person."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from models.audience.audience import parse_audience
from models.contacts.identity import Identity
from models.contacts.merge import merge_contacts
from models.contacts.number_change import change_number
from models.contacts.resolve import resolve_contact
from models.contacts.text_search import fold_stale
from models.conversations.cases import open_case, open_cases
from models.conversations.unread import mark_unread
from models.crypto import Vault, new_encryption_key
from models.db.engine import Database
from models.events.dead_letters import keep_dead_letter
from models.events.statuses.apply import apply_statuses
from models.events.types import Callback, Failure, Status
from models.privacy.guards import drop_guards
from models.privacy.redact import redact_person
from models.segments.rule import parse_rule
from models.tables.audit import Audit
from models.tables.campaign import CampaignStatus
from models.tables.contact import Consent, ConsentEvent, Contact, Suppression
from models.tables.conversation import Case, CaseStatus, Conversation, Message, UnreadReply
from models.tables.engagement import Engagement
from models.tables.number import Number
from models.tables.possible_opt_out import PossibleOptOut
from models.tables.recipient import Recipient, RecipientState
from models.tables.segment import Segment
from models.tables.tag import ContactTag, ListMember
from models.tables.webhook_event import DeadLetter, ParkedStatus
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_contact
from tests.support.past_person import DIGITS, person_with_a_past

LATER = NOW + timedelta(days=10)


@pytest.fixture
def vault() -> Vault:
    return Vault((new_encryption_key(),))


def test_the_case_of_a_redacted_person_is_closed(session: Session, vault: Vault) -> None:
    person, other = alice(session), make_contact(session)
    case = open_case(session, person.id, NOW, opened_by="bot", reason="asks about a secret", agent="ann@example.com")
    open_case(session, other.id, NOW, opened_by="bot")
    assert redact_person(session, person.id, vault, LATER, "dpo@example.com")
    closed = session.get_one(Case, case.id)
    assert (closed.status, closed.closed_at, closed.closed_by) == (CaseStatus.RESOLVED, LATER, "redacted")
    assert list(open_cases(session, [person.id, other.id])) == [other.id]


def test_nothing_that_names_the_person_stays(session: Session, vault: Vault) -> None:
    person = person_with_a_past(session)
    other = make_contact(session, name="Somebody else")
    mark_unread(session, session.scalars(select(Conversation.id)).all(), NOW)
    assert fold_stale(session) == 2  # what the search reads holds the names too
    for conversation_id in session.scalars(select(Conversation.id)).all():
        session.add(PossibleOptOut(conversation_id=conversation_id, message_id=1, since=NOW, latest_at=NOW))
    assert redact_person(session, person.id, vault, LATER, "dpo@example.com", "request of 1 May")
    session.flush()
    session.expire_all()
    tables = session.execute(text("SELECT 1")).all() and Contact.metadata.sorted_tables
    for table in tables or ():
        for row in session.execute(select(table)).mappings():
            kept = json.dumps(dict(row), default=str)
            assert not any(word in kept for word in (DIGITS, "Alice", "alice@", "secret", "shoe", "ES.alice")), (
                table.name
            )
    assert (person.consent, person.redacted_at, person.has_identity) == (Consent.REDACTED, LATER, False)
    assert session.scalars(select(ContactTag.contact_id)).all() == [other.id]
    assert session.scalars(select(ListMember)).all() == []
    assert session.scalars(select(Engagement)).all() == []
    assert session.scalars(select(UnreadReply)).all() == []
    assert session.scalars(select(PossibleOptOut)).all() == []
    hashes = set(session.scalars(select(Suppression.person_hash)))
    assert vault.person_hash(f"wa:{DIGITS}") in hashes
    event = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id.desc())).first()
    assert event is not None
    assert (event.before, event.after, event.actor) == (Consent.SUBSCRIBED, Consent.REDACTED, "dpo@example.com")


def test_nothing_that_names_the_person_stays_outside_of_their_own_rows_nor_of_what_they_had_before(
    session: Session, vault: Vault
) -> None:
    person = person_with_a_past(session)
    number = session.scalars(select(Number)).one()
    twin = make_contact(session, "+34600000555", name="Alicia", email="alicia@example.com", tags={"vip": "gold shoes"})
    merge_contacts(session, person.id, twin.id, NOW)
    moved = Identity("34600000444", None, number.waba.portfolio_id, "ES.moved.1", at=NOW)
    assert change_number(session, person.id, moved, NOW) == person.id
    numbers = ["+34600000001", "34600000555", 34600000444, "+34 600 000 999"]
    rule = {"all": [{"on": "phone", "op": "in", "value": numbers}, {"on": "tag", "op": "has", "name": "vip"}]}
    segment = Segment(name="Few", rule=rule, created_at=NOW, updated_at=NOW)
    naming = {"include": [{"contact": f"+{digits}"} for digits in (DIGITS, "34600000555", "34600000444")]}
    draft = make_campaign(session, number, status=CampaignStatus.DRAFT, audience=naming)
    # As versions before the chain of the audit wrote them.
    early = {"at": NOW, "actor": "x"}
    told = {"to": ["+34600000555"], "n": 1}
    session.add(Audit(**early, action="test", object_type="campaign", object_id=str(draft.id), detail=told))
    told = {"before": "34…555", "fields": ["name"]}
    session.add(Audit(**early, action="number_changed", object_type="contact", object_id=str(person.id), detail=told))
    keep_dead_letter(session, b'{"email": "ALICIA@example.com"}', "x", NOW)
    keep_dead_letter(session, b'\xff{"from": "34600000444"}', "x", NOW)
    keep_dead_letter(session, b"{}", "x", NOW)
    session.add_all([segment, ParkedStatus(wamid="wamid.secret", status={}, first_at=NOW, expires_at=LATER)])
    event = {"after": "pending", "at": NOW, "source": "form of alicia@example.com", "actor": "x"}
    session.add(ConsentEvent(contact_id=person.id, **event))
    [said] = session.scalars(select(Message))
    said.error_msg, said.route_reason = "Alice cannot be reached", "the word secret"
    session.flush()
    session.expire_all()

    assert redact_person(session, person.id, vault, LATER, "dpo@example.com")
    session.expire_all()
    names = (DIGITS, "600000444", "600000555", "…444", "…555", "alic", "shoe", "secret", "es.alice", "es.moved", "gold")
    for table in Contact.metadata.sorted_tables:
        for row in session.execute(select(table)).mappings():
            kept = json.dumps(dict(row), default=str).casefold()
            assert [word for word in names if word in kept] == [], table.name
    assert segment.rule["all"][0]["value"] == ["redacted", "redacted", "redacted", "+34 600 000 999"]
    assert parse_rule(session, segment.rule)
    assert draft.audience == {"include": []}
    hashes = set(session.scalars(select(Suppression.person_hash)))
    former = ("34600000001", "34600000555", "34600000444")
    assert {vault.person_hash(f"wa:{digits}") for digits in former} <= hashes
    assert session.scalars(select(DeadLetter.payload)).all() == ["{}"]


def test_a_payload_that_waits_loses_what_it_says_of_the_person_and_keeps_the_others_words(
    session: Session, vault: Vault
) -> None:
    def change(*senders: str, **more: Any) -> dict[str, Any]:
        contacts = [
            {"wa_id": sender, "profile": {"name": "Alice" if sender == DIGITS else "Bob"}} for sender in senders
        ]
        messages = [{"from": it, "id": f"wamid.{it}", "type": "text", "text": {"body": "hi"}} for it in senders]
        value = {"metadata": {"phone_number_id": "1"}, "contacts": contacts, "messages": messages} | more
        return {"field": "messages", "value": value}

    def payload(*changes: Any) -> dict[str, Any]:
        return {"object": "whatsapp_business_account", "entry": [{"id": "7", "changes": list(changes)}]}

    bob, lost = "34600000002", {"recipient_id": DIGITS, "status": "failed", "errors": [{"code": 131026}]}
    person = alice(session, wa_id=DIGITS, email="alice@example.com")
    mixed = payload(
        change(DIGITS, bob, statuses=[lost]), change(DIGITS), "odd", {"field": "x", "value": 1}, change(bob)
    )
    for given in (mixed, payload(change(DIGITS)), payload(change(bob), {"field": "x", "to": DIGITS}), {"to": DIGITS}):
        keep_dead_letter(session, json.dumps(given).encode(), "x", NOW)
    keep_dead_letter(session, f'{{"entry": [{{"id": "{DIGITS}"'.encode(), "x", NOW)
    keep_dead_letter(session, f'{{"total": 34600000, "id": {DIGITS[:7]}, "at": 1}}'.encode(), "x", NOW)
    assert redact_person(session, person.id, vault, LATER, "dpo")
    kept = [json.loads(text) for text in session.scalars(select(DeadLetter.payload).order_by(DeadLetter.id))]
    assert kept[0] == payload(change(bob, statuses=[]), "odd", {"field": "x", "value": 1}, change(bob))
    assert kept[1] == payload(change(bob))
    assert len(kept) == 3  # and the one that is of somebody else


def test_a_number_that_is_somebody_elses_by_now_is_not_suppressed_with_who_had_it(
    session: Session, vault: Vault
) -> None:
    person = alice(session, wa_id=DIGITS)
    make_recipient(session, make_campaign(session), person)
    assert change_number(session, person.id, Identity("34600000444", at=NOW), NOW) == person.id
    owner = resolve_contact(session, Identity(wa_id=DIGITS, at=LATER), LATER)
    assert redact_person(session, person.id, vault, LATER, "dpo")
    assert set(session.scalars(select(Suppression.person_hash))) == {vault.person_hash("wa:34600000444")}
    assert session.get_one(Contact, owner).phone == f"+{DIGITS}"


def test_campaigns_that_named_the_person_name_them_no_longer_and_can_still_be_read(
    session: Session, vault: Vault
) -> None:
    person = person_with_a_past(session)
    other = make_contact(session, "+34600000077")
    items = [{"contact": "+34 600 000 001"}, {"contact": other.phone}, {"tag": "vip"}]
    number = session.scalars(select(Number)).one()
    campaign = make_campaign(session, number, audience={"include": items, "exclude": [{"contact": f"+{DIGITS}"}]})
    assert redact_person(session, person.id, vault, LATER, "dpo@example.com")
    session.expire_all()
    assert campaign.audience == {"include": items[1:], "exclude": []}
    assert parse_audience(session, campaign.audience).include.contact_ids == (other.id,)


def test_what_was_queued_is_not_sent_and_what_was_sent_still_counts(session: Session, vault: Vault) -> None:
    person = person_with_a_past(session)
    redact_person(session, person.id, vault, LATER, "dpo")
    states = session.execute(text("SELECT state, count(*) FROM recipient GROUP BY state ORDER BY state")).all()
    assert [tuple(row) for row in states] == [("accepted", 1), ("not_sent", 1)]


def test_a_status_that_comes_later_brings_its_time_and_nothing_that_names_the_person(
    session: Session, vault: Vault
) -> None:
    person = person_with_a_past(session)
    [sent] = session.scalars(select(Recipient).where(Recipient.state == RecipientState.ACCEPTED))
    redact_person(session, person.id, vault, LATER, "dpo")
    callback = Callback("inst", sent.id, None, sent.attempts)
    lost = Failure(131026, f"{DIGITS} cannot be reached")
    read = Status("wamid.secret", "read", LATER, callback=callback, recipient_id=DIGITS)
    failed = replace(read, status="failed", failure=lost)
    assert apply_statuses(session, [read, failed], LATER, "inst").applied == 2
    apply_statuses(session, [read], LATER, "inst")
    session.expire_all()
    assert (sent.read_at, sent.error_code, sent.wamid, sent.error_msg) == (LATER, 131026, None, None)


def test_a_second_redaction_wipes_again_what_came_back(database: Database, vault: Vault) -> None:
    with database.write() as session:
        contact_id = person_with_a_past(session).id
        assert redact_person(session, contact_id, vault, NOW, "dpo")
        before = session.scalar(select(func.count()).select_from(ConsentEvent))
    with database.write_engine.connect() as connection:
        drop_guards(connection)  # as in a database from before they were there
    with database.write() as session:
        session.execute(update(Contact).where(Contact.id == contact_id).values(name="Alice", phone="+34600000001"))
        session.execute(update(Message).values(body="my secret"))
        session.execute(update(Recipient).values(source_values={"body": {"1": "secret"}}))
        assert redact_person(session, contact_id, vault, LATER, "dpo")
        kept = session.get_one(Contact, contact_id)
        assert (kept.name, kept.phone, kept.redacted_at) == ("", None, NOW)
        assert set(session.scalars(select(Message.body))) == {None}
        assert set(session.scalars(select(Recipient.source_values))) == {None}
        assert session.scalar(select(func.count()).select_from(ConsentEvent)) == before
        assert not redact_person(session, 0, vault, LATER, "dpo")


def test_who_writes_again_is_somebody_new(session: Session, vault: Vault) -> None:
    person = alice(session, wa_id=DIGITS)
    redact_person(session, person.id, vault, NOW, "dpo")
    again = resolve_contact(session, Identity(wa_id=DIGITS), LATER)
    assert again != person.id
    assert session.get_one(Contact, again).consent is Consent.UNKNOWN
