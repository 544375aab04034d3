"""Puts campaigns side by side: their statistics with intervals, and what happened in each hour since the first message."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs.core.runtime import Runtime
from models.campaigns.stats import stats_of
from models.errors import OperatorError
from models.results.curve import Curve
from models.results.intervals import PeopleShare, Verdict
from models.results.stored import stored_figures, stored_result
from models.results.trends import Measure
from models.tables.campaign import CampaignNotFoundError

FEWEST, MOST = 2, 5
HOURS = 72
"""How many hours since the first message are compared."""


@dataclass(frozen=True)
class Compared:
    """One of the campaigns."""

    stats: dict[str, Any]
    curve: Curve

    def rate(self, measure: Measure) -> PeopleShare:
        """The rate of its people."""
        return PeopleShare(int(self.stats[measure.value]), int(self.stats[measure.of]))

    def hourly(self, measure: Measure) -> list[float | None]:
        """The rate's percentage of all who were sent the message, at the end of each hour since the first; opt-outs have none."""
        if measure is Measure.OPTED_OUT:
            return []
        people, sent = self.curve.since_start()[measure.value], sum(self.curve.hours["sent"].values())
        return [PeopleShare(number, sent).pct for number in people[:HOURS]] if sent else []


def compare_campaigns(rt: Runtime, campaign_ids: Sequence[int]) -> list[Compared]:
    """The campaigns in the given order. Raises OperatorError unless they are two to five, each named once and started."""
    if not FEWEST <= len(campaign_ids) <= MOST:
        raise OperatorError("name {fewest} to {most} campaigns", fewest=FEWEST, most=MOST)
    if len(set(campaign_ids)) != len(campaign_ids):
        raise OperatorError("each campaign can be named only once")
    with rt.database.read() as session:
        stats = stats_of(session, campaign_ids, stored_figures(session, campaign_ids))
        for campaign_id in campaign_ids:
            if campaign_id not in stats:
                raise CampaignNotFoundError(campaign_id)
            if not stats[campaign_id]["candidates"]:
                raise OperatorError(
                    "campaign {campaign_id}: it has nobody to compare; start it first", campaign_id=campaign_id
                )
        return [Compared(stats[key], stored_result(session, key).curve) for key in campaign_ids]


def verdict_of(compared: Compared, first: Compared, measure: Measure) -> Verdict:
    """How a campaign compares with the first one."""
    return compared.rate(measure).against(first.rate(measure))


def compared_json(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """The public form: the statistics of each, with `intervals` (percent, low and high) and `against_first` (a Verdict)."""
    return [
        it.stats
        | {
            "intervals": {f"{measure.value}_pct": list(it.rate(measure).interval) for measure in Measure},
            "against_first": {}
            if it is compared[0]
            else {measure.value: verdict_of(it, compared[0], measure).value for measure in Measure},
        }
        for it in compared
    ]
