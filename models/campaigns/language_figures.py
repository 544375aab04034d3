"""Lists the languages of campaigns with their cohorts: figures by language are sums over these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.campaign import Campaign, PauseReason
from models.tables.cohort import Cohort
from models.tables.template import Template


@dataclass
class CampaignLanguage:
    """One language of a campaign. `is_only`: all of its people belong to it, those of before cohorts were stored too."""

    language: str
    is_only: bool = False
    cohort_ids: set[int] = field(default_factory=set)
    pause_reason: PauseReason | None = None

    def to_json(self) -> dict[str, Any]:
        """The head of the language's public figures: its name, and why Meta's decision about its template pauses it."""
        return {"language": self.language, "pause_reason": self.pause_reason.value if self.pause_reason else None}


def languages_of(session: Session, campaign_ids: Sequence[int]) -> Mapping[int, list[CampaignLanguage]]:
    """The languages of several campaigns, by campaign id, in the order of the file; none for one without a template."""
    found: dict[int, dict[str, CampaignLanguage]] = {campaign_id: {} for campaign_id in campaign_ids}
    campaigns = session.execute(
        select(Campaign.id, Campaign.languages, Template.language)
        .outerjoin(Template, Template.id == Campaign.template_id)
        .where(Campaign.id.in_(campaign_ids))
    )
    for campaign_id, codes, language in campaigns:
        if codes:
            found[campaign_id] = {code: CampaignLanguage(code) for code in codes}
        elif language is not None:
            found[campaign_id] = {language: CampaignLanguage(language, is_only=True)}
    several = [campaign_id for campaign_id, codes in found.items() if not any(it.is_only for it in codes.values())]
    cohorts = select(Cohort, Template.language).join(Template, Template.id == Cohort.template_id)
    for cohort, language in session.execute(cohorts.where(Cohort.campaign_id.in_(several)).order_by(Cohort.id)):
        part = found[cohort.campaign_id].setdefault(language, CampaignLanguage(language))
        part.cohort_ids.add(cohort.id)
        part.pause_reason = part.pause_reason or cohort.pause_reason
    return {campaign_id: list(codes.values()) for campaign_id, codes in found.items()}
