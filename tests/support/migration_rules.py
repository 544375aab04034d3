"""What no migration after the first stage may do: hold up those who write to the tables that grow with the people."""

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

NEVER_REBUILT = ("recipient", "contact", "message")
LARGE = (
    *NEVER_REBUILT, "contact_tag", "contact_identity", "contact_order", "list_member", "consent_event", "conversation",
    "engagement", "portfolio_ledger", "flow_session", "funnel_step", "action", "bought",
)  # fmt: skip
_TABLE = rf'"?(?:{"|".join(LARGE)})"?(?![\w"])'
_INDEX = re.compile(rf"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).* ON {_TABLE}", re.IGNORECASE | re.DOTALL)
_ALTER = re.compile(rf"ALTER TABLE (?:ONLY )?(?P<table>{_TABLE})(?P<what>.*)", re.IGNORECASE | re.DOTALL)
_REBUILD = re.compile(rf'(?:TABLE "?_alembic_tmp_{_TABLE}|DROP TABLE {_TABLE})', re.IGNORECASE)
_ROWS = re.compile(rf"(?:UPDATE|DELETE FROM) {_TABLE}|INSERT INTO .*SELECT .* FROM {_TABLE}", re.IGNORECASE | re.DOTALL)
_ADDS_PLAIN_COLUMN = re.compile(r"\s*ADD COLUMN (?!.*(?:NOT NULL|GENERATED|UNIQUE|REFERENCES|CHECK))", re.IGNORECASE)
_DROPS_CONSTRAINT = re.compile(r"\s*DROP CONSTRAINT ", re.IGNORECASE)
_DROPS_COLUMN = re.compile(r"\s*DROP COLUMN ", re.IGNORECASE)


@dataclass(frozen=True)
class Executed:
    """A statement of a migration, and the number of the transaction in which it ran."""

    statement: str
    transaction: int = 0


def offences(dialect: str, executed: Sequence[Executed]) -> list[str]:
    """What these statements do that would hold up a running campaign, a line each."""
    lines, locked = [], dict[int, str]()
    for item in executed:
        statement = " ".join(item.statement.split())
        short = statement[:90]
        if _REBUILD.search(statement):
            lines.append(f"rebuilds a large table: {short}")
        if _ROWS.match(statement):
            lines.append(f"writes the rows of a large table: {short}")
        if dialect == "postgresql" and _INDEX.match(statement):
            lines.append(f"makes an index without CONCURRENTLY: {short}")
        if found := _ALTER.match(statement):
            if not all(map(_is_quick, _parts(found["what"]))):
                lines.append(f"changes a large table by more than a plain column: {short}")
            if locked.setdefault(item.transaction, found["table"]) != found["table"]:
                lines.append(f"keeps one large table locked while it waits for another: {short}")
    return lines


def rebuilt_in(source: str) -> list[str]:
    """The tables of NEVER_REBUILT for which a migration's source calls batch_alter_table."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "batch_alter_table"]
    arguments = [value for call in named for value in (*call.args[:1], *(word.value for word in call.keywords))]
    return [str(value.value) for value in arguments if isinstance(value, ast.Constant) and value.value in NEVER_REBUILT]


def sources_after(directory: Path, revision: str) -> dict[str, str]:
    """The source of each migration after that revision, by file name."""
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(directory.glob("[0-9]*.py"))
        if path.name[:4] > revision
    }


@contextmanager
def executing() -> Iterator[list[Executed]]:
    """Every statement that any engine executes inside."""
    executed: list[Executed] = []
    transaction = 0

    def on_execute(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal transaction
        if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            transaction += 1
        executed.append(Executed(statement, transaction))

    def on_commit(_connection: Any) -> None:
        nonlocal transaction
        transaction += 1

    event.listen(Engine, "before_cursor_execute", on_execute)
    event.listen(Engine, "commit", on_commit)
    try:
        yield executed
    finally:
        event.remove(Engine, "before_cursor_execute", on_execute)
        event.remove(Engine, "commit", on_commit)


def _parts(what: str) -> list[str]:
    """The changes of one ALTER TABLE."""
    return re.split(r",\s*(?=(?:ADD|DROP|ALTER|RENAME) )", what, flags=re.IGNORECASE)


def _is_quick(change: str) -> bool:
    return any(pattern.match(change) for pattern in (_ADDS_PLAIN_COLUMN, _DROPS_CONSTRAINT, _DROPS_COLUMN))
