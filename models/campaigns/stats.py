"""Counts a campaign's recipients for its statistics: one GROUP BY over a covering index, so stored counters cannot drift."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.campaigns.campaign_type import types_of
from models.campaigns.language_figures import CampaignLanguage, languages_of
from models.campaigns.taps import tapped_buttons
from models.tables.campaign import Campaign, CampaignNotFoundError, CampaignType
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tries.rows import count_retried

ON_THE_WAY = (RecipientState.QUEUED, RecipientState.SENDING, RecipientState.UNSURE)
REACHED = ("delivered", "read")


def campaign_stats(session: Session, campaign_id: int) -> dict[str, Any]:
    """The public JSON of a campaign's statistics. Raises CampaignNotFoundError if there is no such campaign."""
    stats = stats_of(session, [campaign_id])
    if campaign_id not in stats:
        raise CampaignNotFoundError(campaign_id)
    return stats[campaign_id]


def stats_of(session: Session, campaign_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The public JSON of several campaigns by id, in the given order. A campaign that does not exist is absent."""
    campaigns = {
        row.id: row
        for row in session.execute(
            select(
                Campaign.id,
                Campaign.name,
                Campaign.kind,
                Campaign.status,
                Campaign.outcome,
                Campaign.pause_reason,
            ).where(Campaign.id.in_(campaign_ids), Campaign.deleted_at.is_(None))
        )
    }
    groups: dict[int, list[Any]] = {}
    buttons, languages = tapped_buttons(session, list(campaigns)), languages_of(session, list(campaigns))
    types, retried = types_of(session, list(campaigns)), count_retried(session, list(campaigns))
    if campaigns:
        for group in session.execute(_groups(list(campaigns))):
            groups.setdefault(group.campaign_id, []).append(group)
    return {
        campaign_id: _head(campaigns[campaign_id], types[campaign_id])
        | (figures := count_recipients(groups.get(campaign_id, ())))
        | {"buttons": [button.to_json() for button in buttons.get(campaign_id, ())]}
        | {"retried": retried.get(campaign_id, 0)}
        | {"languages": language_figures(languages[campaign_id], groups.get(campaign_id, ()), figures)}
        for campaign_id in campaign_ids
        if campaign_id in campaigns
    }


def count_recipients(groups: Iterable[Any]) -> dict[str, Any]:
    """Counts and percentages (0 to 100) from groups of (state, status, reason, is_replied, number), such as those of one language.

    `candidates = eligible + Σ not_sent` and `eligible = queued + sending + unsure + held + sent + refused` hold because every
    group is counted under exactly one of them.
    """
    tally: Counter[str] = Counter()
    not_sent: Counter[NotSent] = Counter()
    for group in groups:
        tally["candidates"] += group.number
        if group.is_replied:
            tally["replied"] += group.number
        if group.state is RecipientState.NOT_SENT:
            not_sent[group.reason] += group.number
            continue
        tally["eligible"] += group.number
        _tally_eligible(tally, group.state, group.status, group.number)
    return {
        "candidates": tally["candidates"],
        "eligible": tally["eligible"],
        "not_sent": {reason.value: not_sent[reason] for reason in NotSent if not_sent[reason]},
        **{key: tally[key] for key in ("queued", "sending", "unsure", "held", "refused", "sent", "delivered", "read")},
        "failed": tally["failed"],
        "replied": tally["replied"],
        "received_pct": _percent(tally["delivered"], tally["sent"]),
        "read_pct": _percent(tally["read"], tally["delivered"]),
        "replied_pct": _percent(tally["replied"], tally["delivered"]),
    }


def language_figures(
    languages: Sequence[CampaignLanguage], groups: Sequence[Any], whole: dict[str, Any]
) -> list[dict[str, Any]]:
    """The public JSON of each language: the same figures, sums over its cohorts. Of a single language they are the campaign's."""
    if len(languages) == 1 and languages[0].is_only:
        return [languages[0].to_json() | whole]
    return [
        language.to_json() | count_recipients(group for group in groups if group.cohort_id in language.cohort_ids)
        for language in languages
    ]


def _tally_eligible(tally: Counter[str], state: RecipientState, status: str, number: int) -> None:
    if state in ON_THE_WAY:
        tally[state.value] += number
    elif state is RecipientState.REFUSED:
        tally["refused"] += number
        tally["failed"] += number
    elif status == "held":
        tally["held"] += number
    else:  # accepted by Meta, whatever followed
        tally["sent"] += number
        tally["delivered"] += number if status in REACHED else 0
        tally["read"] += number if status == "read" else 0
        tally["failed"] += number if status == "failed" else 0


def _groups(campaign_ids: Sequence[int]) -> Any:
    columns = (
        Recipient.campaign_id,
        Recipient.state,
        Recipient.status,
        Recipient.reason,
        Recipient.is_replied,
        Recipient.cohort_id,
    )
    query = select(*columns, func.count().label("number")).where(Recipient.campaign_id.in_(campaign_ids))
    return query.group_by(*columns)


def share_text(pct: float, whole: int) -> str:
    """A percentage of the statistics for people; a dash if nothing is there of which it could be a part."""
    return f"{pct} %" if whole else "–"


def _head(campaign: Any, kind: CampaignType | None) -> dict[str, Any]:
    return {
        "id": campaign.id,
        "name": campaign.name,
        "kind": campaign.kind.value,
        "type": kind.value if kind else None,
        "status": campaign.status.value,
        "outcome": campaign.outcome.value if campaign.outcome else None,
        "pause_reason": campaign.pause_reason.value if campaign.pause_reason else None,
    }


def _percent(part: int, whole: int) -> float:
    """A percentage with one decimal; 0.0 if `whole` is 0. At most 100, since a reply can come before the delivered status."""
    return min(100.0, round(100 * part / whole, 1)) if whole else 0.0
