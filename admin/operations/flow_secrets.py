"""Sets and removes the named secrets of bot flows. No value of one is ever returned, shown or written down."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.flows.load import from_definition
from bot.flows.secrets import NAME, NAME_FORM, secrets_of
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.conversations.flow_secrets import decrypted, delete_secret, lock_secret, running_definitions, save_secret
from models.crypto import WrongKeyError
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.flow_secret import FlowSecret

SHORTEST, LONGEST = 4, 4000
"""Characters of a value. Fewer could not be masked without masking much else."""


@dataclass(frozen=True)
class ShownSecret:
    """What may be known of a secret. `is_readable`: whether the key that is set decrypts it; `flows` name it."""

    name: str
    updated_at: datetime
    updated_by: str
    is_readable: bool
    flows: tuple[str, ...]


def list_secrets(rt: Runtime) -> list[ShownSecret]:
    """Return every secret by its name, without its value."""
    with rt.database.read() as session:
        users = _flows_by_secret(session)
        rows = session.scalars(select(FlowSecret).order_by(FlowSecret.name))
        return [
            ShownSecret(row.name, row.updated_at, row.updated_by, _is_readable(rt, row), tuple(users.get(row.name, ())))
            for row in rows
        ]


@retry_conflicts
def set_secret(rt: Runtime, name: str, value: str, actor: str) -> bool:
    """Store a secret, or replace its value. True if there was one of this name.

    Raises OperatorError if the name or the value is not allowed; its text does not repeat the value.
    """
    if not NAME.fullmatch(name):
        raise OperatorError("{name}: this is no name of a secret; allowed: {form}", name=name[:60], form=NAME_FORM)
    if not SHORTEST <= len(value) <= LONGEST or not value.isprintable() or value != value.strip():
        raise OperatorError(
            "{name}: its value is not allowed; allowed are {shortest} to {longest} characters in one line, no spaces around",
            name=name,
            shortest=SHORTEST,
            longest=LONGEST,
        )
    now = utcnow()
    with rt.database.write() as session:
        was_there = lock_secret(session, name) is not None
        save_secret(session, rt.vault, name, value, now, actor)
        record_audit(session, now, actor, AuditAction.SET, "flow_secret", name)
    return was_there


@retry_conflicts
def remove_secret(rt: Runtime, name: str, actor: str) -> None:
    """Remove a secret. Raises OperatorError if there is none of this name, or if a flow that runs names it."""
    now = utcnow()
    with rt.database.write() as session:
        if lock_secret(session, name) is None:
            raise OperatorError("{name}: there is no secret of this name", name=name[:60])
        if flows := _flows_by_secret(session).get(name):
            raise OperatorError("{name}: it is used by the bot flows {flows}", name=name, flows=", ".join(flows))
        delete_secret(session, name)
        record_audit(session, now, actor, AuditAction.DELETE, "flow_secret", name)


def _flows_by_secret(session: Session) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for flow, definition in running_definitions(session):
        try:
            names = secrets_of(from_definition(definition))
        except ValidationError:
            continue  # an earlier version of Hark stored it, and no session can run it
        for name in names:
            if flow not in users.setdefault(name, []):
                users[name].append(flow)
    return users


def _is_readable(rt: Runtime, secret: FlowSecret) -> bool:
    try:
        decrypted(secret, rt.vault)
    except WrongKeyError:
        return False
    return True
