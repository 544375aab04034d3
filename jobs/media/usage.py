"""Finds where files of the library are used. It is asked, never stored, so it cannot be wrong."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, cast, or_, select
from sqlalchemy import Text as SqlText
from sqlalchemy.orm import InstrumentedAttribute, Session

from jobs.media.references import media_hashes
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.cohort import Cohort
from models.tables.template import Template
from models.tables.template_life import DraftState, TemplateDraft

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONTENTS: tuple[InstrumentedAttribute[Any], ...] = (Campaign.media, Campaign.content, Campaign.by_language)
_COHORT_CONTENTS: tuple[InstrumentedAttribute[Any], ...] = (Cohort.media, Cohort.content)
"""The JSON columns in which a campaign, and its cohorts, name files."""


@dataclass(frozen=True, slots=True)
class Use:
    """A place that uses a file. `what`: `campaign` or `template`.

    `is_over`: it needs the file no more (an ended campaign, the sample of a template that Meta has).
    """

    what: str
    id: int
    name: str
    is_over: bool

    def __str__(self) -> str:
        return f"{self.what} {self.id} ({self.name})"


class CampaignFiles(NamedTuple):
    """The files (SHA-256) that a campaign sends: in its cards too, in every language and cohort."""

    id: int
    name: str
    status: CampaignStatus
    number_id: int | None
    hashes: set[str]


def campaign_files(session: Session, *where: ColumnElement[bool]) -> list[CampaignFiles]:
    """The campaigns that fulfil the conditions and send files of the library, the newest first.

    The one place that knows where a campaign names files: uploads, renewal and uses ask it.
    """
    columns = (Campaign.id, Campaign.name, Campaign.status, Campaign.number_id)
    campaigns = select(*columns, *_CONTENTS).where(Campaign.deleted_at.is_(None), _names_files(_CONTENTS), *where)
    cohorts = (
        select(*columns, *_COHORT_CONTENTS)
        .join(Cohort, Cohort.campaign_id == Campaign.id)
        .where(Campaign.deleted_at.is_(None), _names_files(_COHORT_CONTENTS), *where)
    )
    found: dict[int, CampaignFiles] = {}
    for query in (campaigns, cohorts):
        for campaign_id, name, status, number_id, *contents in session.execute(query):
            files = found.setdefault(campaign_id, CampaignFiles(campaign_id, name, status, number_id, set()))
            files.hashes.update(media_hashes(*contents))
    return [found[campaign_id] for campaign_id in sorted(found, reverse=True)]


def uses_of(session: Session, hashes: Collection[str]) -> dict[str, list[Use]]:
    """Where each file (SHA-256) is used, the newest first; a file that nothing uses is left out."""
    wanted, uses = set(hashes), defaultdict(list)
    if not wanted:
        return {}
    for campaign in campaign_files(session):
        for sha256 in campaign.hashes & wanted:
            is_over = campaign.status is CampaignStatus.ENDED
            uses[sha256].append(Use("campaign", campaign.id, campaign.name, is_over))
    drafts = (
        select(Template.id, Template.name, TemplateDraft.state, cast(TemplateDraft.definition, SqlText))
        .join(TemplateDraft, TemplateDraft.template_id == Template.id)
        .where(Template.missing_at.is_(None))
    )
    for template_id, name, state, definition in session.execute(drafts.order_by(Template.id.desc())):
        for sha256 in set(_SHA256.findall(definition)) & wanted:
            uses[sha256].append(Use("template", template_id, name, state is DraftState.SUBMITTED))
    return dict(uses)


def needed(session: Session, hashes: Iterable[str]) -> set[str]:
    """Those of the files that something still needs."""
    uses = uses_of(session, set(hashes))
    return {sha256 for sha256, places in uses.items() if any(not place.is_over for place in places)}


def _names_files(columns: Iterable[InstrumentedAttribute[Any]]) -> ColumnElement[bool]:
    """Whether the text of a JSON column has 64 hexadecimal digits in quotation marks, roughly: what is found is read then."""
    pattern = f'%"{"_" * 64}"%'
    return or_(*(cast(column, SqlText).like(pattern) for column in columns))
