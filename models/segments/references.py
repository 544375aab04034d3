"""Finds and renames references to a tag, list, segment or attribute in campaigns, segment rules and bot flows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.tag_key import tag_key
from models.contacts.tag_names import find_tag_ids
from models.db.folding import Fold
from models.folding import fold_letters
from models.tables.campaign import LIVE, Campaign, CampaignStatus
from models.tables.cohort import Cohort
from models.tables.flow import Flow, FlowSession, FlowVersion, SessionStatus
from models.tables.segment import Segment
from models.tables.tag import Tag

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


@dataclass(frozen=True, slots=True)
class _Name:
    """A name to look for. Tags are named in any case; not by the exact name of another tag (`others`, of earlier versions)."""

    kind: Referrer
    text: str
    others: frozenset[str] = frozenset()

    def is_named_by(self, value: object) -> bool:
        if not isinstance(value, str):
            return False
        if self.kind != "tag" or value.strip() == self.text:
            return value.strip() == self.text
        return tag_key(value.strip()) == tag_key(self.text) and value.strip() not in self.others


def _name(session: Session, kind: Referrer, text: str) -> _Name:
    if kind != "tag":
        return _Name(kind, text)
    alike = session.scalars(select(Tag.name).where(Fold(Tag.name) == fold_letters(text), Tag.name != text))
    return _Name(kind, text, frozenset(alike))


def find_references(session: Session, kind: Referrer, name: str) -> Reference:
    """Return everything that refers to the name. Campaigns are locked: none starts or launches until the transaction ends."""
    campaigns, sought = _locked_campaigns(session), _name(session, kind, name)
    segments = session.scalars(select(Segment).order_by(Segment.id).with_for_update())
    return Reference(
        segments=[segment for segment in segments if _refers(segment.rule, sought)],
        campaigns=[it for it in campaigns if _refers(_named_in(it), sought)],
        flows=_flows(session, sought) if kind in _IN_FLOWS else (),
    )


def campaigns_preparing(session: Session, kind: Referrer, name: str) -> str:
    """Return, as text, the campaigns that refer to `name`, also through segments, and whose launch has processed a part of their
    contacts; empty for none.

    The campaigns are locked until the transaction ends, so if there are none, the named object may change.
    """
    campaigns = [it for it in _locked_campaigns(session) if it.launched_at is None and it.launch_cursor > 0]
    if not campaigns:
        return ""
    return Reference((), _using(session, campaigns, [_name(session, kind, name)]), ()).words


def campaigns_to_launch(session: Session, tag_names: Sequence[str]) -> str:
    """Return, as text, the campaigns that refer to one of these tags, also through segments, and whose audience will be frozen
    without anybody looking again: scheduled ones, and those being launched. Empty for none.

    The campaigns that have not ended are locked until the transaction ends.
    """
    campaigns = [
        it
        for it in _locked_campaigns(session)
        if it.launched_at is None and it.status in {CampaignStatus.SCHEDULED, *LIVE}
    ]
    return Reference((), _using(session, campaigns, [_name(session, "tag", name) for name in tag_names]), ()).words


def rename_references(session: Session, references: Reference, kind: ReferenceKind, name: str, new: str) -> None:
    """Replace the name in the segments and campaigns of `references`; bot flows are not changed."""
    sought = _name(session, kind, name)
    for segment in references.segments:
        segment.rule = _renamed(segment.rule, sought, new)
    for campaign in references.campaigns:
        campaign.audience = _renamed(campaign.audience, sought, new)
        campaign.variables = _renamed(campaign.variables, sought, new)
        campaign.content = _renamed(campaign.content, sought, new)
        campaign.by_language = _renamed(campaign.by_language, sought, new)
    campaign_ids = [campaign.id for campaign in references.campaigns]
    for cohort in session.scalars(select(Cohort).where(Cohort.campaign_id.in_(campaign_ids)).order_by(Cohort.id)):
        cohort.variables = _renamed(cohort.variables, sought, new)
        cohort.content = _renamed(cohort.content, sought, new)


def spell_tags(session: Session, data: Any) -> Any:
    """Return an audience, a mapping of variables or a rule with each tag spelled as the tag itself; unknown ones stay."""
    ids = find_tag_ids(
        session, {name for part in _objects(data) if isinstance(name := part.get(_field(part, "tag")), str)}
    )
    rows = session.execute(select(Tag.id, Tag.name).where(Tag.id.in_(ids.values()))) if ids else ()
    names = {row.id: row.name for row in rows}
    for name, tag_id in ids.items():
        if name != names[tag_id]:
            data = _renamed(data, _Name("tag", name, frozenset(names.values()) - {name}), names[tag_id])
    return data


def _locked_campaigns(session: Session) -> Sequence[Campaign]:
    """Return the campaigns that have not ended, locked."""
    query = select(Campaign).where(Campaign.status != CampaignStatus.ENDED, Campaign.deleted_at.is_(None))
    query = query.order_by(Campaign.id).with_for_update(of=Campaign)
    return session.scalars(query, execution_options={"populate_existing": True}).all()


def _using(session: Session, campaigns: Sequence[Campaign], names: Sequence[_Name]) -> Sequence[Campaign]:
    """The campaigns that refer to one of the names, also through segments."""
    if not campaigns:
        return ()
    segments = list(session.scalars(select(Segment)))
    all_names = new_names = set(names)
    while new_names:
        new_names = {
            _Name("segment", it.name) for it in segments if any(_refers(it.rule, sought) for sought in all_names)
        } - all_names
        all_names = all_names | new_names
    return [it for it in campaigns if any(_refers(_named_in(it), sought) for sought in all_names)]


def _named_in(campaign: Campaign) -> list[Any]:
    """The parts of a campaign that name tags, lists, segments and attributes."""
    return [campaign.audience, campaign.variables, campaign.content, campaign.by_language]


def _refers(data: Any, sought: _Name) -> bool:
    return any(_field_with_name(part, sought) is not None for part in _objects(data))


def _renamed(data: Any, sought: _Name, new: str) -> Any:
    if isinstance(data, list):
        return [_renamed(part, sought, new) for part in data]
    if not isinstance(data, Mapping):
        return data
    field = _field_with_name(data, sought)
    return {key: new if key == field else _renamed(part, sought, new) for key, part in data.items()}


def _field_with_name(part: Mapping[str, Any], sought: _Name) -> str | None:
    """Return the field that holds the name in an item of an audience, a variable's source or a rule's condition; else None."""
    field = _field(part, sought.kind)
    return field if sought.is_named_by(part.get(field)) else None


def _field(part: Mapping[str, Any], kind: Referrer) -> str:
    return "name" if part.get("on") == kind else kind


def _objects(data: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(data, Mapping):
        yield data
    for part in data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ():
        yield from _objects(part)


def _flows(session: Session, sought: _Name) -> Sequence[str]:
    """Return the names of bot flows that refer to it in their newest version, or in one with active sessions."""
    active_versions = select(FlowSession.flow_version_id).where(FlowSession.status == SessionStatus.ACTIVE)
    rows = session.execute(
        select(Flow.name, FlowVersion.definition)
        .join(FlowVersion, FlowVersion.flow_id == Flow.id)
        .where((FlowVersion.version == Flow.version) | FlowVersion.id.in_(active_versions))
        .order_by(Flow.name)
    )
    in_any_case = re.IGNORECASE if sought.kind == "tag" else 0
    placeholder = re.compile(r"\{\s*" + sought.kind + r"\." + re.escape(sought.text) + r"\s*[|}]", in_any_case)
    return list(dict.fromkeys(flow for flow, definition in rows if _flow_refers(definition, sought, placeholder)))


def _flow_refers(data: Any, sought: _Name, placeholder: re.Pattern[str]) -> bool:
    if isinstance(data, str):
        return placeholder.search(data) is not None
    if isinstance(data, list):
        return any(_flow_refers(part, sought, placeholder) for part in data)
    if not isinstance(data, Mapping):
        return False
    is_listed = any(sought.is_named_by(it) for field in _IN_FLOWS[sought.kind] for it in data.get(field) or ())
    is_named = sought.is_named_by(data.get(sought.kind))
    return is_named or is_listed or any(_flow_refers(it, sought, placeholder) for it in data.values())


def _listed(noun: str, names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:MAX_SHOWN])
    more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
    return f"the {noun}{'s' if len(names) > 1 else ''} {shown}{more}"
