"""Records the results of claimed recipients in batches, in id order, only if lane and attempt still match."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC
from models.sending.claim import release_engagements
from models.sending.messaging_limit import release_people
from models.sending.wamid import duplicate_wamids
from models.stored_texts import SAME_ID
from models.tables.campaign import Campaign
from models.tables.contact import Contact
from models.tables.recipient import NotSent, Recipient, RecipientState, SendEndpoint
from models.text import Text


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of one attempt.

    `state` is ACCEPTED, HELD, REFUSED or UNSURE; QUEUED if it is tried again at `due_at` (with `is_failure` after a transient
    failure, which counts towards the limit of tries); or NOT_SENT if no message could be built from the recipient's values.
    `is_counted` says that the claim reserved the messaging limit for it.
    """

    recipient_id: int
    attempt: int
    state: RecipientState
    at: datetime
    person_key: str
    contact_id: int
    wamid: str | None = None
    wa_id: str | None = None
    code: int | None = None
    message: Text | None = None
    due_at: datetime | None = None
    is_failure: bool = False
    is_counted: bool = False
    endpoint: SendEndpoint | None = None
    """With QUEUED: by which endpoint the next attempt goes, where this one decides it."""


_TABLE = Recipient.__table__
_MINE = (
    _TABLE.c.id == bindparam("b_id"),
    _TABLE.c.lane_id == bindparam("b_lane"),
    _TABLE.c.attempts == bindparam("b_attempt"),
)
_SENDING = _TABLE.c.state == "sending"
_OPEN = or_(_SENDING, _TABLE.c.state == "unsure")  # a late answer settles what the sweep made unsure

_ACCEPT = (
    update(_TABLE)  # type: ignore[arg-type]
    .where(*_MINE, _OPEN)
    .values(
        state=bindparam("b_state"),
        wamid=func.coalesce(_TABLE.c.wamid, bindparam("b_wamid")),
        accepted_at=func.coalesce(_TABLE.c.accepted_at, bindparam("b_at", type_=_TABLE.c.accepted_at.type)),
        error_code=None,
        error_msg=None,
    )
)
_REFUSE = (
    update(_TABLE)  # type: ignore[arg-type]
    .where(*_MINE, _OPEN)
    .values(
        state=bindparam("b_state"),
        failed_at=bindparam("b_at"),
        error_code=bindparam("b_code"),
        error_msg=bindparam("b_message"),
    )
)
_DOUBT = (
    update(_TABLE)  # type: ignore[arg-type]
    .where(*_MINE, _SENDING)
    .values(
        state=bindparam("b_state"),
        unsure_at=bindparam("b_at"),
        error_msg=bindparam("b_message"),
        detail=bindparam("b_message"),
    )
)
_RETURN = (
    update(_TABLE)  # type: ignore[arg-type]
    .where(*_MINE, _SENDING)
    .values(
        state=bindparam("b_state"),
        due_at=bindparam("b_due"),
        failures=_TABLE.c.failures + bindparam("b_failure"),
        error_code=bindparam("b_code"),
        error_msg=bindparam("b_message"),
        endpoint=func.coalesce(bindparam("b_endpoint", type_=_TABLE.c.endpoint.type), _TABLE.c.endpoint),
    )
)
_LEAVE_OUT = (
    update(_TABLE)  # type: ignore[arg-type]
    .where(*_MINE, _SENDING)
    .values(
        state=bindparam("b_state"),
        reason=NotSent.BAD_VALUE,
        detail=bindparam("b_message"),
        error_code=None,
        error_msg=None,
    )
)
_STATEMENTS = {
    RecipientState.ACCEPTED: _ACCEPT,
    RecipientState.HELD: _ACCEPT,
    RecipientState.REFUSED: _REFUSE,
    RecipientState.UNSURE: _DOUBT,
    RecipientState.QUEUED: _RETURN,
    RecipientState.NOT_SENT: _LEAVE_OUT,
}
_ENDS = frozenset({RecipientState.REFUSED, RecipientState.NOT_SENT})
_CERTAINLY_NOT_SENT = _ENDS | {RecipientState.QUEUED}


def record_results(
    session: Session, lane_id: int, campaign_id: int, portfolio_id: int, attempts: Sequence[AttemptResult]
) -> None:
    """Write a batch of one campaign's results, and release engagements and reservations of those that were not sent."""
    duplicates = duplicate_wamids(session, Recipient, ((item.recipient_id, item.wamid) for item in attempts))
    groups: dict[RecipientState, list[dict[str, Any]]] = {}
    for attempt in sorted(attempts, key=lambda item: item.recipient_id):
        values = _values(lane_id, attempt)
        if attempt.wamid in duplicates:
            values |= {"b_state": RecipientState.UNSURE, "b_message": SAME_ID().stored()}
        groups.setdefault(values["b_state"], []).append(values)
    for state, rows in groups.items():
        session.connection().execute(_STATEMENTS[state], rows)
    unsent = [
        item for item in attempts if item.state in _ENDS or (item.state in _CERTAINLY_NOT_SENT and item.is_counted)
    ]
    unsent = _only_stored(session, unsent)
    release_engagements(session, campaign_id, [item.person_key for item in unsent if item.state in _ENDS])
    release_people(session, portfolio_id, [item.person_key for item in unsent if item.is_counted])
    accepted = [item for item in attempts if item.state in {RecipientState.ACCEPTED, RecipientState.HELD}]
    if accepted:
        _record_last_sent(session, campaign_id, accepted)


def _only_stored(session: Session, results: list[AttemptResult]) -> list[AttemptResult]:
    """The results that are stored now. Without rows that an operator queued again meanwhile: their people stay engaged."""
    if not results:
        return results
    query = select(Recipient.id, Recipient.attempts, Recipient.state).where(
        Recipient.id.in_([item.recipient_id for item in results])
    )
    stored = {(row.id, row.attempts, row.state) for row in session.execute(query)}
    return [item for item in results if (item.recipient_id, item.attempt, item.state) in stored]


def _values(lane_id: int, attempt: AttemptResult) -> dict[str, Any]:
    return {
        "b_id": attempt.recipient_id,
        "b_lane": lane_id,
        "b_attempt": attempt.attempt,
        "b_state": attempt.state,
        "b_at": attempt.at,
        "b_wamid": attempt.wamid,
        "b_code": attempt.code,
        "b_message": attempt.message and attempt.message.stored(),
        "b_due": attempt.due_at,
        "b_failure": int(attempt.is_failure),
        "b_endpoint": attempt.endpoint,
    }


def _record_last_sent(session: Session, campaign_id: int, accepted: Sequence[AttemptResult]) -> None:
    last = max(item.at for item in accepted)
    session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, func.coalesce(Campaign.last_sent_at, Campaign.created_at) < last)
        .values(last_sent_at=last),
        execution_options=NO_SYNC,
    )
    for item in accepted:
        if item.wa_id and not item.person_key.endswith(item.wa_id):
            _store_wa_id(session, item.contact_id, item.wa_id)


def _store_wa_id(session: Session, contact_id: int, wa_id: str) -> None:
    """Store WhatsApp's own id if it differs from the number (docs/meta.md §9), since replies carry it.

    If another contact has it, nothing is stored until the two are merged.
    """
    owner = select(Contact.id).where(Contact.wa_id == wa_id)
    session.execute(
        update(Contact).where(Contact.id == contact_id, Contact.wa_id.is_(None), ~owner.exists()).values(wa_id=wa_id),
        execution_options=NO_SYNC,
    )
