"""Claims recipients, `queued → sending`, in one transaction that is committed before the first request leaves.

Everything that can have changed since the launch is checked in the same transaction; who fails a check becomes `not_sent` with
the reason.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, case, delete, select, update
from sqlalchemy.orm import Session

from models.audience.recheck import recheck
from models.db.dialect import NO_SYNC, literal_word
from models.retry.recheck import recheck_retried
from models.sending.cohorts import cohort_content
from models.sending.lease import is_alive
from models.sending.messaging_limit import reserve_people
from models.sending.open_cohorts import QUEUED, is_queued_in, is_queued_unassigned, lock_open_cohort
from models.sending.route import CLOUD_API, SendRoute, send_route
from models.stored_texts import MAX_PRICE_LOST
from models.tables.cohort import Cohort
from models.tables.contact import Contact, ContactIdentity
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState, SendEndpoint
from models.tables.template import Template
from models.templates.sent_values import SentValues
from models.text import Text
from models.tries.rows import take_back

NOT_AGAIN_FOR = timedelta(days=1)
"""How long somebody who was left out of another try waits at least until a rule queues the next."""


@dataclass(frozen=True, slots=True)
class ClaimedRecipient:
    """A recipient that only this lane sends to now. At least one of `phone` (E.164) and `bsuid` is set. `attempt` counts from 1."""

    id: int
    contact_id: int
    person_key: str
    attempt: int
    failures: int
    phone: str | None
    bsuid: str | None
    values: Mapping[str, Any]
    is_counted: bool
    """Whether this claim reserved the messaging limit for it: the reservation is released if Meta refuses."""
    route: SendRoute = CLOUD_API


@dataclass(frozen=True, slots=True)
class Claim:
    """The result of a claim. `left_out` counts the recipients that became `not_sent`.

    `is_active` is False if the cohort is not open or has another edition by now, its number may not send, or the lane has lost its
    lease.
    """

    rows: Sequence[ClaimedRecipient] = ()
    left_out: int = 0
    is_active: bool = True
    limit_lifts_at: datetime | None = None
    problem: Text | None = None
    """Why the campaign cannot go on as it is; nothing was claimed."""


@dataclass(slots=True)
class _LeftOut:
    people: list[Row[Any]] = field(default_factory=list)
    ids: dict[tuple[NotSent, str | None], list[int]] = field(default_factory=dict)

    def add(self, row: Row[Any], reason: NotSent, detail: str | None) -> None:
        self.people.append(row)
        self.ids.setdefault((reason, detail), []).append(row.id)


def claim_recipients(
    session: Session,
    lane_id: int,
    cohort_id: int,
    size: int,
    now: datetime,
    person_hashes: Callable[[str], tuple[str, ...]] | None = None,
    time_zone: str = "UTC",
    *,
    edition: int = 0,
) -> Claim:
    """Claim up to `size` due recipients of a cohort for a lane that builds its messages as of `edition`.

    With `person_hashes` people who were redacted are recognised, and not written to. `time_zone` is the business's, for days.
    """
    cohort = lock_open_cohort(session, cohort_id, now)
    if cohort is None or cohort.edition != edition:
        return Claim(is_active=False)
    campaign = cohort.campaign
    if campaign.number is None or not campaign.number.may_send(now) or not is_alive(session, lane_id):
        return Claim(is_active=False)
    rows = _due(session, cohort, now, size)
    if not rows:
        return Claim()
    left_out = _LeftOut()
    content, template = cohort_content(cohort), session.get_one(Template, cohort.template_id)
    again = recheck_retried(session, campaign, template.category, rows, now)
    if again.arrived:
        take_back(session, again.arrived)
        rows = [row for row in rows if row.id not in again.arrived]
        if not rows:
            return Claim()
    contact_ids = [row.contact_id for row in rows]
    refusals = again.refusals | recheck(session, campaign, template.category, contact_ids, now, person_hashes)
    identities = _identities(
        session, campaign.number.waba.portfolio_id, [row.contact_id for row in rows if not row.phone]
    )
    try:
        route = send_route(campaign.number, template, campaign.max_price)
    except LookupError:
        return Claim(is_active=False, problem=MAX_PRICE_LOST())
    if content.offer_ends_at is not None and content.offer_ends_at <= now:
        refusals = {row.contact_id: (NotSent.EXPIRED, None) for row in rows} | refusals
    fit = _Fit(identities, SentValues(template, content, time_zone), route.needs_phone)
    values = {
        row.id: fitting_values
        for row in rows
        if (fitting_values := _fitting(row, refusals.get(row.contact_id), fit, left_out)) is not None
    }
    fitting = [row for row in rows if row.id in values]
    _leave_out(session, campaign.id, left_out, again.retried, now)
    people = [(row.person_key, row.contact_id) for row in fitting]
    reservation = reserve_people(session, campaign.number.waba.portfolio_id, campaign.number_id or 0, people, now)
    granted = [row for row in fitting if row.person_key in reservation.granted]
    claimed_ids = _mark_sending(session, lane_id, cohort, [row.id for row in granted], now, route)
    claimed = [
        ClaimedRecipient(
            id=row.id,
            contact_id=row.contact_id,
            person_key=row.person_key,
            attempt=row.attempts + 1,
            failures=row.failures,
            phone=row.phone,
            bsuid=identities.get(row.contact_id),
            values=values[row.id],
            is_counted=row.person_key in reservation.counted,
            route=route.of(row.endpoint),
        )
        for row in granted
        if row.id in claimed_ids
    ]
    return Claim(claimed, len(left_out.people), limit_lifts_at=reservation.lifts_at)


def recipients_held_by(session: Session, lane_id: int) -> set[int]:
    """The ids of the recipients in `sending` that a lane holds: for a COMMIT whose answer was lost."""
    query = select(Recipient.id).where(Recipient.lane_id == lane_id, Recipient.state == literal_word("sending"))
    return set(session.scalars(query))


def put_back(session: Session, lane_id: int, ids: Collection[int], now: datetime) -> None:
    """Return to the queue the recipients that a lane claimed and for which it certainly began no request."""
    session.execute(
        update(Recipient)
        .where(Recipient.id.in_(sorted(ids)), Recipient.lane_id == lane_id, Recipient.state == literal_word("sending"))
        .values(state=RecipientState.QUEUED, due_at=now),
        execution_options=NO_SYNC,
    )


def _due(session: Session, cohort: Cohort, now: datetime, size: int) -> Sequence[Row[Any]]:
    """Lock up to `size` due rows; first those without a cohort, while there may be some that belong to this one."""
    rows: list[Row[Any]] = []
    if cohort.has_unassigned:
        rows += session.execute(_due_where(is_queued_unassigned(cohort), now, size))
    if len(rows) < size:
        rows += session.execute(_due_where(is_queued_in(cohort), now, size - len(rows)))
    return rows


def _due_where(is_queued: ColumnElement[bool], now: datetime, size: int) -> Any:
    return (
        select(
            Recipient.id,
            Recipient.contact_id,
            Recipient.person_key,
            Recipient.source_values,
            Recipient.attempts,
            Recipient.failures,
            Recipient.endpoint,
            Contact.phone,
        )
        .join(Contact, Contact.id == Recipient.contact_id)
        .where(is_queued, Recipient.due_at <= now)
        .order_by(Recipient.due_at, Recipient.id)
        .limit(size)
        .with_for_update(of=Recipient, skip_locked=True)
    )


def _identities(session: Session, portfolio_id: int, contact_ids: Sequence[int]) -> dict[int, str]:
    """The BSUID by contact id, for contacts without a phone."""
    if not contact_ids:
        return {}
    query = select(ContactIdentity.contact_id, ContactIdentity.bsuid).where(
        ContactIdentity.portfolio_id == portfolio_id, ContactIdentity.contact_id.in_(contact_ids)
    )
    return {row.contact_id: row.bsuid for row in session.execute(query)}


@dataclass(frozen=True, slots=True)
class _Fit:
    """What a recipient's row is held against: the BSUIDs of those without a phone, the values that can be sent, the route."""

    identities: Mapping[int, str]
    sent_values: SentValues
    needs_phone: bool


def _fitting(
    row: Row[Any], refusal: tuple[NotSent, str | None] | None, fit: _Fit, left_out: _LeftOut
) -> Mapping[str, Any] | None:
    """The values that are sent; None if the row is left out."""
    if refusal is not None:
        left_out.add(row, *refusal)
        return None
    if not row.phone and row.contact_id not in fit.identities:
        left_out.add(row, NotSent.INVALID_PHONE, None)
        return None
    values, problem = fit.sent_values.read(row.source_values or {})
    if problem is not None:
        left_out.add(row, NotSent.BAD_VALUE, problem.stored())
        return None
    if fit.needs_phone and not row.phone:
        left_out.add(row, NotSent.NO_PHONE_FOR_MAX_PRICE, None)
        return None
    return values


def _leave_out(session: Session, campaign_id: int, left_out: _LeftOut, retried: Collection[int], now: datetime) -> None:
    """Mark each row as `not_sent` with its reason, and release its person for other campaigns at once.

    One that waited for another try shows the one before again; if that is unsure, the person stays engaged.
    """
    again = [row.id for row in left_out.people if row.id in retried]
    taken = take_back(session, again, not_before=now + NOT_AGAIN_FOR) if again else []
    held = {item.recipient_id for item in taken if item.status == "unsure"}
    for (reason, detail), ids in left_out.ids.items():
        session.execute(
            update(Recipient)
            .where(Recipient.id.in_(ids), QUEUED)
            .values(state=RecipientState.NOT_SENT, reason=reason, detail=detail),
            execution_options=NO_SYNC,
        )
    release_engagements(session, campaign_id, [row.person_key for row in left_out.people if row.id not in held])


def _mark_sending(
    session: Session, lane_id: int, cohort: Cohort, ids: Sequence[int], now: datetime, route: SendRoute
) -> set[int]:
    if not ids:
        return set()
    assigned: dict[str, Any] = {"cohort_id": cohort.id} if cohort.has_unassigned else {}
    # Committed before the request: whoever finds the row knows which endpoint may have the message.
    endpoint: Any = route.endpoint
    if route.may_fall_back:
        fell_back = Recipient.endpoint == SendEndpoint.FALLBACK
        endpoint = case((fell_back, SendEndpoint.FALLBACK.value), else_=route.endpoint.value)
    statement = (
        update(Recipient)
        .where(Recipient.id.in_(ids), QUEUED)
        .values(
            state=RecipientState.SENDING,
            lane_id=lane_id,
            attempts=Recipient.attempts + 1,
            claimed_at=now,
            endpoint=endpoint,
            **assigned,
        )
        .returning(Recipient.id)
    )
    return set(session.scalars(statement, execution_options=NO_SYNC))


def release_engagements(session: Session, campaign_id: int, person_keys: Sequence[str]) -> None:
    """Delete the campaign's engagements of these people."""
    if person_keys:
        session.execute(
            delete(Engagement).where(
                Engagement.campaign_id == campaign_id, Engagement.person_key.in_(sorted(person_keys))
            ),
            execution_options=NO_SYNC,
        )
