"""Applies side effects of statuses: undeliverable counts, marketing stops, and released engagements."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from models.campaigns.failures import NewFailure
from models.contacts.consent import stop_marketing
from models.events.statuses.fold import StatusFacts
from models.sending.claim import release_engagements
from models.tables.audit import META, AuditAction, record_audit
from models.tables.contact import Contact
from models.tables.contact_alias import ContactAlias

UNDELIVERABLE = 131026
MARKETING_STOPPED = 131050
CHUNK = 5_000  # bound parameters of one statement: SQLite allows 32,766


class Applicable(NamedTuple):
    """A row as it was before the batch, and the facts of the batch about it."""

    row: Row[Any]
    facts: StatusFacts


def apply_effects(
    session: Session, applied: Sequence[Applicable], now: datetime, *, is_last_try: bool = True
) -> list[NewFailure]:
    """Apply the effects for recipients; return the new failures. A repeated status has no second effect.

    The failure of an earlier try releases nobody (`is_last_try`): the recipient is engaged for the next one.
    """
    failed = [item for item in applied if item.facts.failure is not None and not item.row.has_failed]
    lost = [item for item in failed if not item.facts.is_received and not item.row.was_received]
    undeliverable = [item.row for item in lost if _code(item) == UNDELIVERABLE]
    count_undeliverable(session, [(row.contact_id, row.person_key) for row in undeliverable])
    for item in failed:
        if _code(item) == MARKETING_STOPPED:
            record_marketing_stop(session, item.row.contact_id, item.facts.failed_at or now, now)
    if is_last_try:
        _release(session, lost)
    clear_undeliverable(session, [item.row.contact_id for item in applied if item.facts.is_received])
    return [
        NewFailure(
            item.row.campaign_id,
            item.row.recipient_id,
            item.row.contact_id,
            _code(item) or 0,
            item.facts.failed_at or now,
        )
        for item in failed
    ]


def record_marketing_stop(session: Session, contact_id: int, meta_at: datetime, now: datetime) -> None:
    """Store a marketing stop after error 131050 (docs/meta.md §3.2), and record it in the audit if it is new."""
    if stop_marketing(session, contact_id, meta_at):
        said_at = meta_at.isoformat()
        record_audit(
            session,
            now,
            META,
            AuditAction.MARKETING_STOP,
            "contact",
            contact_id,
            code=MARKETING_STOPPED,
            said_at=said_at,
        )


def count_undeliverable(session: Session, written_to: Iterable[tuple[int, str]]) -> None:
    """Count an error 131026 (docs/meta.md §3.2) for each (contact id, person_key) in `written_to`, repeated ones included.

    An error for a number that the contact had before is not counted: it says nothing about the current number.
    """
    pairs = sorted(written_to)
    for start in range(0, len(pairs), CHUNK):
        chunk = pairs[start : start + CHUNK]
        locked = (
            select(Contact.id, Contact.phone)
            .where(Contact.id.in_({contact_id for contact_id, _ in chunk}))
            .order_by(Contact.id)
            .with_for_update()
        )
        phones = {row.id: row.phone or "" for row in session.execute(locked)}
        aliases = select(ContactAlias.contact_id, ContactAlias.key, ContactAlias.shown).where(
            ContactAlias.key.in_({person_key for _, person_key in chunk})
        )
        earlier = {
            (row.contact_id, row.key) for row in session.execute(aliases) if row.shown != phones.get(row.contact_id)
        }
        times = Counter(contact_id for contact_id, person_key in chunk if (contact_id, person_key) not in earlier)
        for count in sorted(set(times.values())):
            session.execute(
                update(Contact)
                .where(Contact.id.in_([contact_id for contact_id, number in times.items() if number == count]))
                .values(undeliverable_count=Contact.undeliverable_count + count)
                .execution_options(synchronize_session=False)
            )


def clear_undeliverable(session: Session, contact_ids: Iterable[int]) -> None:
    """Reset the undeliverable count of contacts who received a message or wrote: they are on WhatsApp."""
    ids = sorted(set(contact_ids))
    for start in range(0, len(ids), CHUNK):
        counted = (
            select(Contact.id)
            .where(Contact.id.in_(ids[start : start + CHUNK]), Contact.undeliverable_count > 0)
            .order_by(Contact.id)
            .with_for_update()
        )
        affected_ids = session.scalars(counted).all()
        if affected_ids:
            session.execute(
                update(Contact)
                .where(Contact.id.in_(affected_ids))
                .values(undeliverable_count=0)
                .execution_options(synchronize_session=False)
            )


def _code(item: Applicable) -> int | None:
    return item.facts.failure.code if item.facts.failure else None


def _release(session: Session, lost: Sequence[Applicable]) -> None:
    """Release the engagements of people who received nothing, so that other campaigns can include them at once."""
    people: dict[int, list[str]] = {}
    for item in lost:
        people.setdefault(item.row.campaign_id, []).append(item.row.person_key)
    for campaign_id in sorted(people):
        for start in range(0, len(people[campaign_id]), CHUNK):
            release_engagements(session, campaign_id, people[campaign_id][start : start + CHUNK])
