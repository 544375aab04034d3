"""Checks the texts of bot flows and stores them as versions."""

from dataclasses import dataclass

from bot.flows.load import ReadFlow, read_flow, to_definition
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.conversations.flow_versions import save_flow
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit


@dataclass(frozen=True)
class CheckedFlow:
    """A valid flow. `nodes` is their count."""

    name: str
    nodes: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class LoadedFlowFile:
    """A stored flow; loading the same definition again keeps its `version`."""

    id: int
    name: str
    version: int
    warnings: tuple[str, ...]


def check_flow(text: str, file: str = "flow") -> CheckedFlow:
    """Check a flow's text without storing it; `file` names it in errors. Raises OperatorError with every problem, in one line."""
    read = _read(text, file)
    flow = read.flow
    assert flow is not None  # noqa: S101 - _read raises otherwise
    return CheckedFlow(flow.name, len(flow.nodes), read.warnings)


def load_flow_file(rt: Runtime, text: str, actor: str, file: str = "flow") -> LoadedFlowFile:
    """Check a flow's text and store it as the newest version. Raises OperatorError with every problem, in one line."""
    read = _read(text, file)
    flow = read.flow
    assert flow is not None  # noqa: S101 - _read raises otherwise
    now = utcnow()
    with rt.database.write() as session:
        loaded = save_flow(session, flow.name, text, to_definition(flow), now, actor)
        record_audit(session, now, actor, AuditAction.LOAD, "flow", loaded.id, name=loaded.name, version=loaded.version)
    return LoadedFlowFile(loaded.id, loaded.name, loaded.version, read.warnings)


def _read(text: str, file: str) -> ReadFlow:
    read = read_flow(text, file)
    if read.flow is None:
        raise OperatorError("{problems}", problems="; ".join(read.problems))
    return read
