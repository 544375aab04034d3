"""Changes the consent of contacts by a table of allowed transitions, and records each change in a ledger.

A change is one row of `consent_event`, which is never altered. When a contact is no longer subscribed, the same transaction
cancels their queued recipients in every campaign.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, delete, exists, or_, select, text, tuple_, update
from sqlalchemy.orm import Session

from models.db.bulk import values_cte
from models.errors import OperatorError
from models.stored_texts import CONSENT_CHANGED, UNSUBSCRIBED
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.engagement import Engagement
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.text import Text
from models.tries.rows import queued_again, take_back

CHUNK = 500
EVENT_COLUMNS = {
    "contact_id": "bigint",
    "before": "text",
    "after": "text",
    "at": "timestamptz",
    "source": "text",
    "proof": "text",
    "actor": "text",
}
PERSON = "person"
"""The actor of an event that the person caused. START and STOP are compared with such events alone, by their times."""


MESSAGE_PROOF = "message "
"""Begins the proof of a change that a message made; the wamid follows."""


class Authority(StrEnum):
    """Who asks for a change of consent."""

    PERSON = "person"
    """The contact: a STOP or START, or the confirmation of a double opt-in."""
    OPERATOR = "operator"
    """A user of the panel, the API, or a shop's customer record."""
    IMPORT = "import"
    SYSTEM = "system"
    """Hark itself: an invalid number, a redaction."""


class ConsentError(OperatorError):
    """The change is never allowed. The message is one sentence."""


C = Consent
_SYSTEM = frozenset({C.INVALID, C.REDACTED})

ALLOWED: Mapping[Consent, Mapping[Authority, frozenset[Consent]]] = {
    # before: {who asks: the allowed new values}; every other change is ignored
    C.UNKNOWN: {
        Authority.PERSON: frozenset({C.SUBSCRIBED, C.PENDING, C.UNSUBSCRIBED}),
        Authority.OPERATOR: frozenset({C.SUBSCRIBED, C.PENDING, C.NOT_SUBSCRIBED, C.UNSUBSCRIBED, C.INVALID}),
        Authority.IMPORT: frozenset({C.SUBSCRIBED, C.PENDING, C.NOT_SUBSCRIBED, C.UNSUBSCRIBED, C.INVALID}),
        Authority.SYSTEM: _SYSTEM,
    },
    C.NOT_SUBSCRIBED: {
        Authority.PERSON: frozenset({C.SUBSCRIBED, C.PENDING, C.UNSUBSCRIBED}),
        Authority.OPERATOR: frozenset({C.SUBSCRIBED, C.PENDING, C.UNSUBSCRIBED, C.INVALID}),
        Authority.IMPORT: frozenset({C.SUBSCRIBED, C.PENDING, C.UNSUBSCRIBED, C.INVALID}),
        Authority.SYSTEM: _SYSTEM,
    },
    C.PENDING: {
        Authority.PERSON: frozenset({C.SUBSCRIBED, C.NOT_SUBSCRIBED, C.UNSUBSCRIBED}),
        Authority.OPERATOR: frozenset({C.SUBSCRIBED, C.NOT_SUBSCRIBED, C.UNSUBSCRIBED, C.INVALID}),
        Authority.IMPORT: frozenset({C.SUBSCRIBED, C.NOT_SUBSCRIBED, C.UNSUBSCRIBED, C.INVALID}),
        Authority.SYSTEM: _SYSTEM | {C.NOT_SUBSCRIBED},
    },
    C.SUBSCRIBED: {
        Authority.PERSON: frozenset({C.UNSUBSCRIBED, C.NOT_SUBSCRIBED}),
        Authority.OPERATOR: frozenset({C.UNSUBSCRIBED, C.NOT_SUBSCRIBED, C.INVALID}),
        Authority.IMPORT: frozenset({C.UNSUBSCRIBED, C.NOT_SUBSCRIBED, C.INVALID}),
        Authority.SYSTEM: _SYSTEM,
    },
    C.UNSUBSCRIBED: {
        # Nobody but the person may subscribe them again.
        Authority.PERSON: frozenset({C.SUBSCRIBED, C.PENDING}),
        Authority.SYSTEM: frozenset({C.REDACTED}),
    },
    C.INVALID: {
        Authority.PERSON: frozenset({C.SUBSCRIBED, C.PENDING, C.UNSUBSCRIBED}),
        Authority.OPERATOR: frozenset({C.UNKNOWN, C.NOT_SUBSCRIBED, C.UNSUBSCRIBED}),
        Authority.IMPORT: frozenset({C.UNSUBSCRIBED}),
        Authority.SYSTEM: frozenset({C.REDACTED}),
    },
    C.REDACTED: {},
}


def is_allowed(before: Consent, after: Consent, by: Authority) -> bool:
    """Whether `by` may make the change. False for the same value: it is no change."""
    return after in ALLOWED[before].get(by, frozenset())


def set_consent(
    session: Session,
    contact_ids: Iterable[int],
    after: Consent,
    now: datetime,
    *,
    source: str,
    proof: str | None = None,
    actor: str = "",
    by: Authority = Authority.OPERATOR,
) -> int:
    """Change the consent of the contacts for which it is allowed; return how many changed.

    `now` is the moment of the change itself (Meta's time of a STOP). Raises ConsentError if `subscribed` comes without a
    source, or if `after` is `redacted`, which only models.privacy.redact sets.
    """
    if after is Consent.REDACTED:
        raise ConsentError("consent becomes 'redacted' by redacting the person alone")
    if after is Consent.SUBSCRIBED and not source.strip():
        raise ConsentError("consent 'subscribed' needs its source: where and how the person agreed")
    ids = sorted(set(contact_ids))
    changed = 0
    for start in range(0, len(ids), CHUNK):
        rows = session.execute(
            select(Contact.id, Contact.consent)
            .where(Contact.id.in_(ids[start : start + CHUNK]), Contact.merged_into_id.is_(None))
            .order_by(Contact.id)
            .with_for_update()
        )
        before = {row.id: row.consent for row in rows if is_allowed(row.consent, after, by)}
        changed += len(before)
        if before:
            _write_consent(session, before, after, now)
            details = {"after": after, "at": now, "source": source[:200], "proof": proof, "actor": actor}
            append_events(session, [{"contact_id": key, "before": value, **details} for key, value in before.items()])
    return changed


def opt_out(session: Session, contact_id: int, at: datetime, source: str, proof: str | None = None) -> bool:
    """Unsubscribe a person who wrote STOP at `at` (Meta's time). Return whether the consent changed.

    Their queued recipients are cancelled in either case. A late STOP that is older than a START of theirs changes nothing.
    """
    if _has_later_event(session, contact_id, Consent.SUBSCRIBED, at):
        return False
    changed = set_consent(
        session, [contact_id], Consent.UNSUBSCRIBED, at, source=source, proof=proof, actor=PERSON, by=Authority.PERSON
    )
    if not changed:
        cancel_queued(session, [contact_id], UNSUBSCRIBED())
    return bool(changed)


def opt_in(session: Session, contact_id: int, at: datetime, source: str, proof: str | None = None) -> bool:
    """Subscribe a person who wrote START at `at`, or confirmed a double opt-in. Return whether the consent changed.

    A late START that is older than a STOP of theirs changes nothing.
    """
    if _has_later_event(session, contact_id, Consent.UNSUBSCRIBED, at):
        return False
    return bool(
        set_consent(
            session, [contact_id], Consent.SUBSCRIBED, at, source=source, proof=proof, actor=PERSON, by=Authority.PERSON
        )
    )


def opt_in_again(session: Session, contact_id: int, at: datetime, source: str, proof: str | None = None) -> bool:
    """Apply a START of a person who had stopped, or whose opt-in is pending. Return whether the person is one of them.

    A START of anybody else is an ordinary word, since they were never asked: their consent stays.
    """
    consent = session.scalar(select(Contact.consent).where(Contact.id == contact_id))
    if consent not in {Consent.UNSUBSCRIBED, Consent.PENDING}:
        return False
    opt_in(session, contact_id, at, source, proof)
    return True


def stop_marketing(session: Session, contact_id: int, meta_at: datetime) -> bool:
    """Store Meta's own marketing stop (`docs/meta.md` §7.8). Return False if a newer preference is stored already."""
    is_newest = or_(Contact.marketing_preference_at.is_(None), Contact.marketing_preference_at <= meta_at)
    return _set_preference(
        session, contact_id, is_newest, marketing_stopped_at=meta_at, marketing_preference_at=meta_at
    )


def resume_marketing(session: Session, contact_id: int, meta_at: datetime) -> bool:
    """Remove Meta's marketing stop, and leave consent alone. Return False if a preference of the same time or later is stored."""
    is_newest = or_(Contact.marketing_preference_at.is_(None), Contact.marketing_preference_at < meta_at)
    return _set_preference(session, contact_id, is_newest, marketing_stopped_at=None, marketing_preference_at=meta_at)


def cancel_queued(session: Session, contact_ids: Iterable[int], detail: Text) -> int:
    """Mark the queued recipients of these contacts as not sent, in every campaign, and delete their engagements.

    One that waits for another try shows the one before instead. Return how many recipients were cancelled.
    """
    contact_ids = list(contact_ids)
    take_back(session, queued_again(session, Recipient.contact_id.in_(contact_ids)))
    cancelled = session.execute(
        update(Recipient)
        .where(Recipient.contact_id.in_(contact_ids), Recipient.state == RecipientState.QUEUED)
        .values(state=RecipientState.NOT_SENT, reason=NotSent.NOT_SUBSCRIBED, detail=detail.stored())
        .returning(Recipient.campaign_id, Recipient.person_key)
        .execution_options(synchronize_session=False)
    ).all()
    for start in range(0, len(cancelled), CHUNK):
        pairs = [(row.campaign_id, row.person_key) for row in cancelled[start : start + CHUNK]]
        session.execute(
            delete(Engagement)
            .where(tuple_(Engagement.campaign_id, Engagement.person_key).in_(pairs))
            .execution_options(synchronize_session=False)
        )
    return len(cancelled)


def append_events(session: Session, events: list[dict[str, Any]]) -> None:
    """Append rows of EVENT_COLUMNS to the ledger, for callers that write the consent themselves: imports, merges, redactions."""
    if events:
        rows = [[_plain(event.get(name)) for name in EVENT_COLUMNS] for event in events]
        values_sql, parameters = values_cte(session, "v", EVENT_COLUMNS, rows)
        names = ", ".join(EVENT_COLUMNS)
        statement = f"WITH {values_sql} INSERT INTO consent_event ({names}) SELECT {names} FROM v"  # noqa: S608 - fixed names
        session.connection().execute(text(statement), parameters)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Consent) else value


def _write_consent(session: Session, before: Mapping[int, Consent], after: Consent, now: datetime) -> None:
    session.execute(update(Contact).where(Contact.id.in_(before)).values(consent=after, consent_at=now, updated_at=now))
    if after is not Consent.SUBSCRIBED:
        cancel_queued(session, before, CONSENT_CHANGED(consent=after.value))


def _has_later_event(session: Session, contact_id: int, after: Consent, at: datetime) -> bool:
    """Whether the person changed their own consent to `after` later than `at`."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    ConsentEvent.contact_id == contact_id,
                    ConsentEvent.actor == PERSON,
                    ConsentEvent.after == after,
                    ConsentEvent.at > at,
                )
            )
        )
    )


def _set_preference(session: Session, contact_id: int, is_newest: Any, **values: datetime | None) -> bool:
    updated = session.execute(
        update(Contact).where(and_(Contact.id == contact_id, is_newest)).values(**values).returning(Contact.id)
    )
    return updated.first() is not None
