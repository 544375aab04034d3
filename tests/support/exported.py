"""Rows of a campaign that was paused."""

from typing import Any

from sqlalchemy.orm import Session

from models.tables.campaign import Campaign
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact

State = RecipientState


def row_of(session: Session, campaign: Campaign, state: State, *facts: str, **values: Any) -> Recipient:
    if state in {State.ACCEPTED, State.HELD}:
        facts = ("accepted_at", *facts)
    times = {f"{fact.removesuffix('_at')}_at": NOW for fact in facts}
    recipient = make_recipient(session, campaign, make_contact(session), state=state, **(times | values))
    session.refresh(recipient)
    return recipient
