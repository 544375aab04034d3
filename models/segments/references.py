"""Finds and renames references to a tag, list, segment or attribute in campaigns, segment rules and bot flows."""

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
"""The kinds that bot flows refer to, with the fields that hold several names."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Everything that refers to a name: campaigns that have not ended, with their rows locked, segments and bot flows."""

    segments: Sequence[Segment]
    campaigns: Sequence[Campaign]
    flows: Sequence[str]

    @property
    def words(self) -> str:
        """The references as text: `segment “x” and campaigns “a”, “b”`; empty for none."""
        campaigns = [campaign.name or f"number {campaign.id}" for campaign in self.campaigns]
        segments = [segment.name for segment in self.segments]
        parts = (("segment", segments), ("campaign", campaigns), ("bot flow", self.flows))
        return " and ".join(_listed(noun, names) for noun, names in parts if names)


def find_references(session: Session, kind: Referrer, name: str) -> Reference:
    """Return everything that refers to the name. Campaigns are locked: none starts or launches until the transaction ends."""
    campaigns = _locked_campaigns(session)
    segments = session.scalars(select(Segment).order_by(Segment.id).with_for_update())
    return Reference(
        segments=[segment for segment in segments if _refers(segment.rule, kind, name)],
        campaigns=[it for it in campaigns if _refers([it.audience, it.variables], kind, name)],
        flows=_flows(session, kind, name) if kind in _IN_FLOWS else (),
    )


def campaigns_preparing(session: Session, kind: Referrer, name: str) -> str:
    """Return, as text, the campaigns that refer to `name`, also through segments, and whose launch has processed a part of their
    contacts; empty for none.

    The campaigns are locked until the transaction ends, so if there are none, the named object may change.
    """
    campaigns = [it for it in _locked_campaigns(session) if it.launched_at is None and it.launch_cursor > 0]
    if not campaigns:
        return ""
    segments = list(session.scalars(select(Segment)))
    all_names, new_names = {(kind, name)}, {(kind, name)}
    while new_names:
        new_names = {
            ("segment", it.name) for it in segments if any(_refers(it.rule, *reference) for reference in all_names)
        } - all_names
        all_names |= new_names
    using = [it for it in campaigns if any(_refers([it.audience, it.variables], *reference) for reference in all_names)]
    return Reference((), using, ()).words


def rename_references(references: Reference, kind: ReferenceKind, name: str, new: str) -> None:
    """Replace the name in the segments and campaigns of `references`; bot flows are not changed."""
    for segment in references.segments:
        segment.rule = _renamed(segment.rule, kind, name, new)
    for campaign in references.campaigns:
        campaign.audience = _renamed(campaign.audience, kind, name, new)
        campaign.variables = _renamed(campaign.variables, kind, name, new)


def _locked_campaigns(session: Session) -> Sequence[Campaign]:
    """Return the campaigns that have not ended, locked."""
    query = select(Campaign).where(Campaign.status != CampaignStatus.ENDED, Campaign.deleted_at.is_(None))
    query = query.order_by(Campaign.id).with_for_update(of=Campaign)
    return session.scalars(query, execution_options={"populate_existing": True}).all()


def _refers(data: Any, kind: Referrer, name: str) -> bool:
    return any(_field_with_name(part, kind, name) is not None for part in _objects(data))


def _renamed(data: Any, kind: ReferenceKind, name: str, new: str) -> Any:
    if isinstance(data, list):
        return [_renamed(part, kind, name, new) for part in data]
    if not isinstance(data, Mapping):
        return data
    field = _field_with_name(data, kind, name)
    return {key: new if key == field else _renamed(part, kind, name, new) for key, part in data.items()}


def _field_with_name(part: Mapping[str, Any], kind: Referrer, name: str) -> str | None:
    """Return the field that holds the name in an item of an audience, a variable's source or a rule's condition; else None."""
    field = "name" if part.get("on") == kind else kind
    value = part.get(field)
    return field if isinstance(value, str) and value.strip() == name else None


def _objects(data: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(data, Mapping):
        yield data
    for part in data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ():
        yield from _objects(part)


def _flows(session: Session, kind: Referrer, name: str) -> Sequence[str]:
    """Return the names of bot flows that refer to it in their newest version, or in one with active sessions."""
    active_versions = select(FlowSession.flow_version_id).where(FlowSession.status == SessionStatus.ACTIVE)
    rows = session.execute(
        select(Flow.name, FlowVersion.definition)
        .join(FlowVersion, FlowVersion.flow_id == Flow.id)
        .where((FlowVersion.version == Flow.version) | FlowVersion.id.in_(active_versions))
        .order_by(Flow.name)
    )
    placeholder = re.compile(r"\{\s*" + kind + r"\." + re.escape(name) + r"\s*[|}]")
    return list(dict.fromkeys(flow for flow, definition in rows if _flow_refers(definition, kind, name, placeholder)))


def _flow_refers(data: Any, kind: Referrer, name: str, placeholder: re.Pattern[str]) -> bool:
    if isinstance(data, str):
        return placeholder.search(data) is not None
    if isinstance(data, list):
        return any(_flow_refers(part, kind, name, placeholder) for part in data)
    if not isinstance(data, Mapping):
        return False
    is_listed = any(name in (data.get(field) or ()) for field in _IN_FLOWS[kind])
    return data.get(kind) == name or is_listed or any(_flow_refers(it, kind, name, placeholder) for it in data.values())


def _listed(noun: str, names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:MAX_SHOWN])
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return f"the {noun}{'s' if len(names) > 1 else ''} {shown}{more}"
