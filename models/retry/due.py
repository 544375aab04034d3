"""Finds the recipients whose message failed for a passing reason, and says when it may be tried again."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from models.db.dialect import literal_word
from models.retry.rule import TemporaryFailure
from models.tables.recipient import Recipient
from models.tables.recipient_try import RecipientTry
from models.tries.rows import ARRIVED

_OPEN = ("queued", "sending", "held", "sent", "failed")
_ANSWERED = (literal_word("accepted"), literal_word("refused"))


class RetryFigures(NamedTuple):
    """People of a campaign whose message failed for a passing reason: those due now, and those whose wait is not over."""

    due: int
    waiting: int


def is_temporary(campaign_id: int, failures: Sequence[TemporaryFailure]) -> ColumnElement[bool]:
    """Return the condition that a recipient's last try failed for a passing reason and no message ever reached the person."""
    by_status = [item.code for item in failures if item.by_status]
    by_answer = [item.code for item in failures]
    row = aliased(RecipientTry)
    arrived = select(row.id).where(row.recipient_id == Recipient.id, row.status.in_(ARRIVED)).exists()
    return and_(
        Recipient.campaign_id == campaign_id,
        Recipient.state.in_(_ANSWERED),
        Recipient.status == literal_word("failed"),
        or_(
            Recipient.error_code.in_(by_status),
            and_(Recipient.state == literal_word("refused"), Recipient.error_code.in_(by_answer)),
        ),
        Recipient.replied_at.is_(None),
        ~arrived,
    )


def is_due(failures: Sequence[TemporaryFailure], now: datetime, *, is_postponed: bool = False) -> ColumnElement[bool]:
    """Return the condition that the wait of a temporary failure is over: it grows with the tries before.

    With `is_postponed` those who could not be written to wait until their `due_at`, so that a rule does not look at them each time.
    """
    tried = aliased(RecipientTry)
    tries = select(func.count(tried.id)).where(tried.recipient_id == Recipient.id).scalar_subquery()
    by_waits: dict[tuple[object, ...], list[TemporaryFailure]] = {}
    for item in failures:
        by_waits.setdefault(item.waits, []).append(item)
    over: list[ColumnElement[bool]] = []
    for same in by_waits.values():
        waits = same[0].waits
        shortest = Recipient.failed_at <= now - waits[0]
        steps = [
            and_(tries == place if place + 1 < len(waits) else tries >= place, Recipient.failed_at <= now - wait)
            for place, wait in enumerate(waits)
        ]
        over.append(and_(Recipient.error_code.in_([item.code for item in same]), shortest, or_(*steps)))
    if not is_postponed:
        return or_(*over)
    return and_(or_(*over), or_(Recipient.due_at.is_(None), Recipient.due_at <= now))


def retry_figures(
    session: Session, campaign_id: int, failures: Sequence[TemporaryFailure], now: datetime
) -> RetryFigures:
    """Count them."""
    condition = is_temporary(campaign_id, failures)
    count = select(func.count()).select_from(Recipient)
    total = session.scalar(count.where(condition)) or 0
    due = session.scalar(count.where(condition, is_due(failures, now))) or 0 if total else 0
    return RetryFigures(due, total - due)


def has_due(session: Session, campaign_id: int, failures: Sequence[TemporaryFailure], now: datetime) -> bool:
    """Whether a rule would queue or look at somebody now."""
    condition = and_(is_temporary(campaign_id, failures), is_due(failures, now, is_postponed=True))
    return session.execute(select(Recipient.id).where(condition).limit(1)).first() is not None


def may_be_retried(session: Session, campaign_id: int) -> bool:
    """Whether a rule may still queue somebody: a message failed, or its result is not known for good."""
    query = select(Recipient.id).where(
        Recipient.campaign_id == campaign_id,
        Recipient.state.in_([literal_word(state) for state in ("queued", "sending", "held", "accepted", "refused")]),
        Recipient.status.in_(_OPEN),
        Recipient.replied_at.is_(None),
    )
    return session.execute(query.limit(1)).first() is not None
