"""Lists from files of phones, segments from files of rules."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.runtime import Runtime
from models.clock import utcnow
from models.contact import Contact
from models.dialect import insert_into
from models.phone import NotAPhone, read_phone
from models.refusal import Refused
from models.rule import parse_rule
from models.segment import Segment
from models.tag import ContactList, ListMember
from models.user import record_audit

CHUNK = 500


@dataclass
class FilledList:
    """A list and what a file added to it."""

    id: int
    name: str
    added: int = 0
    unchanged: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class LoadedSegment:
    """A segment as stored."""

    id: int
    name: str
    is_new: bool


@dataclass(frozen=True)
class _Row:
    line: int
    phone: str
    e164: str


def add_list(rt: Runtime, name: str, path: Path, actor: str) -> FilledList:
    """Make the list, or add to it, the contacts whose phones stand in the file's column `phone`. OSError, Refused."""
    name, now = read_name(name), utcnow()
    refused: list[dict[str, Any]] = []
    rows = list(_rows(path, rt.settings.default_country, refused))
    with rt.database.write() as session:
        found = session.scalars(select(ContactList).where(ContactList.name == name)).first()
        if found is None:
            found = ContactList(name=name, created_at=now)
            session.add(found)
            session.flush()
            record_audit(session, now, actor, "add", "list", found.id, name=name)
        result = FilledList(found.id, name, refused=refused)
    for start in range(0, len(rows), CHUNK):
        with rt.database.write() as session:
            _add_members(session, result, rows[start : start + CHUNK])
    result.refused.sort(key=lambda item: item["line"])
    return result


def load_segment(rt: Runtime, path: Path, actor: str) -> LoadedSegment:
    """Store the rule in a YAML file (`name`, and `any` or `all`) as a segment, in place of an older one of that name."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Refused(f"{path}: line {mark.line + 1 if mark else 1}: is no YAML") from None
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        raise Refused(f"{path}: a segment begins with name, and any or all")
    rule = {key: value for key, value in data.items() if key != "name"}
    return put_segment(rt, data["name"], rule.get("rule", rule) if set(rule) == {"rule"} else rule, actor)


def put_segment(rt: Runtime, name: str, rule: Any, actor: str) -> LoadedSegment:
    """Store a rule under a name. Refused where it cannot be read."""
    name, now = read_name(name), utcnow()
    with rt.database.write() as session:
        parse_rule(session, rule, inside=(name,))
        segment = session.scalars(select(Segment).where(Segment.name == name)).first()
        is_new = segment is None
        if segment is None:
            segment = Segment(name=name, created_at=now)
            session.add(segment)
        segment.rule, segment.updated_at = rule, now
        session.flush()
        record_audit(session, now, actor, "load", "segment", segment.id, name=name)
        return LoadedSegment(segment.id, name, is_new)


def read_name(name: str) -> str:
    """Trimmed. Refused where it is empty or too long."""
    name = name.strip()
    if not 1 <= len(name) <= 200:
        raise Refused("name: allowed are 1 to 200 characters")
    return name


def _rows(path: Path, country: str | None, refused: list[dict[str, Any]]) -> Iterator[_Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if "phone" not in (reader.fieldnames or ()):
            raise Refused(f"{path}: the first line must name a column phone")
        for record in reader:
            text = (record.get("phone") or "").strip()
            try:
                phone = read_phone(text, country)
            except NotAPhone as error:
                refused.append({"line": reader.line_num, "reason": str(error)})
                continue
            if phone.e164 is None:
                refused.append({"line": reader.line_num, "reason": f"{text}: {str(phone.problem).replace('_', ' ')}"})
            else:
                yield _Row(reader.line_num, text, phone.e164)


def _add_members(session: Session, result: FilledList, rows: Sequence[_Row]) -> None:
    query = select(Contact.phone, Contact.id).where(
        Contact.phone.in_({row.e164 for row in rows}), Contact.merged_into_id.is_(None)
    )
    ids = dict(session.execute(query).tuples().all())
    for row in rows:
        if row.e164 not in ids:
            result.refused.append({"line": row.line, "reason": f"{row.phone}: there is no contact with this phone"})
    if not ids:
        return
    now = utcnow()
    members = [
        {"list_id": result.id, "contact_id": contact_id, "created_at": now} for contact_id in sorted(ids.values())
    ]
    statement = (
        insert_into(session, ListMember).values(members).on_conflict_do_nothing().returning(ListMember.contact_id)
    )
    added = len(session.execute(statement).all())
    result.added += added
    result.unchanged += len(ids) - added
