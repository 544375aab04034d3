"""Checks the texts of bot flows, stores them as versions, and makes earlier versions current again."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from admin.operations.money.flow_price import flow_price, messages_json
from bot.flows.calls import Place
from bot.flows.load import FlowDefinition, ReadFlow, read_flow, to_definition
from bot.flows.secrets import secrets_of
from bot.flows.swallowed import own_word_problems
from bot.opt_out_words import NO_WORDS, read_own_words
from bot.outbound.rules import rules_of
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.conversations.flow_secrets import lock_secrets, secret_names
from models.conversations.flow_versions import is_newest, save_flow, set_fallback
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.campaign import Campaign, CampaignKind
from models.tables.flow import Flow, FlowVersion
from models.tables.setting import read_setting


@dataclass(frozen=True)
class CheckedFlow:
    """A valid flow. `nodes` is their count; `messages` and `price` are as in `admin.operations.money.flow_price`."""

    name: str
    nodes: int
    warnings: tuple[str, ...]
    messages: dict[str, Any]
    price: dict[str, Any] | None


@dataclass(frozen=True)
class LoadedFlowFile:
    """A stored flow; loading the same definition again keeps its `version`."""

    id: int
    name: str
    version: int
    warnings: tuple[str, ...]


class FlowNameTakenError(OperatorError):
    """There is another flow of this name; who means it loads over it on purpose."""

    def __init__(self, *, name: str, version: int, campaigns: int, is_fallback: bool) -> None:
        self.name, self.version, self.campaigns, self.is_fallback = name, version, campaigns, is_fallback
        text = "{name}: there is a bot flow of this name already, at version {version}, named by {campaigns} campaigns"
        super().__init__(
            f"{text}, and it is the fallback flow" if is_fallback else text,
            name=name,
            version=version,
            campaigns=campaigns,
        )


def check_flow(rt: Runtime, text: str, file: str = "flow") -> CheckedFlow:
    """Check a flow's text without storing it; `file` names it in errors. Raises OperatorError with every problem, in one line."""
    try:
        with rt.database.read() as session:
            surroundings = _surroundings(rt, session)
    except SQLAlchemyError:  # a check needs no database; one that is not made yet holds no words and no secrets
        surroundings = _Surroundings(NO_WORDS, Place(rules_of(rt.settings)))
    read, flow = _read(text, file, surroundings)
    try:
        with rt.database.read() as session:
            price = flow_price(session, flow, utcnow())
    except SQLAlchemyError:  # as above: without a database there is no rate card
        price = None
    return CheckedFlow(flow.name, len(flow.nodes), read.warnings, messages_json(flow), price)


@retry_conflicts
def load_flow_file(
    rt: Runtime, text: str, actor: str, file: str = "flow", *, replaces: str | None = None
) -> LoadedFlowFile:
    """Check a flow's text and store it as the newest version. `replaces` is the name of the flow that it may be loaded over.

    Raises OperatorError with every problem, in one line, and FlowNameTakenError if another flow than `replaces` has its name.
    """
    now = utcnow()
    with rt.database.read() as session:
        surroundings = _surroundings(rt, session)
    read, flow = _read(text, file, surroundings)
    definition = to_definition(flow)
    with rt.database.write() as session:
        if flow.name != replaces:
            _refuse_taken_name(session, flow.name, definition)
        _keep_secrets(session, flow)
        loaded = save_flow(session, flow.name, text, definition, now, actor)
        record_audit(session, now, actor, AuditAction.LOAD, "flow", loaded.id, name=loaded.name, version=loaded.version)
    return LoadedFlowFile(loaded.id, loaded.name, loaded.version, read.warnings)


@retry_conflicts
def roll_back_flow(rt: Runtime, name: str, version: int, actor: str) -> LoadedFlowFile:
    """Make an earlier version of a flow current: its text is stored as the newest version, since versions never change.

    Raises OperatorError if there is no such flow or version, if it is the current one, or if its text is not valid any more.
    """
    now = utcnow()
    with rt.database.read() as session:
        surroundings = _surroundings(rt, session)
        earlier = session.scalar(
            select(FlowVersion)
            .join(Flow, Flow.id == FlowVersion.flow_id)
            .where(Flow.name == name, FlowVersion.version == version)
        )
        if earlier is None:
            raise OperatorError(
                "{name}: there is no version {version} of a bot flow of this name", name=name[:100], version=version
            )
    read, flow = _read(earlier.source, f"version {version}", surroundings)
    definition = to_definition(flow)
    with rt.database.write() as session:
        if is_newest(session, name, definition):
            raise OperatorError(
                "{name}: version {version} says what the current version says", name=name, version=version
            )
        _keep_secrets(session, flow)
        loaded = save_flow(session, name, earlier.source, definition, now, actor)
        record_audit(
            session, now, actor, AuditAction.ROLL_BACK, "flow", loaded.id, name=name, of=version, version=loaded.version
        )
    return LoadedFlowFile(loaded.id, loaded.name, loaded.version, read.warnings)


@retry_conflicts
def choose_fallback(rt: Runtime, flow_id: int, actor: str, *, is_fallback: bool) -> bool:
    """Make this the flow that answers whom no other serves, or let no flow do so. False if there is no such flow."""
    now = utcnow()
    with rt.database.write() as session:
        if session.get(Flow, flow_id) is None:
            return False
        set_fallback(session, flow_id if is_fallback else None, now)
        record_audit(session, now, actor, AuditAction.FALLBACK, "flow", flow_id, on=is_fallback)
    return True


def free_name(session: Session, wanted: str) -> str:
    """The name, with a number behind it if a flow has it already."""
    names = set(session.scalars(select(Flow.name).where(Flow.name.startswith(wanted, autoescape=True))))
    place = 1
    while (name := wanted if place == 1 else f"{wanted}_{place}") in names:
        place += 1
    return name


def _refuse_taken_name(session: Session, name: str, definition: dict[str, object]) -> None:
    flow = session.scalar(select(Flow).where(Flow.name == name))
    if flow is None or is_newest(session, name, definition):
        return
    named_by = select(func.count()).where(
        Campaign.flow_id == flow.id, Campaign.deleted_at.is_(None), Campaign.kind == CampaignKind.REAL
    )
    campaigns = session.scalar(named_by) or 0
    raise FlowNameTakenError(name=name, version=flow.version, campaigns=campaigns, is_fallback=flow.is_fallback)


@dataclass(frozen=True)
class _Surroundings:
    """What of this installation a flow is checked against. `own_words`: its own words for STOP."""

    own_words: frozenset[str]
    place: Place


def _surroundings(rt: Runtime, session: Session) -> _Surroundings:
    own_words = read_own_words(str(read_setting(session, "stop_words")))
    return _Surroundings(own_words, Place(rules_of(rt.settings), secret_names(session)))


def _keep_secrets(session: Session, flow: FlowDefinition) -> None:
    """Keep the secrets that the flow names from being removed until it is stored."""
    names = secrets_of(flow)
    if gone := names - lock_secrets(session, names):
        raise OperatorError(
            "{flow}: there is no secret {names} any more", flow=flow.name, names=", ".join(sorted(gone))
        )


def _read(text: str, file: str, surroundings: _Surroundings) -> tuple[ReadFlow, FlowDefinition]:
    read = read_flow(text, file, surroundings.place)
    if read.flow is None:
        raise OperatorError("{problems}", problems="; ".join(read.problems))
    if problems := [f"{file}: {problem}" for problem in own_word_problems(read.flow, surroundings.own_words)]:
        raise OperatorError("{problems}", problems="; ".join(problems))
    return read, read.flow
