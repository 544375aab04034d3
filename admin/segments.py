"""Segments from files of rules."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select

from jobs.runtime import Runtime
from models.clock import utcnow
from models.refusal import Refused
from models.rule import parse_rule
from models.segment import Segment
from models.user import record_audit


@dataclass(frozen=True)
class LoadedSegment:
    """A segment as stored."""

    id: int
    name: str
    is_new: bool


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
