"""Counts a campaign's recipients for its statistics: one GROUP BY over a covering index, so stored counters cannot drift."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.billing.campaign_cost import campaign_costs, cost_figures
from models.campaigns.campaign_type import types_of
from models.campaigns.conversion_stats import add_conversions
from models.campaigns.language_figures import CampaignLanguage, languages_of
from models.campaigns.taps import TappedButton, in_order_of_message, read_place, tapped_buttons
from models.clicks.figures import clicked_by_cohort
from models.results.figures import GROUPED_BY
from models.results.opt_outs import count_opt_outs, opt_outs_json
from models.results.steps import count_steps
from models.results.stored import StoredFigures
from models.shares import percentage
from models.tables.campaign import Campaign, CampaignNotFoundError, CampaignType
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.recipient_opt_out import OptOutWay
from models.tries.rows import count_retried

ON_THE_WAY = (RecipientState.QUEUED, RecipientState.SENDING, RecipientState.UNSURE)
REACHED = ("delivered", "read")


def campaign_stats(session: Session, campaign_id: int) -> dict[str, Any]:
    """The public JSON of a campaign's statistics. Raises CampaignNotFoundError if there is no such campaign."""
    stats = stats_of(session, [campaign_id])
    if campaign_id not in stats:
        raise CampaignNotFoundError(campaign_id)
    return stats[campaign_id]


def stats_of(
    session: Session, campaign_ids: Sequence[int], stored: Mapping[int, StoredFigures] | None = None
) -> dict[int, dict[str, Any]]:
    """The public JSON of several campaigns by id, in the given order. A campaign that does not exist is absent.

    Those of which `stored` has sums are not counted again; their JSON says as of when they are, as `as_of`.
    """
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
    languages, types = languages_of(session, list(campaigns)), types_of(session, list(campaigns))
    costs, retried = campaign_costs(session, list(campaigns)), count_retried(session, list(campaigns))
    stored = {key: item for key, item in (stored or {}).items() if key in campaigns}
    counted = _count(session, [key for key in campaigns if key not in stored])
    counted |= {key: _of_stored(item) for key, item in stored.items()}
    stats = {
        key: _head(campaigns[key], types[key])
        | (figures := count_recipients(counted[key].groups, sum(counted[key].clicked.values())))
        | opt_out_figures(opt_outs_json(counted[key].opt_outs), figures["delivered"])
        | {"buttons": [button.to_json() for button in counted[key].buttons]}
        | {"steps": counted[key].steps, "retried": retried.get(key, 0)}
        | {"languages": language_figures(languages[key], counted[key].groups, figures, counted[key].clicked)}
        | ({"as_of": stored[key].counted_at.isoformat()} if key in stored else {})
        for key in campaign_ids
        if key in campaigns
    }
    add_conversions(session, stats, languages)
    return {key: figures | cost_figures(costs[key], figures) for key, figures in stats.items()}


@dataclass(frozen=True, slots=True)
class _Counted:
    """What the rows of a campaign say, or the sums of them."""

    groups: Sequence[Any] = ()
    buttons: Sequence[TappedButton] = ()
    opt_outs: Mapping[OptOutWay, int] = field(default_factory=dict)
    steps: Mapping[str, int] = field(default_factory=dict)
    clicked: Mapping[int | None, int] = field(default_factory=dict)


def _count(session: Session, campaign_ids: Sequence[int]) -> dict[int, _Counted]:
    groups: dict[int, list[Any]] = {}
    if campaign_ids:
        for group in session.execute(_groups(campaign_ids)):
            groups.setdefault(group.campaign_id, []).append(group)
    buttons, opt_outs = tapped_buttons(session, campaign_ids), count_opt_outs(session, campaign_ids)
    steps, clicked = count_steps(session, campaign_ids), clicked_by_cohort(session, campaign_ids)
    return {
        key: _Counted(
            groups.get(key, ()), buttons.get(key, ()), opt_outs.get(key, {}), steps.get(key, {}), clicked.get(key, {})
        )
        for key in campaign_ids
    }


def _of_stored(stored: StoredFigures) -> _Counted:
    figures = stored.figures
    return _Counted(
        figures.typed_groups(),
        in_order_of_message(
            TappedButton(*read_place(place), title, people) for (place, title), people in figures.taps.items()
        ),
        {OptOutWay(way): people for way, people in figures.opt_outs.items()},
        dict(sorted(figures.steps.items(), key=lambda item: (-item[1], item[0]))),
        figures.clicks,
    )


def count_recipients(groups: Iterable[Any], clicked: int = 0) -> dict[str, Any]:
    """Counts and percentages (0 to 100) from groups of (state, status, reason, is_replied, number), such as those of one language.

    `clicked` is how many people opened a tracked link.

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
        "received_pct": percentage(tally["delivered"], tally["sent"]),
        "read_pct": percentage(tally["read"], tally["delivered"]),
        "replied_pct": percentage(tally["replied"], tally["delivered"]),
        "clicked": clicked,
        "clicked_pct": percentage(clicked, tally["delivered"]),
    }


def opt_out_figures(by_way: dict[str, int], delivered: int) -> dict[str, Any]:
    """The public figures of who asked for an end because of the campaign: people, percentage of delivered, people by way."""
    people = sum(by_way.values())
    return {"opted_out": people, "opted_out_pct": percentage(people, delivered), "opted_out_by": by_way}


def language_figures(
    languages: Sequence[CampaignLanguage],
    groups: Sequence[Any],
    whole: dict[str, Any],
    clicked: Mapping[int | None, int],
) -> list[dict[str, Any]]:
    """The public JSON of each language: the same figures, sums over its cohorts. Of a single language they are the campaign's."""
    if len(languages) == 1 and languages[0].is_only:
        return [languages[0].to_json() | whole]
    return [
        language.to_json()
        | count_recipients(
            (group for group in groups if group.cohort_id in language.cohort_ids),
            sum(clicked.get(cohort_id, 0) for cohort_id in language.cohort_ids),
        )
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
    query = select(*GROUPED_BY, func.count().label("number")).where(Recipient.campaign_id.in_(campaign_ids))
    return query.group_by(*GROUPED_BY)


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
