"""The operator's side of unsure messages: seeing them, leaving them, or sending them again in the knowledge of what that risks.

A status webhook that carries the attempt's callback data settles one at any time, also after either decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, literal_word
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.campaign import LIVE, Campaign
from models.tables.contact import Contact
from models.tables.recipient import Recipient, RecipientState

UNSURE = Recipient.state == literal_word("unsure")


_R = Recipient
_WAS_UNSURE = _R.unsure_at.is_not(None)
_PLACE = case((~UNSURE, 2), (_R.left_at.is_not(None), 1), else_=0)
"""Who waits for a decision stands first, then who was left, then who is settled."""


@dataclass(frozen=True, slots=True)
class UnsureRecipient:
    """A message that was or is unsure. `left_at` is when an operator left it."""

    place: int
    recipient_id: int
    contact_id: int
    name: str
    phone: str | None
    status: str
    reason: str
    """Why it is or was unsure; of one that turned out to have failed, what Meta said of that behind it."""
    unsure_at: datetime | None
    settled_at: datetime | None
    """When Meta took or refused it after all."""
    is_reported: bool
    """A status says so; else a late answer of Meta's did."""
    left_at: datetime | None


def list_unsure(
    session: Session, campaign_id: int, *, after: tuple[int, int] = (0, 0), limit: int = 100
) -> list[UnsureRecipient]:
    """Those that are unsure and those that were, by place and id: a keyset page after (place, id)."""
    (place, recipient_id), of_row = after, _PLACE
    query = (
        select(_R, of_row.label("place"), Contact.name, Contact.phone, Contact.raw_phone, Contact.wa_id)
        .join(Contact, Contact.id == _R.contact_id)
        .where(_R.campaign_id == campaign_id, _WAS_UNSURE)
        .where(or_(of_row > place, and_(of_row == place, _R.id > recipient_id)))
        .order_by(of_row, _R.id)
        .limit(limit)
    )
    return [
        _listed(row, place, name, phone or raw_phone or (f"+{wa_id}" if wa_id else None))
        for row, place, name, phone, raw_phone, wa_id in session.execute(query)
    ]


def _listed(row: Recipient, place: int, name: str, phone: str | None) -> UnsureRecipient:
    is_settled = row.state is not RecipientState.UNSURE
    text = row.error_msg or ""
    error = f"{row.error_code}: {text}" if row.error_code and text else text
    doubt = row.detail or ""
    return UnsureRecipient(
        place=place,
        recipient_id=row.id,
        contact_id=row.contact_id,
        name=name,
        phone=phone,
        status=row.status,
        reason=f"{doubt} {error}".strip() if is_settled else error or doubt,
        unsure_at=row.unsure_at,
        settled_at=(row.accepted_at or row.failed_at) if is_settled else None,
        is_reported=row.state is RecipientState.ACCEPTED
        and any((row.sent_at, row.delivered_at, row.read_at, row.failed_at)),
        left_at=row.left_at,
    )


def count_open(session: Session, campaign_id: int) -> int:
    """How many wait for a decision: unsure, and not left."""
    query = select(func.count()).where(Recipient.campaign_id == campaign_id, UNSURE, Recipient.left_at.is_(None))
    return int(session.execute(query).scalar_one())


def count_settled(session: Session, campaign_id: int) -> int:
    """How many were unsure until Meta's word came."""
    query = select(func.count()).where(Recipient.campaign_id == campaign_id, _WAS_UNSURE, ~UNSURE)
    return int(session.execute(query).scalar_one())


def leave_unsure(session: Session, campaign_id: int, ids: Sequence[int] | None, now: datetime, actor: str) -> int:
    """Leave these (None: all) as they are; how many that were."""
    statement = (
        update(Recipient)
        .where(Recipient.campaign_id == campaign_id, UNSURE, Recipient.left_at.is_(None))
        .values(left_at=now)
        .returning(Recipient.id)
    )
    if ids is not None:
        statement = statement.where(Recipient.id.in_(ids))
    left = session.execute(statement, execution_options=NO_SYNC).all()
    if left:
        record_audit(session, now, actor, AuditAction.LEAVE_UNSURE, "campaign", campaign_id, count=len(left))
    return len(left)


def resend_unsure(session: Session, campaign_id: int, ids: Sequence[int] | None, now: datetime, actor: str) -> int:
    """Queue these (None: all) once more; how many that were. Some of these people may get the message twice.

    They are listed no more, unless the new attempt is unsure too. Refused unless the campaign is active or paused: an ended one
    let its people go.
    """
    status = session.scalars(
        select(Campaign.status).where(Campaign.id == campaign_id, Campaign.deleted_at.is_(None)).with_for_update()
    ).one_or_none()
    if status not in LIVE:
        allowed = ", ".join(LIVE)
        raise OperatorError(
            "campaign {campaign_id}: it is {status}; sending again is possible from: {allowed}",
            campaign_id=campaign_id,
            status=status or "not there",
            allowed=allowed,
        )
    statement = (
        update(Recipient)
        .where(Recipient.campaign_id == campaign_id, UNSURE)
        .values(state=RecipientState.QUEUED, due_at=now, lane_id=None, left_at=None, unsure_at=None, detail=None)
        .returning(Recipient.id)
    )
    if ids is not None:
        statement = statement.where(Recipient.id.in_(ids))
    queued = session.execute(statement, execution_options=NO_SYNC).all()
    if queued:
        record_audit(session, now, actor, AuditAction.RESEND_UNSURE, "campaign", campaign_id, count=len(queued))
    return len(queued)
