"""A person of whom every table holds something: for the tests of wiping and of telling."""

from datetime import timedelta

from sqlalchemy.orm import Session

from models.tables.campaign import CampaignStatus
from models.tables.contact import ConsentEvent, Contact, ContactIdentity
from models.tables.conversation import Direction, Message, MessageState
from models.tables.engagement import Engagement, LedgerEntry
from models.tables.recipient import RecipientState
from models.tables.webhook_event import DeadLetter, ParkedStatus
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_list
from tests.support.factories.conversations import make_conversation

DIGITS = "34600000001"


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
    session.add(
        ParkedStatus(wamid="w", status={"recipient_id": DIGITS}, first_at=NOW, expires_at=NOW + timedelta(days=10))
    )
    session.flush()
    return person
