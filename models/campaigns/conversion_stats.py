"""Adds what people bought to the statistics of campaigns and of their languages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from models.campaigns.language_figures import CampaignLanguage
from models.conversions.figures import ConversionSums, conversions_of, sums_by_cohort
from models.shares import percentage


def add_conversions(
    session: Session, stats: Mapping[int, dict[str, Any]], languages: Mapping[int, Sequence[CampaignLanguage]]
) -> None:
    """Add `converted`, `converted_pct` and `revenue` to the public statistics by campaign, and to each of their languages."""
    conversions = conversions_of(session, list(stats))
    split = [campaign_id for campaign_id in conversions if len(languages[campaign_id]) > 1]
    by_cohort = sums_by_cohort(session, split)
    for campaign_id, figures in stats.items():
        found = conversions.get(campaign_id)
        whole = found.whole if found else ConversionSums()
        _add(figures, whole)
        for language, part in zip(languages[campaign_id], figures["languages"], strict=True):
            of_language = [by_cohort[key] for key in language.cohort_ids if key in by_cohort]
            _add(part, _together(of_language) if len(languages[campaign_id]) > 1 else whole)


def _add(figures: dict[str, Any], sums: ConversionSums) -> None:
    pct = percentage(sums.people, figures["delivered"])
    figures |= {"converted": sums.people, "converted_pct": pct, "revenue": [money.to_json() for money in sums.revenue]}


def _together(parts: Iterable[ConversionSums]) -> ConversionSums:
    """The sum of groups that share nobody."""
    whole = ConversionSums()
    for part in parts:
        whole.people += part.people
        for money in part.revenue:
            whole.add(money)
    return whole
