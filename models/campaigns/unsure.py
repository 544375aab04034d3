"""Lists a campaign's unsure messages and applies the operator's decision: leave them as they are, or send them again.

A status webhook with the attempt's callback data settles an unsure message at any time, also after the decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from models.campaigns.recipient_error import recipient_error_line
from models.db.dialect import NO_SYNC, literal_word
from models.errors import OperatorError
from models.stored_texts import show_stored
from models.tables.audit import AuditAction, record_audit
from models.tables.campaign import LIVE, Campaign
from models.tables.contact import Contact
from models.tables.recipient import Recipient, RecipientState
from models.tries.rows import queue_again

UNSURE = Recipient.state == literal_word("unsure")


_R = Recipient
_WAS_UNSURE = _R.unsure_at.is_not(None)
_PLACE = case((~UNSURE, 2), (_R.left_at.is_not(None), 1), else_=0)
"""Open messages (0) stand first, then those that were left (1), then the settled ones (2)."""


@dataclass(frozen=True, slots=True)
class UnsureRecipient:
    """A message that is or was unsure. `left_at` is when an operator left it as it is."""

    place: int
    recipient_id: int
    contact_id: int
    name: str
    phone: str | None
    status: str
    reason: str
    """Why it is or was unsure, followed by Meta's error if it turned out to have failed."""
    unsure_at: datetime | None
    settled_at: datetime | None
    """When Meta accepted or refused it after all; None while it is unsure."""
    is_reported: bool
    """True if a status settled it, False if a late HTTP answer did."""
    left_at: datetime | None
    error_code: int | None = None
    """Meta's, of one that turned out to have failed; `error_msg` as the row keeps it."""
    error_msg: str | None = None


def list_unsure(
    session: Session, campaign_id: int, *, after: tuple[int, int] = (0, 0), limit: int = 100
) -> list[UnsureRecipient]:
    """The messages that are or were unsure, ordered by place and id: the keyset page after (place, id)."""
    (place, recipient_id), row_place = after, _PLACE
    query = (
        select(_R, row_place.label("place"), Contact.name, Contact.phone, Contact.raw_phone, Contact.wa_id)
        .join(Contact, Contact.id == _R.contact_id)
        .where(_R.campaign_id == campaign_id, _WAS_UNSURE)
        .where(or_(row_place > place, and_(row_place == place, _R.id > recipient_id)))
        .order_by(row_place, _R.id)
        .limit(limit)
    )
    return [
        _listed(row, place, name, phone or raw_phone or (f"+{wa_id}" if wa_id else None))
        for row, place, name, phone, raw_phone, wa_id in session.execute(query)
    ]


def _listed(row: Recipient, place: int, name: str, phone: str | None) -> UnsureRecipient:
    is_settled = row.state is not RecipientState.UNSURE
    error = recipient_error_line(row.status, row.error_code, row.error_msg)
    doubt = show_stored(row.detail)
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
        error_code=row.error_code if row.status == "failed" else None,
        error_msg=row.error_msg if row.status == "failed" else None,
    )


def count_open(session: Session, campaign_id: int) -> int:
    """How many messages wait for a decision: they are unsure and were not left."""
    query = select(func.count()).where(Recipient.campaign_id == campaign_id, UNSURE, Recipient.left_at.is_(None))
    return int(session.execute(query).scalar_one())


def count_settled(session: Session, campaign_id: int) -> int:
    """How many messages were unsure until Meta accepted or refused them."""
    query = select(func.count()).where(Recipient.campaign_id == campaign_id, _WAS_UNSURE, ~UNSURE)
    return int(session.execute(query).scalar_one())


def leave_unsure(session: Session, campaign_id: int, ids: Sequence[int] | None, now: datetime, actor: str) -> int:
    """Leave these recipients' messages (None: all) as they are; returns how many were open."""
    statement = (
        update(Recipient)
        .where(Recipient.campaign_id == campaign_id, UNSURE, Recipient.left_at.is_(None))
        .values(left_at=now)
        .returning(Recipient.id)
    )
    if ids is not None:
        statement = statement.where(Recipient.id.in_(ids))
    left_ids = session.execute(statement, execution_options=NO_SYNC).all()
    if left_ids:
        record_audit(session, now, actor, AuditAction.LEAVE_UNSURE, "campaign", campaign_id, count=len(left_ids))
    return len(left_ids)


def resend_unsure(session: Session, campaign_id: int, ids: Sequence[int] | None, now: datetime, actor: str) -> int:
    """Queue these recipients (None: all) again; returns how many. Some of these people may get the message twice.

    They leave the list, unless the new attempt is unsure too. Raises OperatorError if the campaign is neither active nor paused:
    an ended campaign has released its engagements.
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
    query = select(Recipient.id).where(Recipient.campaign_id == campaign_id, UNSURE)
    if ids is not None:
        query = query.where(Recipient.id.in_(ids))
    count = queue_again(session, session.scalars(query.order_by(Recipient.id).with_for_update()).all(), now)
    if count:
        record_audit(session, now, actor, AuditAction.RESEND_UNSURE, "campaign", campaign_id, count=count)
    return count
