"""Stores, removes and reads the named secrets of bot flows, and finds the versions of flows that still run."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from models.crypto import Vault
from models.db.dialect import insert_into
from models.tables.flow import Flow, FlowSession, FlowVersion, SessionStatus
from models.tables.flow_secret import FlowSecret


def save_secret(session: Session, vault: Vault, name: str, value: str, now: datetime, actor: str) -> None:
    """Store a secret; one of this name is replaced."""
    row = {"value": vault.encrypt(value), "updated_by": actor, "updated_at": now}
    session.execute(
        insert_into(session, FlowSecret)
        .values(name=name, created_at=now, **row)
        .on_conflict_do_update(index_elements=["name"], set_=row)
    )


def delete_secret(session: Session, name: str) -> None:
    """Delete a secret."""
    session.execute(delete(FlowSecret).where(FlowSecret.name == name))


def secret_names(session: Session) -> frozenset[str]:
    """Return the names of all secrets."""
    return frozenset(session.scalars(select(FlowSecret.name)))


def lock_secret(session: Session, name: str) -> FlowSecret | None:
    """Return a secret, which no flow can begin to name until the transaction ends; None if there is none."""
    return session.scalar(select(FlowSecret).where(FlowSecret.name == name).with_for_update())


def lock_secrets(session: Session, names: Collection[str]) -> frozenset[str]:
    """Return which of these secrets there are; until the transaction ends none of them can be removed."""
    found = select(FlowSecret.name).where(FlowSecret.name.in_(names)).order_by(FlowSecret.id).with_for_update(read=True)
    return frozenset(session.scalars(found))


def decrypted(secret: FlowSecret, vault: Vault) -> str:
    """Return a secret's value. Raises WrongKeyError, which names the secret, if none of the keys fits."""
    return vault.decrypt(secret.value, f"the secret {secret.name} of bot flows")


def running_definitions(session: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (flow's name, definition) of every version that is current or that somebody is in the middle of."""
    is_in_use = exists().where(
        FlowSession.flow_version_id == FlowVersion.id, FlowSession.status == SessionStatus.ACTIVE
    )
    query = (
        select(Flow.name, FlowVersion.definition)
        .join(Flow, Flow.id == FlowVersion.flow_id)
        .where(or_(FlowVersion.version == Flow.version, is_in_use))
        .order_by(Flow.name, FlowVersion.version)
    )
    for row in session.execute(query):
        yield row.name, row.definition
