"""Campaigns that end, with recipients in every state."""

from sqlalchemy.orm import Session

from jobs.campaigns.monitor import monitor
from jobs.core.runtime import Runtime
from models.tables.campaign import Campaign, CampaignOutcome, CampaignStatus
from models.tables.engagement import Engagement
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact


def lock(session: Session, recipient: Recipient) -> None:
    session.add(
        Engagement(
            person_key=recipient.person_key,
            campaign_id=recipient.campaign_id,
            contact_id=recipient.contact_id,
            created_at=NOW,
        )
    )


def in_state(session: Session, campaign: Campaign, *states: RecipientState) -> list[Recipient]:
    made = []
    for state in states:
        contact = make_contact(session)
        accepted_at = NOW if state in {RecipientState.ACCEPTED, RecipientState.HELD} else None
        made.append(make_recipient(session, campaign, contact, state=state, accepted_at=accepted_at))
        lock(session, made[-1])
    return made


def outcome_of(rt: Runtime, campaign_id: int) -> CampaignOutcome | None:
    monitor(rt, NOW)
    with rt.database.read() as session:
        return session.get_one(Campaign, campaign_id).outcome


def launched(session: Session, **values: object) -> Campaign:
    return make_campaign(session, status=CampaignStatus.ACTIVE, launched_at=NOW, **values)  # type: ignore[arg-type]
