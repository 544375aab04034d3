"""Where tags, lists, segments and attributes are named: in audiences, variables, rules and bot flows, always by their names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.campaign import Campaign, CampaignStatus
from models.tables.flow import Flow, FlowSession, FlowVersion, SessionStatus
from models.tables.segment import Segment

ReferenceKind = Literal["tag", "list", "segment"]
Referrer = ReferenceKind | Literal["attribute"]
MAX_SHOWN = 5
_IN_FLOWS: Mapping[Referrer, Sequence[str]] = {"tag": ("tags", "remove_tags"), "attribute": ("attributes",)}
"""What bot flows name, with the fields that hold several names."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What names a group. The campaigns are those that have not ended; their rows are locked until the transaction ends."""

    segments: Sequence[Segment]
    campaigns: Sequence[Campaign]
    flows: Sequence[str]

    @property
    def words(self) -> str:
        """Who they are, in a line; empty for nobody."""
        campaigns = [campaign.name or f"number {campaign.id}" for campaign in self.campaigns]
        segments = [segment.name for segment in self.segments]
        named = (("segment", segments), ("campaign", campaigns), ("bot flow", self.flows))
        return " and ".join(_listed(what, names) for what, names in named if names)


def find_references(session: Session, kind: Referrer, name: str) -> Reference:
    """Everything that would miss the name if it were gone. No campaign starts meanwhile, and none is launched further."""
    campaigns = _locked_campaigns(session)
    segments = session.scalars(select(Segment).order_by(Segment.id).with_for_update())
    return Reference(
        segments=[segment for segment in segments if _names(segment.rule, kind, name)],
        campaigns=[it for it in campaigns if _names([it.audience, it.variables], kind, name)],
        flows=_flows(session, kind, name) if kind in _IN_FLOWS else (),
    )


def campaigns_preparing(session: Session, kind: Referrer, name: str) -> str:
    """Which campaigns are frozen in part with what `name` says, also through segments, in words; empty for none.

    None of them is launched further until the transaction ends, so what it names may change where there are none.
    """
    campaigns = [it for it in _locked_campaigns(session) if it.launched_at is None and it.launch_cursor > 0]
    if not campaigns:
        return ""
    segments = list(session.scalars(select(Segment)))
    names, found = {(kind, name)}, {(kind, name)}
    while found:
        found = {("segment", it.name) for it in segments if any(_names(it.rule, *known) for known in names)} - names
        names |= found
    using = [it for it in campaigns if any(_names([it.audience, it.variables], *known) for known in names)]
    return Reference((), using, ()).words


def rename_references(naming: Reference, kind: ReferenceKind, name: str, new: str) -> None:
    """Have them say the new name."""
    for segment in naming.segments:
        segment.rule = _renamed(segment.rule, kind, name, new)
    for campaign in naming.campaigns:
        campaign.audience = _renamed(campaign.audience, kind, name, new)
        campaign.variables = _renamed(campaign.variables, kind, name, new)


def _locked_campaigns(session: Session) -> Sequence[Campaign]:
    """Those that have not ended."""
    query = select(Campaign).where(Campaign.status != CampaignStatus.ENDED, Campaign.deleted_at.is_(None))
    query = query.order_by(Campaign.id).with_for_update(of=Campaign)
    return session.scalars(query, execution_options={"populate_existing": True}).all()


def _names(data: Any, kind: Referrer, name: str) -> bool:
    return any(_is_named(part, kind, name) is not None for part in _objects(data))


def _renamed(data: Any, kind: ReferenceKind, name: str, new: str) -> Any:
    if isinstance(data, list):
        return [_renamed(part, kind, name, new) for part in data]
    if not isinstance(data, Mapping):
        return data
    field = _is_named(data, kind, name)
    return {key: new if key == field else _renamed(part, kind, name, new) for key, part in data.items()}


def _is_named(part: Mapping[str, Any], kind: Referrer, name: str) -> str | None:
    """The field that holds the name, in an item of an audience, a variable's source or a rule's condition."""
    field = "name" if part.get("on") == kind else kind
    given = part.get(field)
    return field if isinstance(given, str) and given.strip() == name else None


def _objects(data: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(data, Mapping):
        yield data
    for part in data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ():
        yield from _objects(part)


def _flows(session: Session, kind: Referrer, name: str) -> Sequence[str]:
    """The bot flows that name the tag or the attribute in their newest version, or in one that somebody still walks through."""
    walked = select(FlowSession.flow_version_id).where(FlowSession.status == SessionStatus.ACTIVE)
    rows = session.execute(
        select(Flow.name, FlowVersion.definition)
        .join(FlowVersion, FlowVersion.flow_id == Flow.id)
        .where((FlowVersion.version == Flow.version) | FlowVersion.id.in_(walked))
        .order_by(Flow.name)
    )
    in_text = re.compile(r"\{\s*" + kind + r"\." + re.escape(name) + r"\s*[|}]")
    return list(dict.fromkeys(flow for flow, definition in rows if _flow_names(definition, kind, name, in_text)))


def _flow_names(data: Any, kind: Referrer, name: str, in_text: re.Pattern[str]) -> bool:
    if isinstance(data, str):
        return in_text.search(data) is not None
    if isinstance(data, list):
        return any(_flow_names(part, kind, name, in_text) for part in data)
    if not isinstance(data, Mapping):
        return False
    is_put = any(name in (data.get(field) or ()) for field in _IN_FLOWS[kind])
    return data.get(kind) == name or is_put or any(_flow_names(it, kind, name, in_text) for it in data.values())


def _listed(what: str, names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:MAX_SHOWN])
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return f"the {what}{'s' if len(names) > 1 else ''} {shown}{more}"
