"""Confirming a subscription."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.conversations.flow_versions import save_flow
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.flow import FlowSession, FlowVersion
from models.tables.number import Number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice
from tests.support.inbound_messages import SAID_AT, at, recorded, store, stored


def pending(session: Session, **values: Any) -> Contact:
    return alice(session, **({"consent": Consent.PENDING, "consent_at": at(-60)} | values))


@pytest.mark.parametrize("said", [{"confirms": True}, {"word": "start"}])
def test_who_is_pending_is_subscribed_by_their_own_yes_or_start(
    session: Session, number: Number, said: dict[str, Any]
) -> None:
    person = pending(session)
    store(session, recorded("text", **said))
    assert (person.consent, person.consent_at) == (Consent.SUBSCRIBED, SAID_AT)
    event = session.scalars(select(ConsentEvent)).one()
    assert (event.before, event.actor, event.proof) == (Consent.PENDING, "person", "message wamid.in.message_text")


@pytest.mark.parametrize(
    "consent", [consent for consent in Consent if consent not in {Consent.PENDING, Consent.REDACTED}]
)
def test_a_yes_of_who_is_not_pending_changes_nothing(session: Session, number: Number, consent: Consent) -> None:
    person = alice(session, consent=consent)
    store(session, recorded("text", confirms=True))
    assert person.consent is consent
    assert stored(session, "text").route is None


def test_a_yes_from_before_the_question_or_before_a_stop_changes_nothing(session: Session, number: Number) -> None:
    person = pending(session, consent_at=at(60))
    store(session, recorded("text", confirms=True))
    assert person.consent.value == "pending"
    store(session, recorded("text", wamid="w2", word="stop", at=at(90)))
    store(session, recorded("text", wamid="w3", confirms=True, at=at(80)))
    assert person.consent.value == "unsubscribed"


def test_a_yes_to_a_bot_flow_that_asks_something_is_no_consent(session: Session, number: Number) -> None:
    person = pending(session)
    save_flow(session, "pizza", "name: pizza", {}, NOW, "ana@example.com")
    version = session.scalars(select(FlowVersion)).one()
    session.add(
        FlowSession(
            contact_id=person.id,
            number_id=number.id,
            flow_version_id=version.id,
            state={},
            started_at=at(-9),
            updated_at=at(-9),
        )
    )
    store(session, recorded("text", confirms=True))
    assert person.consent is Consent.PENDING
