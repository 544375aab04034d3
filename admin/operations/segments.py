"""Stores segments from rules and from YAML files, and counts who matches one for a limited time."""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.errors import OperatorError
from models.segments.count import MatchCount, count_slice
from models.segments.rule import SegmentRule
from models.segments.store import save_segment
from models.segments.values import is_storable
from models.tables.audit import AuditAction, record_audit
from models.tables.segment import Segment

FIRST_SLICE, LARGEST_SLICE = 4_000, 100_000
SLICE_SECONDS = 0.2
_BOOL = "tag:yaml.org,2002:bool"


class _Loader(yaml.SafeLoader):
    """YAML loader with `true` and `false` as the only booleans: in YAML 1.1 `on`, the first key of a condition, is one too."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile(r"^(?:true|false)$"), list("tf"))


@dataclass(frozen=True)
class LoadedSegment:
    """A segment as stored; `is_new` is False if it replaced one of that name."""

    id: int
    name: str
    is_new: bool


def load_segment(rt: Runtime, path: Path, actor: str) -> LoadedSegment:
    """Store the rule of a YAML file (`name`, and `any` or `all`) as a segment; replaces a segment of that name.

    Raises OperatorError if the file is no YAML or has no name, RuleError if the rule cannot be read, and OSError if the file
    cannot.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8-sig"), _Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise OperatorError("{path}: line {line}: is no YAML", path=path, line=mark.line + 1 if mark else 1) from None
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        raise OperatorError("{path}: a segment begins with name, and any or all", path=path)
    rule = {key: value for key, value in data.items() if key != "name"}
    return put_segment(rt, data["name"], rule.get("rule", rule) if set(rule) == {"rule"} else rule, actor)


@retry_conflicts
def put_segment(rt: Runtime, name: str, rule: Any, actor: str, *, replaces: bool = True) -> LoadedSegment:
    """Store a rule under a name.

    Raises RuleError if the rule cannot be read, and OperatorError if the name is bad, or is taken and `replaces` is False.
    """
    name, now = read_name(name), utcnow()
    with rt.database.write() as session:
        is_new = not session.scalar(select(exists().where(Segment.name == name)))
        if not is_new and not replaces:
            raise OperatorError("there is a segment “{name}” already", name=name)
        segment_id = save_segment(session, name, rule, now)
        record_audit(session, now, actor, AuditAction.LOAD, "segment", segment_id, name=name)
        return LoadedSegment(segment_id, name, is_new)


def count_for(session: Session, rule: SegmentRule, tally: MatchCount, seconds: float) -> MatchCount:
    """Continue the count for about `seconds`, by one slice at least."""
    size, began = FIRST_SLICE, time.monotonic()
    deadline = began + seconds
    while not tally.is_done:
        tally = count_slice(session, rule, tally, utcnow(), size)
        now = time.monotonic()
        if now >= deadline:
            break
        size = min(LARGEST_SLICE, max(FIRST_SLICE // 4, int(size * min(2.0, SLICE_SECONDS / max(now - began, 0.001)))))
        began = now
    return tally


def read_name(name: str) -> str:
    """The name without surrounding spaces. Raises OperatorError if it is empty, too long or cannot be stored."""
    name = name.strip()
    if not 1 <= len(name) <= 200:
        raise OperatorError("name: allowed are 1 to 200 characters")
    if not is_storable(name):
        raise OperatorError("name: it holds a character that is no text")
    return name
