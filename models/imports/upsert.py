"""Taking rows of a file into the contact book, a chunk at a time: what is there already, what is new, what changes.

One chunk is a handful of set-based statements. A dry run goes the same way and writes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.consent import Authority, append_events, cancel_queued, is_allowed
from models.contacts.field_values import PROFILE_FIELDS
from models.contacts.joined_name import joined_name, whole_name
from models.contacts.lookup import read_phone_index
from models.contacts.person_key import person_key
from models.contacts.resolve import lock_identities
from models.contacts.tag_names import find_tag_ids
from models.contacts.tagging import TaggedRow, tag_ids
from models.crypto import Vault
from models.db.bulk import among
from models.imports.contact_row import ImportRow
from models.imports.diff import MAX_TOLD, describe_change
from models.imports.upsert_sql import WRITTEN, Record, insert_contacts, update_contacts, upsert_tags
from models.stored_texts import CONSENT_IMPORTED
from models.tables.contact import Consent, PhoneProblem, Suppression
from models.tables.tag import ContactTag

STAYS_OUT = "this person was redacted and stays out"


@dataclass(slots=True)
class UpsertTally:
    """What became of the rows."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    """(line, reason)"""
    told: list[tuple[int, str]] = field(default_factory=list)
    """(line, what would change) of the first rows that a dry run would change."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the rows come from: the file's name and the person who gave it."""

    file: str
    actor: str
    vault: Vault


@dataclass(slots=True)
class _Plan:
    """What a chunk comes to."""

    new: list[Record] = field(default_factory=list)
    changed: dict[int, Record] = field(default_factory=dict)
    lowered: set[int] = field(default_factory=set)
    events: list[tuple[Record, dict[str, Any]]] = field(default_factory=list)
    tags: list[tuple[Record, int, str | None]] = field(default_factory=list)


def upsert_rows(
    session: Session, rows: Sequence[ImportRow], now: datetime, origin: Origin, *, dry_run: bool = False
) -> UpsertTally:
    """Take rows of different people. Raises nothing over a single row; what is refused stands in the tally."""
    tally = UpsertTally()
    if not dry_run:
        lock_identities(session)
    book = read_phone_index(session, rows, WRITTEN, lock=not dry_run)  # first: it waits for whoever is being wiped
    rows = _not_suppressed(session, rows, origin.vault, tally)
    ids = _tags_of(session, rows, now, dry_run=dry_run)
    held = _held_tags(session, book.ids)
    plan = _Plan()
    for row in rows:
        record = book.find(row)
        if record is None:
            record = _new_record(row, now)
            book.add(record)
            plan.new.append(record)
            tally.created += 1
            _plan_consent(plan, record, row, None, now, origin)
            _plan_tags(plan, record, row, ids, {})
            continue
        mine, fills = held.get(record["id"], {}), book.is_former(row)
        before = dict(record) if dry_run and len(tally.told) < MAX_TOLD else None
        if _plan_change(plan, record, row, now, origin, fills=fills) | _plan_tags(
            plan, record, row, ids, mine, fills=fills
        ):
            tally.updated += 1
            if before is not None:
                tally.told.append((row.line, describe_change(before, record, row, ids, mine)))
        else:
            tally.unchanged += 1
    if not dry_run:
        _write(session, plan, now)
    return tally


def match_rows(session: Session, rows: Sequence[ImportRow], *, lock: bool = False) -> dict[int, int]:
    """The contacts that rows mean: line → contact id, where there is one. `lock`: nobody merges or wipes them until the end."""
    book = read_phone_index(session, rows, lock=lock)
    return {row.line: record["id"] for row in rows if (record := book.find(row)) is not None}


def _not_suppressed(session: Session, rows: Sequence[ImportRow], vault: Vault, tally: UpsertTally) -> list[ImportRow]:
    """Rows of redacted people are refused, by the keyed hash that is all that is left of them."""
    if session.scalar(select(Suppression.id).limit(1)) is None:
        return list(rows)
    hashes = {hashed: row for row in rows for key in _spellings(row) for hashed in vault.person_hashes(key)}
    gone = set(session.scalars(select(Suppression.person_hash).where(among(session, Suppression.person_hash, hashes))))
    lines = {hashes[found].line for found in gone}
    tally.refused += [(line, STAYS_OUT) for line in sorted(lines)]
    return [row for row in rows if row.line not in lines]


def _spellings(row: ImportRow) -> set[str]:
    """The keys under which the row's person may have been wiped: another file may have given the number with its calling code, or
    without the plus that shows one."""
    digits = row.given.lstrip("+")
    return {row.key, f"raw:{digits}", person_key(wa_id=digits)} if digits else {row.key}


def _tags_of(session: Session, rows: Iterable[ImportRow], now: datetime, *, dry_run: bool) -> dict[str, int]:
    names = {name for row in rows for name in row.tags}
    if not names:
        return {}
    if not dry_run:
        return tag_ids(session, names, now)
    return find_tag_ids(session, names)


def _held_tags(session: Session, ids: set[int]) -> dict[int, dict[int, str | None]]:
    held: dict[int, dict[int, str | None]] = {}
    if ids:
        query = select(ContactTag.contact_id, ContactTag.tag_id, ContactTag.value)
        for contact_id, tag_id, value in session.execute(query.where(among(session, ContactTag.contact_id, ids))):
            held.setdefault(contact_id, {})[tag_id] = value
    return held


def _new_record(row: ImportRow, now: datetime) -> Record:
    record: Record = dict.fromkeys(PROFILE_FIELDS)
    return record | {
        "id": None,
        "name": whole_name(row.fields.get("first_name"), row.fields.get("last_name")),
        "country": row.country,
        **row.fields,
        "phone": row.e164,
        "raw_phone": None if row.e164 else row.stored,
        "phone_problem": PhoneProblem(row.problem) if row.problem else None,
        "person_key": row.key,
        "attributes": dict(row.attributes),
        "consent": Consent.UNKNOWN,
        "consent_at": None,
        "has_identity": False,
        "undeliverable_count": 0,
        "created_at": now,
        "updated_at": now,
    }


def _plan_change(
    plan: _Plan, record: Record, row: ImportRow, now: datetime, origin: Origin, *, fills: bool = False
) -> bool:
    """A row that names a number which the person had before `fills` what they lack, and changes nothing that they have."""
    new: Record = {
        name: value for name, value in row.fields.items() if record[name] != value and not (fills and record[name])
    }
    if not row.fields.get("name") and (joined := _joined_name(record, new)) != record["name"]:
        new["name"] = joined
    attributes = row.attributes | record["attributes"] if fills else record["attributes"] | row.attributes
    if attributes != record["attributes"]:
        new["attributes"] = attributes
    if not fills:
        new |= _number_of(record, row, new.get("country"))
    record.update(new)
    # Of a former number only that they left counts: it may be somebody else's by now.
    is_heard = not fills or row.consent == Consent.UNSUBSCRIBED
    changes_consent = is_heard and _plan_consent(plan, record, row, record["consent"], now, origin)
    if (new or changes_consent) and record["id"] is not None:
        plan.changed[record["id"]] = record
    return bool(new) or changes_consent


def _joined_name(record: Record, new: Record) -> str:
    first, last = record["first_name"], record["last_name"]
    return joined_name(record["name"], (first, last), (new.get("first_name", first), new.get("last_name", last)))


def _number_of(record: Record, row: ImportRow, country: str | None) -> Record:
    """A number that can be read now, or whose problem is another."""
    if row.e164 and not record["phone"] and record["raw_phone"]:
        new: Record = {"phone": row.e164, "raw_phone": None, "phone_problem": None, "person_key": row.key}
        return new | {"country": country or record["country"] or row.country}
    if row.problem and not record["phone"] and row.problem != record["phone_problem"]:
        return {"phone_problem": PhoneProblem(row.problem)}
    return {}


def _plan_consent(
    plan: _Plan, record: Record, row: ImportRow, before: Consent | None, now: datetime, origin: Origin
) -> bool:
    """An import raises nobody who left, is invalid or redacted: the row is taken, the consent stays."""
    if row.consent is None:
        return False
    after = Consent(row.consent)
    if before is not None and not is_allowed(before, after, Authority.IMPORT):
        return False
    record |= {"consent": after, "consent_at": now}
    if before is not None and after is not Consent.SUBSCRIBED and record["id"] is not None:
        plan.lowered.add(record["id"])
    event = {"before": before, "after": after, "at": now, "source": row.source or "import", "actor": origin.actor}
    plan.events.append((record, event | {"proof": f"{origin.file} line {row.line}"}))
    return True


def _plan_tags(
    plan: _Plan,
    record: Record,
    row: ImportRow,
    ids: Mapping[str, int],
    held: Mapping[int, str | None],
    *,
    fills: bool = False,
) -> bool:
    """A tag without a value leaves the value that the contact's has."""
    changes = False
    for name, value in row.tags.items():
        tag_id = ids.get(name, 0)
        if tag_id in held and (value is None or held[tag_id] == value or (fills and held[tag_id] is not None)):
            continue
        plan.tags.append((record, tag_id, value))
        changes = True
    return changes


def _write(session: Session, plan: _Plan, now: datetime) -> None:
    if plan.new:
        insert_contacts(session, plan.new, now)
    if plan.changed:
        update_contacts(session, list(plan.changed.values()), now)
    append_events(session, [event | {"contact_id": record["id"]} for record, event in plan.events])
    tagged: dict[tuple[int, int], TaggedRow] = {}
    for record, tag_id, value in plan.tags:
        tagged[record["id"], tag_id] = (record["id"], tag_id, value)
    upsert_tags(session, list(tagged.values()), now)
    if plan.lowered:
        cancel_queued(session, plan.lowered, CONSENT_IMPORTED())
