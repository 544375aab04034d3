"""Deletes expired rows in slices: parked statuses, ended lanes, finished actions, messaging-limit entries, ids of redacted people.

As in models.privacy.retention each function deletes one slice and returns its number of rows.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete as delete_from
from sqlalchemy import func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, literal_word
from models.privacy.retention import store_hashes
from models.tables.contact import Consent, Contact
from models.tables.conversation import Conversation, Message
from models.tables.engagement import LedgerEntry
from models.tables.flow import Action, ActionState
from models.tables.lane import Lane
from models.tables.number import Portfolio
from models.tables.recipient import Recipient
from models.tables.user_id_change import UserIdChange
from models.tables.webhook_event import ParkedStatus

SLICE = 500
ENDED_FOR = timedelta(days=1)
"""Ended lanes and finished actions are kept for this long, for operators."""
USER_IDS_FOR = timedelta(days=30)
"""Meta repeats an event for a week; the rest is for outages and for webhooks that are replayed."""
LEDGER_FOR = timedelta(hours=25)
"""Meta's messaging limit counts 24 hours; the extra hour is for clocks that differ."""


def purge_parked(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Delete parked statuses that matched no row in time."""
    return _delete(session, ParkedStatus, ParkedStatus.expires_at <= now, limit)


def purge_lanes(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Delete lanes that ended or expired more than a day ago and have no claimed message."""
    before = now - ENDED_FOR
    is_over = func.coalesce(Lane.swept_at, Lane.ended_at) < before
    holds = [
        select(table.id).where(table.lane_id == Lane.id, table.state == literal_word("sending")).exists()
        for table in (Recipient, Message)
    ]
    return _delete(session, Lane, is_over & ~or_(*holds), limit)


def purge_user_ids(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Delete changes of user ids that were reported more than 30 days ago; who was known then has the old id as an alias."""
    return _delete(session, UserIdChange, UserIdChange.created_at < now - USER_IDS_FOR, limit)


def purge_actions(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Delete actions of bot flows that were done, failed or cancelled more than a day ago."""
    finished = Action.state.in_((ActionState.DONE, ActionState.FAILED, ActionState.CANCELLED))
    return _delete(session, Action, finished & (Action.done_at < now - ENDED_FOR), limit)


def purge_ledger(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Delete messaging-limit entries that are older than 25 hours."""
    before, deleted = now - LEDGER_FOR, 0
    keys = (LedgerEntry.portfolio_id, LedgerEntry.person_key)
    for portfolio_id in session.scalars(select(Portfolio.id).order_by(Portfolio.id)).all():
        old = (LedgerEntry.portfolio_id == portfolio_id, LedgerEntry.first_at < before)
        oldest = select(*keys).where(*old).order_by(LedgerEntry.first_at).limit(limit - deleted)
        # The condition is repeated: an entry that was renewed meanwhile must stay.
        deleted += _affected(session, delete_from(LedgerEntry).where(tuple_(*keys).in_(oldest), *old))
        if deleted >= limit:
            break
    return deleted


def purge_wamids(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Replace the wamids of redacted people's messages, which contain a number, by hashes (a redaction does it at once by now)."""
    rows = session.execute(
        select(Message.id, Message.wamid)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(Contact.consent == Consent.REDACTED, or_(Message.wamid.is_not(None), Message.context_wamid.is_not(None)))
        .limit(limit)
    ).all()
    if not rows:
        return 0
    store_hashes(session, [row.wamid for row in rows if row.wamid], now)
    ids = [row.id for row in rows]
    return _affected(session, update(Message).where(Message.id.in_(ids)).values(wamid=None, context_wamid=None))


def _delete(session: Session, table: Any, condition: Any, limit: int) -> int:
    """Select ids first and delete by them, since PostgreSQL's DELETE has no LIMIT."""
    ids = session.scalars(select(table.id).where(condition).order_by(table.id).limit(limit)).all()
    return _affected(session, delete_from(table).where(table.id.in_(ids), condition)) if ids else 0


def _affected(session: Session, statement: Any) -> int:
    result: Any = session.execute(statement, execution_options=NO_SYNC)
    return int(result.rowcount)
