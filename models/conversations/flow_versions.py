"""Stores bot flows as versions that never change, and reads the newest version of each flow."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from models.tables.flow import Flow, FlowVersion


class SavedFlow(NamedTuple):
    """The flow and its newest version after a save."""

    id: int
    name: str
    version: int


class NewestVersion(NamedTuple):
    """The newest version of a flow, without its definition."""

    flow_id: int
    name: str
    version_id: int
    version: int
    is_fallback: bool


def save_flow(
    session: Session, name: str, source: str, definition: Mapping[str, Any], now: datetime, actor: str
) -> SavedFlow:
    """Store a checked definition as the flow's next version, unless it equals the newest version's definition."""
    checksum = _checksum(definition)
    flow = session.scalar(select(Flow).where(Flow.name == name).with_for_update())
    if flow is None:
        flow = Flow(name=name, version=0, is_fallback=False, created_at=now, updated_at=now)
        session.add(flow)
        session.flush()
    elif _newest_checksum(session, flow) == checksum:
        return SavedFlow(flow.id, flow.name, flow.version)
    flow.version, flow.updated_at = flow.version + 1, now
    session.add(
        FlowVersion(
            flow_id=flow.id,
            version=flow.version,
            source=source,
            definition=dict(definition),
            checksum=checksum,
            created_by=actor,
            created_at=now,
        )
    )
    session.flush()
    return SavedFlow(flow.id, flow.name, flow.version)


def is_newest(session: Session, name: str, definition: Mapping[str, Any]) -> bool:
    """Whether the newest version of the flow of this name has this definition. False if there is no such flow."""
    flow = session.scalar(select(Flow).where(Flow.name == name))
    return flow is not None and _newest_checksum(session, flow) == _checksum(definition)


def set_fallback(session: Session, flow_id: int | None, now: datetime) -> None:
    """Make this the only flow that answers messages which belong to no campaign, session or case; None for no flow."""
    session.execute(
        update(Flow)
        .where(Flow.is_fallback.is_(True), Flow.id != (flow_id or 0))
        .values(is_fallback=False, updated_at=now)
    )
    if flow_id is not None:
        session.execute(update(Flow).where(Flow.id == flow_id).values(is_fallback=True, updated_at=now))


def newest_versions(session: Session) -> Sequence[NewestVersion]:
    """Every flow's newest version, oldest flow first."""
    rows = session.execute(
        select(Flow.id, Flow.name, FlowVersion.id, FlowVersion.version, Flow.is_fallback)
        .join(FlowVersion, and_(FlowVersion.flow_id == Flow.id, FlowVersion.version == Flow.version))
        .order_by(Flow.id)
    )
    return [NewestVersion(*row) for row in rows]


def load_definitions(session: Session, version_ids: Sequence[int]) -> Mapping[int, tuple[int, dict[str, Any]]]:
    """(version number, definition) by the version's id. An unknown id is absent."""
    rows = session.execute(
        select(FlowVersion.id, FlowVersion.version, FlowVersion.definition).where(FlowVersion.id.in_(version_ids))
    )
    return {row.id: (row.version, row.definition) for row in rows}


def _newest_checksum(session: Session, flow: Flow) -> str | None:
    return session.scalar(
        select(FlowVersion.checksum).where(FlowVersion.flow_id == flow.id, FlowVersion.version == flow.version)
    )


def _checksum(definition: Mapping[str, Any]) -> str:
    text = json.dumps(definition, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
