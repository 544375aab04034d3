"""Consent: who may change what, and what a STOP does."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.consent import (
    ALLOWED,
    Authority,
    ConsentError,
    is_allowed,
    opt_in,
    opt_out,
    resume_marketing,
    set_consent,
    stop_marketing,
)
from models.tables.campaign import CampaignStatus
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, bob, make_contact

LATER = NOW + timedelta(minutes=5)


def test_every_state_has_its_row_in_the_table() -> None:
    assert set(ALLOWED) == set(Consent)
    assert all(before not in after for before, row in ALLOWED.items() for after in row.values())


def test_nothing_follows_redaction() -> None:
    assert not any(is_allowed(Consent.REDACTED, after, by) for after in Consent for by in Authority)


@pytest.mark.parametrize("by", [Authority.IMPORT, Authority.OPERATOR, Authority.SYSTEM])
@pytest.mark.parametrize("before", [Consent.UNSUBSCRIBED, Consent.INVALID, Consent.REDACTED])
def test_only_the_person_comes_back_by_their_own_word(before: Consent, by: Authority) -> None:
    assert not is_allowed(before, Consent.SUBSCRIBED, by)


def test_a_change_is_a_row_of_the_ledger(session: Session) -> None:
    contact = make_contact(session, consent=Consent.UNKNOWN)
    changed = set_consent(
        session, [contact.id, contact.id], Consent.SUBSCRIBED, NOW, source="shop", proof="order 4711", actor="a@b.c"
    )
    event = session.scalars(select(ConsentEvent)).one()
    assert changed == 1
    assert contact.consent is Consent.SUBSCRIBED
    assert contact.consent_at == NOW
    assert (event.before, event.after, event.at) == (Consent.UNKNOWN, Consent.SUBSCRIBED, NOW)
    assert (event.source, event.proof, event.actor) == ("shop", "order 4711", "a@b.c")


def test_subscribed_needs_its_source(session: Session) -> None:
    contact = make_contact(session, consent=Consent.UNKNOWN)
    with pytest.raises(ConsentError, match="source"):
        set_consent(session, [contact.id], Consent.SUBSCRIBED, NOW, source=" ")


def test_an_operator_cannot_bring_back_who_left(session: Session) -> None:
    person = bob(session)
    assert set_consent(session, [person.id], Consent.SUBSCRIBED, NOW, source="phone call") == 0
    assert person.consent is Consent.UNSUBSCRIBED
    assert session.scalars(select(ConsentEvent)).all() == []


def test_a_stop_cancels_what_is_queued_in_every_campaign_and_frees_the_engagement(session: Session) -> None:
    person, other = alice(session), make_contact(session)
    queued = [make_campaign(session, status=CampaignStatus.ACTIVE) for _ in range(2)]
    rows = [make_recipient(session, campaign, person) for campaign in queued]
    past = make_recipient(session, make_campaign(session), person, state=RecipientState.ACCEPTED)
    stays = make_recipient(session, queued[0], other)
    for someone in (person, other):
        session.add(
            Engagement(person_key=someone.person_key, campaign_id=queued[0].id, contact_id=someone.id, created_at=NOW)
        )
    session.flush()

    assert opt_out(session, person.id, LATER, "whatsapp", "STOP")

    session.expire_all()
    assert [(row.state, row.reason) for row in rows] == [(RecipientState.NOT_SENT, NotSent.NOT_SUBSCRIBED)] * 2
    assert all(row.detail for row in rows)
    assert past.state is RecipientState.ACCEPTED
    assert stays.state is RecipientState.QUEUED
    assert [row.contact_id for row in session.scalars(select(Engagement))] == [other.id]
    assert person.consent is Consent.UNSUBSCRIBED


def test_a_second_stop_changes_nothing_and_still_cancels(session: Session) -> None:
    person = bob(session)
    row = make_recipient(session, make_campaign(session, status=CampaignStatus.ACTIVE), person)
    assert not opt_out(session, person.id, LATER, "whatsapp", "STOP")
    session.expire_all()
    assert session.get_one(Recipient, row.id).state is RecipientState.NOT_SENT
    assert session.scalars(select(ConsentEvent)).all() == []


def test_a_stop_that_comes_late_does_not_undo_the_start_after_it(session: Session) -> None:
    person = make_contact(session, consent=Consent.UNKNOWN)
    assert opt_in(session, person.id, LATER, "whatsapp", "START")
    assert not opt_out(session, person.id, NOW, "whatsapp", "STOP")
    assert person.consent is Consent.SUBSCRIBED


def test_a_start_that_comes_late_does_not_undo_the_stop_after_it(session: Session) -> None:
    person = alice(session)
    assert opt_out(session, person.id, LATER, "whatsapp", "STOP")
    assert not opt_in(session, person.id, NOW, "whatsapp", "START")
    assert opt_in(session, person.id, LATER + timedelta(seconds=1), "whatsapp", "START")
    assert person.consent is Consent.SUBSCRIBED


def test_a_stop_goes_before_an_import_that_was_stored_a_moment_later(session: Session) -> None:
    person = make_contact(session, consent=Consent.UNKNOWN)
    set_consent(session, [person.id], Consent.SUBSCRIBED, LATER, source="file", by=Authority.IMPORT)
    assert opt_out(session, person.id, NOW, "whatsapp", "STOP")


def test_metas_marketing_stop_follows_metas_time(session: Session) -> None:
    person = alice(session)
    assert stop_marketing(session, person.id, LATER)
    assert not resume_marketing(session, person.id, NOW)
    assert not resume_marketing(session, person.id, LATER)
    assert session.get_one(Contact, person.id, populate_existing=True).marketing_stopped_at == LATER
    assert resume_marketing(session, person.id, LATER + timedelta(seconds=1))
    assert not stop_marketing(session, person.id, LATER)
    assert session.get_one(Contact, person.id, populate_existing=True).marketing_stopped_at is None
    assert person.consent is Consent.SUBSCRIBED
