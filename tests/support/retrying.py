"""A launched campaign whose messages failed, and what a queue does with them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from bot.meta.error_codes import TEMPORARY
from models.retry.queue import QueuedSlice, queue_slice
from models.tables.campaign import Campaign, CampaignOutcome, CampaignStatus
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact

CAPPED = 131049
DAY = timedelta(days=1)


def running(session: Session, **values: Any) -> Campaign:
    """An active campaign that was launched."""
    return make_campaign(
        session, status=CampaignStatus.ACTIVE, launched_at=NOW, outcome=CampaignOutcome.SENDING, **values
    )


def failed(
    session: Session,
    campaign: Campaign,
    code: int = CAPPED,
    state: RecipientState = RecipientState.ACCEPTED,
    at: datetime = NOW,
    **values: Any,
) -> Recipient:
    """A recipient whose first message failed, of a person without an engagement."""
    accepted = {"accepted_at": at, "wamid": f"w.{code}.{id(values)}"} if state is RecipientState.ACCEPTED else {}
    given: dict[str, Any] = {
        "attempts": 1,
        "error_code": code,
        "error_msg": "kept back",
        "failed_at": at,
        "claimed_at": at,
    } | accepted
    person = values.pop("person", None) or make_contact(session)
    return make_recipient(
        session, campaign, person, state=state, source_values={"body": {"1": "Ana"}}, **(given | values)
    )


def queue(session: Session, campaign: Campaign, now: datetime, **values: Any) -> QueuedSlice:
    """One slice; what was read is read again."""
    session.flush()
    result = queue_slice(session, campaign.id, TEMPORARY, now, **values)
    session.expire_all()
    return result
