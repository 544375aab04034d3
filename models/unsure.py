"""The operator's side of unsure messages: seeing them, leaving them, or sending them again in the knowledge of what that risks.

A status webhook that carries the attempt's callback data settles one at any time, also after either decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.campaign import Campaign, CampaignStatus
from models.contact import Contact
from models.dialect import word_literal
from models.recipient import Recipient, RecipientState
from models.refusal import Refused
from models.user import record_audit

AGAIN_FROM = (CampaignStatus.ACTIVE, CampaignStatus.PAUSED)
UNSURE = Recipient.state == word_literal("unsure")


@dataclass(frozen=True, slots=True)
class Unsure:
    """A message that was or is unsure. `settled_at` is when Meta's word settled it; `left_at` when an operator left it."""

    recipient_id: int
    contact_id: int
    name: str
    phone: str | None
    reason: str
    unsure_at: datetime | None
    settled_at: datetime | None
    left_at: datetime | None


def list_unsure(session: Session, campaign_id: int, *, after_id: int = 0, limit: int = 100) -> list[Unsure]:
    """Those that are unsure and those that were, by id: a keyset page."""
    query = (
        select(Recipient, Contact.name, Contact.phone)
        .join(Contact, Contact.id == Recipient.contact_id)
        .where(Recipient.campaign_id == campaign_id, Recipient.unsure_at.is_not(None), Recipient.id > after_id)
        .order_by(Recipient.id)
        .limit(limit)
    )
    return [
        Unsure(
            recipient_id=row.id,
            contact_id=row.contact_id,
            name=name,
            phone=phone,
            reason=row.error_msg or "",
            unsure_at=row.unsure_at,
            settled_at=None if row.state is RecipientState.UNSURE else row.accepted_at,
            left_at=row.left_at,
        )
        for row, name, phone in session.execute(query)
    ]


def count_open(session: Session, campaign_id: int) -> int:
    """How many wait for a decision: unsure, and not left."""
    query = select(func.count()).where(Recipient.campaign_id == campaign_id, UNSURE, Recipient.left_at.is_(None))
    return int(session.execute(query).scalar_one())


def leave(session: Session, campaign_id: int, ids: Sequence[int] | None, now: datetime, actor: str) -> int:
    """Leave these (None: all) as they are; how many that were."""
    statement = (
        update(Recipient)
        .where(Recipient.campaign_id == campaign_id, UNSURE, Recipient.left_at.is_(None))
        .values(left_at=now)
        .returning(Recipient.id)
    )
    if ids is not None:
        statement = statement.where(Recipient.id.in_(ids))
    left = session.execute(statement, execution_options={"synchronize_session": False}).all()
    if left:
        record_audit(session, now, actor, "unsure left", "campaign", campaign_id, count=len(left))
    return len(left)


def send_again(session: Session, campaign_id: int, ids: Sequence[int] | None, now: datetime, actor: str) -> int:
    """Queue these (None: all) once more; how many that were. Some of these people may get the message twice.

    They are listed no more, unless the new attempt is unsure too. Refused unless the campaign is active or paused: an ended one
    let its people go.
    """
    status = session.scalars(
        select(Campaign.status).where(Campaign.id == campaign_id, Campaign.deleted_at.is_(None)).with_for_update()
    ).one_or_none()
    if status not in AGAIN_FROM:
        allowed = ", ".join(AGAIN_FROM)
        raise Refused(
            f"campaign {campaign_id}: it is {status or 'not there'}; sending again is possible from: {allowed}"
        )
    statement = (
        update(Recipient)
        .where(Recipient.campaign_id == campaign_id, UNSURE)
        .values(state=RecipientState.QUEUED, due_at=now, lane_id=None, left_at=None, unsure_at=None)
        .returning(Recipient.id)
    )
    if ids is not None:
        statement = statement.where(Recipient.id.in_(ids))
    queued = session.execute(statement, execution_options={"synchronize_session": False}).all()
    if queued:
        record_audit(session, now, actor, "unsure sent again", "campaign", campaign_id, count=len(queued))
    return len(queued)
