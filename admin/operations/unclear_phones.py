"""Settles numbers that lost their plus on behalf of an operator: a whole group, or one contact."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.contacts.phone import is_country
from models.contacts.unclear_phones import (
    INTERNATIONAL,
    MendTally,
    Reading,
    UnclearGroup,
    UnclearPhone,
    collisions_of,
    settle_unclear,
    unclear_groups,
    unclear_phones,
)
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit

BATCH = 100
"""Contacts of one transaction, which takes some 50 ms."""
MAX_GROUPED = 20_000
"""People whom the list of groups counts."""


def list_groups(rt: Runtime) -> tuple[list[UnclearGroup], bool]:
    """The groups, the largest first, and whether everybody was counted."""
    with rt.database.read() as session:
        return unclear_groups(session, rt.settings.default_country, MAX_GROUPED)


def list_members(
    rt: Runtime, group: str, after: str, most: int
) -> tuple[list[UnclearPhone], dict[tuple[int, str], int]]:
    """A page of a group's people, and which reading of whom another contact has: (contact id, reading) → that contact's id."""
    with rt.database.read() as session:
        people = unclear_phones(session, rt.settings.default_country, after)
        members = list(islice((person for person in people if person.group == group), most))
        readings = [(person.id, e164) for person in members for e164 in person.readings]
        collisions = collisions_of(session, readings) if readings else []
    return members, {(found.contact_id, found.phone): found.other_id for found in collisions}


def read_reading(kind: str, country: str | None) -> Reading:
    """What an operator says: `international`, or `national` with a country. Raises OperatorError if it is neither."""
    if kind == "international":
        return INTERNATIONAL
    if kind != "national":
        raise OperatorError("{kind}: allowed are international and national", kind=kind[:40])
    code = (country or "").strip().upper()
    if not is_country(code):
        raise OperatorError("country: {code} is no two-letter code such as ES", code=repr(code[:40]))
    return Reading(code)


def mend_group(
    rt: Runtime, group: str, reading: Reading, actor: str, *, dry_run: bool = False, most: int | None = None
) -> MendTally:
    """Settle everybody in a group, in batches; at most the first `most`. In a dry run nothing is changed.

    Raises OperatorError if there is no such group.
    """
    with rt.database.read() as session:
        members = (
            person.id for person in unclear_phones(session, rt.settings.default_country) if person.group == group
        )
        ids = list(islice(members, most))
    if not ids:
        raise OperatorError("group {group}: there is nobody in it", group=group[:40])
    return _mend(rt, ids, reading, actor, dry_run=dry_run, group=group)


def mend_one(rt: Runtime, contact_id: int, reading: Reading, actor: str) -> MendTally:
    """Settle one contact. Raises OperatorError if its number is not unclear any more, or cannot be read so."""
    tally = _mend(rt, [contact_id], reading, actor)
    if tally.impossible:
        raise OperatorError("contact {contact_id}: the number is not possible so", contact_id=contact_id)
    if tally.redacted:
        raise OperatorError("contact {contact_id}: this person was redacted and stays out", contact_id=contact_id)
    if not tally.mended and not tally.collisions:
        raise OperatorError("contact {contact_id}: its number is not unclear any more", contact_id=contact_id)
    return tally


def tally_to_json(tally: MendTally) -> dict[str, Any]:
    """The public form: how many were mended, and the ids of the others by what kept them."""
    return {
        "mended": len(tally.mended),
        "impossible": tally.impossible,
        "redacted": tally.redacted,
        "collisions": [asdict(collision) for collision in tally.collisions],
    }


def groups_to_json(groups: Sequence[UnclearGroup]) -> list[dict[str, Any]]:
    """The public form of groups."""
    return [
        {
            "group": group.key,
            "number": group.number,
            "international": {"calling_code": group.calling_code, "country": group.country},
            "national": {"country": group.national},
            "examples": [
                {"id": person.id, "raw": person.raw, "readings": list(person.readings)} for person in group.examples
            ],
        }
        for group in groups
    ]


def _mend(
    rt: Runtime, ids: Sequence[int], reading: Reading, actor: str, *, dry_run: bool = False, group: str | None = None
) -> MendTally:
    """Batch by batch; each leaves a line in the audit, with what was said of the numbers and whom it changed."""
    tally = MendTally()
    for start in range(0, len(ids), BATCH):
        tally.add(_mend_batch(rt, ids[start : start + BATCH], reading, actor, dry_run=dry_run, group=group))
    return tally


@retry_conflicts
def _mend_batch(
    rt: Runtime, ids: Sequence[int], reading: Reading, actor: str, *, dry_run: bool, group: str | None
) -> MendTally:
    now = utcnow()
    with rt.database.read() if dry_run else rt.database.write() as session:
        settled = settle_unclear(session, ids, reading, now, rt.vault.person_hashes, dry_run=dry_run)
        if settled.mended and not dry_run:
            said: dict[str, Any] = {"read_as": reading.country or "international", "contacts": settled.mended}
            subject = ("contact", settled.mended[0]) if group is None else ("phone_group", group)
            record_audit(session, now, actor, AuditAction.MEND_PHONES, *subject, **said)
    return settled
