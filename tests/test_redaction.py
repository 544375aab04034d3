"""Wiping a person, and telling a person what is kept."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.audience import parse_audience
from models.campaign import CampaignStatus
from models.contact import Consent, ConsentEvent, Contact, ContactIdentity, Suppression
from models.contact_book import find_or_create
from models.conversation import Direction, Message, MessageState
from models.engagement import Engagement, LedgerEntry
from models.engine import Database
from models.event import Callback, Failure, Status
from models.identity import Identity
from models.inbox import DeadLetter, ParkedStatus
from models.number import Number
from models.recipient import Recipient, RecipientState
from models.redaction import export_person, redact
from models.secret import Vault, new_encryption_key
from models.statuses import apply_statuses
from models.tag import ContactTag, ListMember
from tests.factories import (
    NOW,
    alice,
    make_campaign,
    make_contact,
    make_conversation,
    make_list,
    make_number,
    make_recipient,
)

LATER = NOW + timedelta(days=10)
DIGITS = "34600000001"


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    database = Database(database_url)
    with database.write() as opened:
        yield opened
    database.dispose()


@pytest.fixture
def vault() -> Vault:
    return Vault((new_encryption_key(),))


def person_with_a_past(session: Session) -> Contact:
    number = make_number(session)
    portfolio = number.waba.portfolio_id
    person = alice(session, wa_id=DIGITS, email="alice@example.com", attributes={"secret": "shoe size"})
    session.add(ContactIdentity(contact_id=person.id, portfolio_id=portfolio, bsuid="ES.alice", created_at=NOW))
    person.has_identity = True
    make_list(session, "friends", person)
    chat = make_conversation(session, person, number)
    session.add(
        Message(
            conversation_id=chat.id,
            direction=Direction.IN,
            state=MessageState.RECEIVED,
            type="text",
            body="my secret",
            payload={"from": DIGITS},
            wamid="wamid.secret",
            at=NOW,
        )
    )
    running, past = make_campaign(session, number, status=CampaignStatus.ACTIVE), make_campaign(session, number)
    make_recipient(session, running, person, source_values={"body": {"1": "secret"}})
    make_recipient(session, past, person, state=RecipientState.ACCEPTED, wamid="wamid.secret", due_at=None)
    session.add(Engagement(person_key=person.person_key, campaign_id=running.id, contact_id=person.id, created_at=NOW))
    session.add(LedgerEntry(portfolio_id=portfolio, person_key=person.person_key, first_at=NOW))
    session.add(
        ConsentEvent(contact_id=person.id, after="subscribed", at=NOW, source="form", proof="secret", actor="x")
    )
    session.add(DeadLetter(checksum="1", payload=f'{{"from": "{DIGITS}"}}', error="x", first_at=NOW, last_at=NOW))
    session.add(ParkedStatus(wamid="w", status={"recipient_id": DIGITS}, first_at=NOW, expires_at=LATER))
    session.flush()
    return person


def test_nothing_that_names_the_person_stays(session: Session, vault: Vault) -> None:
    person = person_with_a_past(session)
    other = make_contact(session, name="Somebody else")
    assert redact(session, person.id, vault, LATER, "dpo@example.com", "request of 1 May")
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
    hashes = set(session.scalars(select(Suppression.person_hash)))
    assert vault.person_hash(f"wa:{DIGITS}") in hashes
    event = session.scalars(select(ConsentEvent).order_by(ConsentEvent.id.desc())).first()
    assert event is not None
    assert (event.before, event.after, event.actor) == (Consent.SUBSCRIBED, Consent.REDACTED, "dpo@example.com")


def test_campaigns_that_named_the_person_name_them_no_longer_and_can_still_be_read(
    session: Session, vault: Vault
) -> None:
    person = person_with_a_past(session)
    other = make_contact(session, "+34600000077")
    items = [{"contact": "+34 600 000 001"}, {"contact": other.phone}, {"tag": "vip"}]
    number = session.scalars(select(Number)).one()
    campaign = make_campaign(session, number, audience={"include": items, "exclude": [{"contact": f"+{DIGITS}"}]})
    assert redact(session, person.id, vault, LATER, "dpo@example.com")
    session.expire_all()
    assert campaign.audience == {"include": items[1:], "exclude": []}
    assert parse_audience(session, campaign.audience).include.contact_ids == (other.id,)


def test_what_was_queued_is_not_sent_and_what_was_sent_still_counts(session: Session, vault: Vault) -> None:
    person = person_with_a_past(session)
    redact(session, person.id, vault, LATER, "dpo")
    states = session.execute(text("SELECT state, count(*) FROM recipient GROUP BY state ORDER BY state")).all()
    assert [tuple(row) for row in states] == [("accepted", 1), ("not_sent", 1)]


def test_a_status_that_comes_later_brings_its_time_and_nothing_that_names_the_person(
    session: Session, vault: Vault
) -> None:
    person = person_with_a_past(session)
    [sent] = session.scalars(select(Recipient).where(Recipient.state == RecipientState.ACCEPTED))
    redact(session, person.id, vault, LATER, "dpo")
    callback = Callback("inst", sent.id, None, sent.attempts)
    lost = Failure(131026, f"{DIGITS} cannot be reached")
    read = Status("wamid.secret", "read", LATER, callback=callback, recipient_id=DIGITS)
    failed = replace(read, status="failed", failure=lost)
    assert apply_statuses(session, [read, failed], LATER, "inst").applied == 2
    apply_statuses(session, [read], LATER, "inst")
    session.expire_all()
    assert (sent.read_at, sent.error_code, sent.wamid, sent.error_msg) == (LATER, 131026, None, None)


def test_a_second_redaction_does_nothing(session: Session, vault: Vault) -> None:
    person = alice(session)
    assert redact(session, person.id, vault, NOW, "dpo")
    assert not redact(session, person.id, vault, LATER, "dpo")
    assert not redact(session, 0, vault, LATER, "dpo")


def test_who_writes_again_is_somebody_new(session: Session, vault: Vault) -> None:
    person = alice(session, wa_id=DIGITS)
    redact(session, person.id, vault, NOW, "dpo")
    again = find_or_create(session, Identity(wa_id=DIGITS), LATER)
    assert again != person.id
    assert session.get_one(Contact, again).consent is Consent.UNKNOWN


def test_a_person_is_told_everything(session: Session, tmp_path: Path) -> None:
    person = person_with_a_past(session)
    told = export_person(session, person.id)
    text_of_it = json.dumps(told)
    for word in ("Alice", "shoe size", "my secret", "ES.alice", "friends", "vip", "wamid.secret", "form"):
        assert word in text_of_it
    assert len(told["campaigns"]) == 2
    with pytest.raises(LookupError):
        export_person(session, 0)
