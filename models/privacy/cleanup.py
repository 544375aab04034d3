"""What is over by its own nature: senders that ended, calls that were made, hours that do not count,
ids of people who are gone.

As in models.privacy.retention every function takes one slice and says how many rows it took.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete as delete_from
from sqlalchemy import func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, literal_word
from models.privacy.redact import REDELIVERY
from models.tables.contact import Consent, Contact
from models.tables.conversation import Conversation, Message
from models.tables.engagement import LedgerEntry
from models.tables.flow import Action, ActionState
from models.tables.lane import Lane
from models.tables.number import Portfolio
from models.tables.recipient import Recipient
from models.tables.webhook_event import ParkedStatus

SLICE = 500
ENDED_FOR = timedelta(days=1)
"""So long an ended sender and a finished call can still be looked at."""
LEDGER_FOR = timedelta(hours=25)
"""Meta's limit counts 24 hours; the hour more is for clocks that differ."""


def purge_parked(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Forget statuses that matched nothing in time."""
    return _delete(session, ParkedStatus, ParkedStatus.expires_at <= now, limit)


def purge_lanes(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Forget senders that ended, or were given up, more than a day ago and hold nothing."""
    before = now - ENDED_FOR
    is_over = func.coalesce(Lane.swept_at, Lane.ended_at) < before
    holds = [
        select(table.id).where(table.lane_id == Lane.id, table.state == literal_word("sending")).exists()
        for table in (Recipient, Message)
    ]
    return _delete(session, Lane, is_over & ~or_(*holds), limit)


def purge_actions(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Forget what bot flows waited for once it came, failed or was called off, more than a day ago."""
    finished = Action.state.in_((ActionState.DONE, ActionState.FAILED, ActionState.CANCELLED))
    return _delete(session, Action, finished & (Action.done_at < now - ENDED_FOR), limit)


def purge_ledger(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Forget whom a portfolio wrote to more than 25 hours ago."""
    before, taken = now - LEDGER_FOR, 0
    keys = (LedgerEntry.portfolio_id, LedgerEntry.person_key)
    for portfolio_id in session.scalars(select(Portfolio.id).order_by(Portfolio.id)).all():
        old = (LedgerEntry.portfolio_id == portfolio_id, LedgerEntry.first_at < before)
        some = select(*keys).where(*old).order_by(LedgerEntry.first_at).limit(limit - taken)
        # Said once more: a person who was written to again meanwhile counts anew.
        taken += _affected(session, delete_from(LedgerEntry).where(tuple_(*keys).in_(some), *old))
        if taken >= limit:
            break
    return taken


def forget_wamids(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Take the ids, which hold a number, off the messages of people who were redacted when Meta may not repeat them any more."""
    gone = (Contact.consent == Consent.REDACTED, Contact.redacted_at < now - REDELIVERY)
    ids = session.scalars(
        select(Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(*gone, or_(Message.wamid.is_not(None), Message.context_wamid.is_not(None)))
        .limit(limit)
    ).all()
    if not ids:
        return 0
    return _affected(session, update(Message).where(Message.id.in_(ids)).values(wamid=None, context_wamid=None))


def _delete(session: Session, table: Any, condition: Any, limit: int) -> int:
    """Found first and taken by their ids: on PostgreSQL a DELETE knows no LIMIT."""
    ids = session.scalars(select(table.id).where(condition).order_by(table.id).limit(limit)).all()
    return _affected(session, delete_from(table).where(table.id.in_(ids), condition)) if ids else 0


def _affected(session: Session, statement: Any) -> int:
    result: Any = session.execute(statement, execution_options=NO_SYNC)
    return int(result.rowcount)
