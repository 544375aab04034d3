"""Parks statuses that match no message yet: for 7 days with callback data of ours, else for 10 minutes."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, insert, or_, select
from sqlalchemy.orm import Session

from models.campaigns.failures import NewFailure
from models.db.bulk import among
from models.events.statuses.apply import apply_statuses
from models.events.types import Callback, Failure, Pricing, Status
from models.tables.conversation import Direction, Message, PurgedWamid, wamid_hash
from models.tables.recipient import Recipient
from models.tables.recipient_try import RecipientTry
from models.tables.webhook_event import ParkedStatus

OURS_FOR = timedelta(days=7)
UNKNOWN_FOR = timedelta(minutes=10)
ROUND = 1_000
_MATCHABLE = or_(
    ParkedStatus.callback_data.is_not(None),
    exists().where(Recipient.wamid == ParkedStatus.wamid),
    exists().where(RecipientTry.wamid == ParkedStatus.wamid),
    exists().where(Message.wamid == ParkedStatus.wamid, Message.direction == Direction.OUT),
)


@dataclass(slots=True)
class RetryResult:
    """The result of one page of parked statuses. `cursor` is for the next page; 0 after the last one."""

    applied: int = 0
    cursor: int = 0
    failures: list[NewFailure] = field(default_factory=list)


def park_statuses(session: Session, statuses: Iterable[Status], now: datetime) -> int:
    """Park statuses, repeated ones once; return how many were parked. Those of purged or redacted messages are dropped."""
    rows = [
        {
            "wamid": item.wamid,
            # Callback data of another sender is not stored: it has no meaning here.
            "callback_data": item.callback_data if item.callback else None,
            "status": _to_json(item),
            "first_at": now,
            "expires_at": now + (OURS_FOR if item.callback else UNKNOWN_FOR),
        }
        for item in _of_nothing_purged(session, statuses)
    ]
    if rows:
        session.execute(insert(ParkedStatus), rows)
    return len(rows)


def _of_nothing_purged(session: Session, statuses: Iterable[Status]) -> list[Status]:
    items = list(dict.fromkeys(statuses))
    hashes = {wamid_hash(item.wamid): item.wamid for item in items}
    if not hashes:
        return []
    purged = session.scalars(select(PurgedWamid.hash).where(among(session, PurgedWamid.hash, hashes)))
    gone = {hashes[found] for found in purged}
    return [item for item in items if item.wamid not in gone]


def drop_expired(session: Session, now: datetime) -> int:
    """Delete expired statuses; return how many."""
    expired = session.execute(delete(ParkedStatus).where(ParkedStatus.expires_at <= now).returning(ParkedStatus.id))
    return len(expired.all())


def drop_parked(session: Session, key: int) -> None:
    """Delete a status that cannot be applied."""
    session.execute(delete(ParkedStatus).where(ParkedStatus.id == key))


def matchable_statuses(session: Session, cursor: int, limit: int) -> Sequence[int]:
    """Return ids after `cursor` of statuses that may match a message by now."""
    query = select(ParkedStatus.id).where(ParkedStatus.id > cursor, _MATCHABLE)
    return session.scalars(query.order_by(ParkedStatus.id).limit(limit)).all()


def retry_parked(
    session: Session, now: datetime, installation: str, cursor: int = 0, only: int | None = None
) -> RetryResult:
    """Apply a page of statuses after `cursor` that match a message by now, or `only` the one of this id."""
    result = RetryResult()
    candidates = session.scalars(
        select(ParkedStatus)
        .where(ParkedStatus.id > cursor if only is None else ParkedStatus.id == only, _MATCHABLE)
        .order_by(ParkedStatus.id)
        .limit(ROUND)
        .with_for_update(skip_locked=True)
    ).all()
    if not candidates:
        return result
    statuses = {row.id: _from_json(row.status) for row in candidates}
    applied = apply_statuses(session, statuses.values(), now, installation)
    waiting = {id(status) for status in applied.waiting}
    settled = [key for key, status in statuses.items() if id(status) not in waiting]
    if settled:
        session.execute(delete(ParkedStatus).where(ParkedStatus.id.in_(settled)))
    result.applied, result.failures = applied.applied, applied.failures
    result.cursor = candidates[-1].id if len(candidates) == ROUND else 0
    return result


def _to_json(status: Status) -> dict[str, Any]:
    fields = asdict(status) | {"at": status.at.isoformat()}
    for name in ("callback", "failure", "pricing"):
        fields[name] = list(fields[name]) if fields[name] is not None else None
    return {name: value for name, value in fields.items() if value is not None}


def _from_json(stored: dict[str, Any]) -> Status:
    fields = dict(stored)
    fields["at"] = datetime.fromisoformat(fields["at"])
    for name, kind in (("callback", Callback), ("failure", Failure), ("pricing", Pricing)):
        if name in fields:
            fields[name] = kind(*fields[name])
    return Status(**fields)
