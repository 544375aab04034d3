"""Counts what people who replied to ended campaigns were answered, and says what that means for the next campaign."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models.db.dialect import insert_into
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus
from models.tables.campaign_replies import CampaignReplies
from models.tables.conversation import Direction, Message, MessageState
from models.tables.recipient import Recipient

MAX_CAMPAIGNS = 20
MIN_CAMPAIGNS = 3
MIN_PEOPLE = 1000
"""Delivered in these campaigns together; with fewer the assumption is used."""
MIN_REPLIES = 100
"""With fewer people who replied nothing is said about the messages of a conversation."""
SETTLED_AFTER = timedelta(days=3)
"""So long after the end of a campaign its conversations are over."""
ASSUMED_SHARES = (0.02, 0.10, 0.25)
ASSUMED_MESSAGES = (1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class ReplyHistory:
    """Shares of people who reply, 0 to 1, and messages of a conversation: low, expected, high.

    `campaigns`: the number of past ones from which the shares come, 0: assumed. `messages` None: nothing is known of them.
    """

    shares: tuple[float, float, float] = ASSUMED_SHARES
    campaigns: int = 0
    messages: tuple[float, float, float] | None = None


def reply_history(session: Session) -> ReplyHistory:
    """Return what came of the newest ended campaigns that were counted."""
    query = select(CampaignReplies).where(CampaignReplies.delivered > 0)
    rows = session.scalars(query.order_by(CampaignReplies.campaign_id.desc()).limit(MAX_CAMPAIGNS)).all()
    delivered, replied = sum(row.delivered for row in rows), sum(row.replied for row in rows)
    if len(rows) < MIN_CAMPAIGNS or delivered < MIN_PEOPLE:
        return ReplyHistory()
    shares = [min(1.0, row.replied / row.delivered) for row in rows]
    messages = None
    if replied >= MIN_REPLIES:
        each = [row.answers / row.replied for row in rows if row.replied]
        messages = (min(each), sum(row.answers for row in rows) / replied, max(each))
    return ReplyHistory((min(shares), min(1.0, replied / delivered), max(shares)), len(rows), messages)


def campaigns_to_count(session: Session, now: datetime) -> list[int]:
    """Return the newest ended campaigns that were not counted yet, though their conversations are over."""
    query = (
        select(Campaign.id)
        .outerjoin(CampaignReplies, CampaignReplies.campaign_id == Campaign.id)
        .where(
            Campaign.kind == CampaignKind.REAL,
            Campaign.status == CampaignStatus.ENDED,
            Campaign.deleted_at.is_(None),
            Campaign.ended_at < now - SETTLED_AFTER,
            CampaignReplies.campaign_id.is_(None),
        )
        .order_by(Campaign.id.desc())
        .limit(MAX_CAMPAIGNS)
    )
    return list(session.scalars(query))


def count_replies(session: Session, campaign_id: int, now: datetime) -> dict[str, object]:
    """Count one campaign: the columns of its row. It reads all rows of the campaign."""
    received = or_(Recipient.delivered_at.is_not(None), Recipient.read_at.is_not(None))
    of_campaign = Recipient.campaign_id == campaign_id
    delivered = session.scalar(select(func.count()).where(of_campaign, received)) or 0
    replied = session.scalar(select(func.count()).where(of_campaign, Recipient.is_replied)) or 0
    answers = session.scalar(
        select(func.count())
        .select_from(Message)
        .join(Recipient, Recipient.id == Message.recipient_id)
        .where(of_campaign, Message.direction == Direction.OUT, Message.state == MessageState.ACCEPTED)
    )
    return {
        "campaign_id": campaign_id,
        "delivered": delivered,
        "replied": replied,
        "answers": answers or 0,
        "counted_at": now,
    }


def replied_people(session: Session, campaign_id: int) -> int:
    """Return how many people have replied to a campaign so far."""
    query = select(func.count()).where(Recipient.campaign_id == campaign_id, Recipient.is_replied)
    return session.scalar(query) or 0


def store_replies(session: Session, row: dict[str, object]) -> None:
    """Store the sums of a campaign, unless another process was faster."""
    session.execute(insert_into(session, CampaignReplies.__table__).values(**row).on_conflict_do_nothing())
