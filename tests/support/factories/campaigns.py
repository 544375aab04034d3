"""Numbers, templates, campaigns and their recipients. Every function flushes, none commits."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from models.sending.cohorts import cohorts_of, make_cohorts
from models.tables.campaign import ENDS_AFTER, Campaign, CampaignKind, CampaignStatus, PauseReason
from models.tables.contact import Contact
from models.tables.lane import LEASE_SECONDS, Lane
from models.tables.number import Number, Portfolio, Waba
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.template import Template
from tests.support.factories.common import NOW, next_serial


def make_number(session: Session, *, now: datetime = NOW, messaging_limit: int | None = -1, **values: Any) -> Number:
    """A connected number of an account of its own."""
    serial = next_serial()
    portfolio = Portfolio(meta_id=f"p{serial}", messaging_limit=messaging_limit, limit_read_at=now)
    waba = Waba(portfolio=portfolio, waba_id=f"w{serial}", name="Shop", subscribed_at=now, templates_synced_at=now)
    given = {
        "phone_number_id": f"1{serial}",
        "name": "Shop",
        "display_phone": "+34600009999",
        "access_token": "token",
        "status": "CONNECTED",
        "quality": "GREEN",
        "created_at": now,
    }
    number = Number(waba=waba, **(given | values))
    session.add(number)
    session.flush()
    return number


def make_template(session: Session, number: Number, *, now: datetime = NOW, **values: Any) -> Template:
    """An approved template; unless told otherwise a body with one variable and a footer that names STOP."""
    given = {
        "name": f"spring_{next_serial()}",
        "language": "en",
        "category": "MARKETING",
        "status": "APPROVED",
        "quality": "GREEN",
        "components": [
            {"type": "BODY", "text": "Hello {{1}}, spring is here!", "example": {"body_text": [["Maria"]]}},
            {"type": "FOOTER", "text": "Reply STOP to leave"},
        ],
        "synced_at": now,
        "created_at": now,
    }
    template = Template(waba_id=number.waba_id, **(given | values))
    session.add(template)
    session.flush()
    return template


def make_campaign(
    session: Session,
    number: Number | None = None,
    template: Template | None = None,
    *,
    status: CampaignStatus = CampaignStatus.READY,
    kind: CampaignKind = CampaignKind.REAL,
    now: datetime = NOW,
    **values: Any,
) -> Campaign:
    """A complete campaign to everybody with the tag `vip`, with the contact's name as the template's one variable."""
    number = number or make_number(session, now=now)
    template = template or make_template(session, number, now=now)
    given: dict[str, Any] = {
        "name": "Spring",
        "audience": {"include": [{"tag": "vip"}], "exclude": []},
        "variables": {"body": {"1": {"source": "name", "fallback": "friend"}}},
        "media": {},
        "pace_per_second": 20.0,
        "ends_after_seconds": int(ENDS_AFTER[kind].total_seconds()),
        "created_at": now,
        "updated_at": now,
    }
    if status in {CampaignStatus.ACTIVE, CampaignStatus.PAUSED, CampaignStatus.ENDED}:
        given["started_at"] = now
    if status is CampaignStatus.PAUSED:
        given |= {"pause_reason": PauseReason.OPERATOR, "paused_at": now}
    campaign = Campaign(number=number, template=template, status=status, kind=kind, **(given | values))
    session.add(campaign)
    session.flush()
    if campaign.started_at is not None:
        make_cohorts(session, campaign, now)
    return campaign


def first_cohort(session: Session, campaign_id: int) -> int:
    """The id of the campaign's first cohort; of a campaign that was not started it is made."""
    if not cohorts_of(session, campaign_id):
        make_cohorts(session, session.get_one(Campaign, campaign_id), NOW)
    return cohorts_of(session, campaign_id)[0].id


def make_recipient(
    session: Session,
    campaign: Campaign,
    contact: Contact,
    *,
    state: RecipientState = RecipientState.QUEUED,
    reason: NotSent | None = None,
    now: datetime = NOW,
    **values: Any,
) -> Recipient:
    """The contact in the campaign, as a launch would have left it."""
    given: dict[str, Any] = {"person_key": contact.person_key, "source_values": {}, "due_at": now, "queued_at": now}
    if "cohort_id" not in values:
        given["cohort_id"] = first_cohort(session, campaign.id)
    recipient = Recipient(
        campaign_id=campaign.id, contact_id=contact.id, state=state, reason=reason, **(given | values)
    )
    session.add(recipient)
    session.flush()
    return recipient


def make_lane(session: Session, number: Number | None = None, *, now: datetime = NOW) -> Lane:
    """A sender's lease, alive at `now`."""
    expires_at = now + timedelta(seconds=LEASE_SECONDS)
    number_id = number.id if number else None
    lane = Lane(number_id=number_id, host="here", pid=1, started_at=now, beat_at=now, expires_at=expires_at)
    session.add(lane)
    session.flush()
    return lane
