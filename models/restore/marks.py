"""What must not be forgotten with a lost database: who unsubscribed and who was redacted. Outside there are only keyed hashes.

The marks are kept by jobs.restore.marks. A database that was put back applies them before anything of it goes on.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.contacts.consent import opt_out
from models.crypto import Vault
from models.privacy.mentions import Mentions
from models.privacy.person_keys import keys_of
from models.privacy.redact import redact_person, suppress
from models.tables.audit import MONITOR
from models.tables.contact import Consent, ConsentEvent, Contact, Suppression
from models.tables.database_hold import DatabaseHold

KEEP = timedelta(days=90)
SLICE_SIZE = 2_000
SOURCE = "kept outside of a database that was lost"
REASON = "redacted before the database was put back"


class ConsentMark(NamedTuple):
    """One change of consent: `is_stop` if the person is unsubscribed since then."""

    event_id: int
    person_hash: str
    at: datetime
    is_stop: bool


def latest_hold_id(session: Session) -> int:
    """0 if there never was one. With each hold the ids of rows begin anew, and so does whoever follows them."""
    return session.scalar(select(func.max(DatabaseHold.id))) or 0


def newest_marks(session: Session, after_consent: int, after_suppression: int) -> str:
    """How many rows there are after these ids, and which: it changes with every row that is added, in whatever order of ids."""
    counts = [
        session.execute(select(func.count(), func.max(table.id)).where(table.id > after)).one()
        for table, after in ((ConsentEvent, after_consent), (Suppression, after_suppression))
    ]
    return f"{latest_hold_id(session)}:{after_consent}:{after_suppression}:{[tuple(row) for row in counts]}"


def consent_marks(session: Session, vault: Vault, after_id: int, now: datetime, limit: int) -> list[ConsentMark]:
    """Changes of consent of the last KEEP, in the order of their ids."""
    rows = session.execute(
        select(ConsentEvent.id, ConsentEvent.after, ConsentEvent.at, Contact.person_key)
        .join(Contact, Contact.id == ConsentEvent.contact_id)
        .where(
            ConsentEvent.id > after_id,
            ConsentEvent.at > now - KEEP,
            ConsentEvent.after.in_([Consent.UNSUBSCRIBED, Consent.SUBSCRIBED]),
            Contact.redacted_at.is_(None),
        )
        .order_by(ConsentEvent.id)
        .limit(limit)
    )
    return [
        ConsentMark(row.id, vault.person_hash(row.person_key), row.at, row.after is Consent.UNSUBSCRIBED)
        for row in rows
    ]


def suppression_marks(session: Session, after_id: int, limit: int) -> Sequence[tuple[int, str]]:
    """(id, person hash) of the people who never get a message again, in the order of their ids."""
    query = select(Suppression.id, Suppression.person_hash).where(Suppression.id > after_id)
    return [(row.id, row.person_hash) for row in session.execute(query.order_by(Suppression.id).limit(limit))]


def all_suppressed(session: Session) -> set[str]:
    """Every mark of the database."""
    return set(session.scalars(select(Suppression.person_hash)))


def newest_suppression(session: Session) -> int:
    """The id of the newest mark, 0 without any."""
    return session.scalar(select(func.max(Suppression.id))) or 0


def newest_suppressed(session: Session, limit: int) -> set[str]:
    """The newest marks of the database."""
    return set(session.scalars(select(Suppression.person_hash).order_by(Suppression.id.desc()).limit(limit)))


def suppress_again(session: Session, hashes: Set[str], now: datetime) -> None:
    """Take marks that were kept outside into the database."""
    suppress(session, sorted(hashes), REASON, now)


def redact_slice(
    session: Session, vault: Vault, redacted: Set[str], after_id: int, now: datetime
) -> tuple[int | None, list[Mentions]]:
    """Redact whom these marks name among the next SLICE_SIZE contacts after `after_id`, by any key of theirs.

    Returns the id to go on after, None at the end, and what names those who were redacted.
    """
    keys = keys_of(session, _next_contacts(session, after_id))
    wiped = [
        _redact(session, contact_id, vault, now)
        for contact_id, names in keys.items()
        if not redacted.isdisjoint(_hashes(vault, names))
    ]
    return (max(keys) if len(keys) == SLICE_SIZE else None), [mentions for mentions in wiped if mentions is not None]


def apply_marks(
    session: Session, hold: DatabaseHold, vault: Vault, stops: Mapping[str, float], redacted: Set[str], now: datetime
) -> list[Mentions]:
    """Unsubscribe and redact again whom the marks name among the next SLICE_SIZE contacts; at the end the hold has `marks_done_at`.

    Returns what names those who were redacted. `stops`: person hash → Unix seconds of the opt-out. One that is older than an opt-in
    of the copy changes nothing.
    """
    if hold.marks_cursor == 0:
        suppress(session, sorted(redacted), REASON, now)
    rows = _next_contacts(session, hold.marks_cursor)
    known = [(row.id, row.consent) for row in rows]  # a redaction expires the rows
    keys = keys_of(session, rows)
    wiped: list[Mentions] = []
    for contact_id, consent in known:
        hashes = _hashes(vault, keys[contact_id])
        stopped = [stops[hashed] for hashed in hashes if hashed in stops]
        if not redacted.isdisjoint(hashes):
            mentions = _redact(session, contact_id, vault, now)
            wiped += [mentions] if mentions is not None else []
        elif stopped and consent is not Consent.UNSUBSCRIBED:
            opt_out(session, contact_id, datetime.fromtimestamp(max(stopped), UTC), SOURCE)
    if rows:
        hold.marks_cursor = known[-1][0]
    if len(rows) < SLICE_SIZE:
        hold.marks_done_at = now
    return wiped


def _next_contacts(session: Session, after_id: int) -> Sequence[Contact]:
    is_somebody = (Contact.redacted_at.is_(None), Contact.merged_into_id.is_(None))
    return session.scalars(
        select(Contact).where(Contact.id > after_id, *is_somebody).order_by(Contact.id).limit(SLICE_SIZE)
    ).all()


def _hashes(vault: Vault, keys: Iterable[str]) -> set[str]:
    """Every mark that somebody with these keys may have."""
    return {hashed for key in keys for hashed in vault.person_hashes(key)}


def _redact(session: Session, contact_id: int, vault: Vault, now: datetime) -> Mentions | None:
    return redact_person(session, contact_id, vault, now, MONITOR, REASON)
