"""Renders trends, comparisons and a campaign's curve, and gives the data behind each as CSV."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin.operations.results.compare import FEWEST, MOST, Compared, compare_campaigns, verdict_of
from admin.operations.results.tables import (
    COMPARE_COLUMNS,
    CURVE_COLUMNS,
    TREND_COLUMNS,
    as_csv,
    compare_rows,
    curve_rows,
    trend_rows,
)
from admin.panel.base import PanelView, back, page, positive, sentence
from admin.panel.live_stats import live_stats
from admin.panel.results.line_chart import Line, line_chart
from models.clock import utcnow
from models.errors import OperatorError
from models.results.curve import Point, Resolution
from models.results.figures import FACTS
from models.results.intervals import TOO_FEW, Verdict
from models.results.stored import StoredResult, stored_result
from models.results.trends import Dimension, Measure, TrendFilter, Trends, read_trends
from models.tables.campaign import Campaign, CampaignKind, CampaignType
from models.tables.number import Number
from models.tables.recipient_opt_out import OptOutWay

PERIODS = {30: "the last 30 days", 90: "the last 90 days", 365: "the last year", 3650: "all the time"}
MEASURES = {
    Measure.DELIVERED: "Delivered, of sent",
    Measure.READ: "Read, of delivered",
    Measure.CLICKED: "Clicked, of delivered",
    Measure.REPLIED: "Replied, of delivered",
    Measure.OPTED_OUT: "Opted out, of delivered",
}
VERDICTS = {
    Verdict.TOO_FEW: "too few to tell",
    Verdict.NO_DIFFERENCE: "no clear difference",
    Verdict.HIGHER: "higher",
    Verdict.LOWER: "lower",
}
WAYS = {
    OptOutWay.STOP_WORD: "Wrote STOP",
    OptOutWay.BUTTON: "Pressed an opt-out button",
    OptOutWay.AGENT: "Unsubscribed by an agent, for what they wrote",
    OptOutWay.WHATSAPP: "Stopped your marketing inside WhatsApp",
}
OFFERED = 200
"""How many of the newest campaigns can be chosen for a comparison."""


class ResultView(PanelView):
    """Results across campaigns and of one."""

    icon = "results"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """The trends."""
        trends, chosen, now = self._trends()
        measure = _choice(Measure, "measure", Measure.READ)
        rates = [row.rate(measure) for row in trends.weeks]
        line = Line(
            MEASURES[measure],
            [rate.pct if rate.is_enough else None for rate in rates],
            [rate.interval if rate.is_enough else None for rate in rates],
        )
        weeks = [row.label for row in trends.weeks]
        with self.rt.database.read() as session:
            numbers = session.execute(select(Number.id, Number.name).order_by(Number.name, Number.id)).all()
        return self.render(
            "panel/results/trends.html",
            trends=trends,
            chart=line_chart("trend", f"{MEASURES[measure]}, by week", [line], weeks, "%"),
            measure=measure,
            measures=MEASURES,
            verdicts=VERDICTS,
            dimensions=list(Dimension),
            periods=PERIODS,
            days=_days(),
            numbers=[(str(row.id), row.name) for row in numbers],
            number=chosen.number_id,
            kinds=list(CampaignType),
            too_few=TOO_FEW,
            now=now,
        )

    @page("/trends.csv")
    def trends_csv(self) -> ResponseReturnValue:
        """The data of the trends."""
        return _csv("trends.csv", TREND_COLUMNS, trend_rows(self._trends()[0]))

    @page("/compare")
    def compare(self) -> ResponseReturnValue:
        """Campaigns side by side."""
        ids, error = _ids(), None
        compared: list[Compared] = []
        if ids:
            try:
                compared = compare_campaigns(self.rt, ids)
            except OperatorError as refused:
                error = sentence(refused)
        measure = _choice(Measure, "measure", Measure.READ)
        if measure is Measure.OPTED_OUT:
            measure = Measure.READ
        lines = [Line(it.stats["name"], it.hourly(measure)) for it in compared]
        hours = [str(hour) for hour in range(1, max([len(line.values) for line in lines], default=0) + 1)]
        title = f"{measure.value.capitalize()}, percent of all who were sent it, by hours since the first message"
        page_html = self.render(
            "panel/results/compare.html",
            compared=compared,
            chart=line_chart("compare", title, lines, hours, "%") if compared else None,
            hours=hours,
            lines=lines,
            measure=measure,
            measures=MEASURES,
            verdicts=VERDICTS,
            verdict_of=verdict_of,
            all_measures=list(Measure),
            offered=self._offered(),
            ids=ids,
            fewest=FEWEST,
            most=MOST,
            error=error,
            too_few=TOO_FEW,
        )
        return (page_html, 400) if error else page_html

    @page("/compare.csv")
    def compare_csv(self) -> ResponseReturnValue:
        """The data of a comparison."""
        try:
            compared = compare_campaigns(self.rt, _ids())
        except OperatorError as error:
            flash(sentence(error), "bad")
            return back(".compare")
        return _csv("comparison.csv", COMPARE_COLUMNS, compare_rows(compared))

    @page("/campaigns/<int:campaign_id>/")
    def campaign(self, campaign_id: int) -> ResponseReturnValue:
        """A campaign's curve."""
        campaign, result = self._campaign(campaign_id)
        resolution, points = self._points(result)
        labels = [_label(point, resolution) for point in points]
        lines = [Line(fact.capitalize(), [float(point.people[fact]) for point in points]) for fact in FACTS]
        title = f"{campaign.name}: people per {resolution.value}"
        return self.render(
            "panel/results/curve.html",
            campaign=campaign,
            result=result,
            resolution=resolution,
            resolutions=list(Resolution),
            points=points,
            labels=labels,
            facts=FACTS,
            chart=line_chart("curve", title, lines, labels) if points else None,
        )

    @page("/campaigns/<int:campaign_id>/curve.csv")
    def curve_csv(self, campaign_id: int) -> ResponseReturnValue:
        """The data of a campaign's curve."""
        _campaign, result = self._campaign(campaign_id)
        _resolution, points = self._points(result)
        return _csv(f"campaign-{campaign_id}-curve.csv", CURVE_COLUMNS, curve_rows(points))

    @page("/campaigns/<int:campaign_id>/part")
    def part(self, campaign_id: int) -> ResponseReturnValue:
        """What a campaign's page shows of its results, as a fragment."""
        campaign, result = self._campaign(campaign_id)
        stats = live_stats().get(self.rt, [campaign_id]).get(campaign_id)
        if stats is None:
            abort(404)
        ways = [(WAYS[OptOutWay(way)], people) for way, people in stats["opted_out_by"].items()]
        as_of = datetime.fromisoformat(stats["as_of"]) if "as_of" in stats else None
        return render_template(
            "panel/results/part.html", campaign=campaign, stats=stats, steps=result.steps, ways=ways, as_of=as_of
        )

    def _trends(self) -> tuple[Trends, TrendFilter, datetime]:
        now = utcnow()
        kind = request.args.get("type", "")
        chosen = TrendFilter(
            since=now - timedelta(days=_days()),
            until=now,
            type=CampaignType(kind) if kind in list(CampaignType) else None,
            number_id=positive("number") or None,
        )
        with self.rt.database.read() as session:
            return read_trends(session, chosen, now, self._zone()), chosen, now

    def _campaign(self, campaign_id: int) -> tuple[Campaign, StoredResult]:
        with self.rt.database.read() as session:
            campaign = session.get(Campaign, campaign_id)
            if campaign is None or campaign.deleted_at is not None:
                abort(404)
            return campaign, stored_result(session, campaign_id)

    def _points(self, result: StoredResult) -> tuple[Resolution, list[Point]]:
        resolution = _choice(Resolution, "by", result.curve.resolution())
        return resolution, result.curve.points(resolution, self._zone())

    def _offered(self) -> list[tuple[str, str]]:
        query = select(Campaign.id, Campaign.name).where(
            Campaign.kind == CampaignKind.REAL, Campaign.deleted_at.is_(None), Campaign.started_at.is_not(None)
        )
        with self.rt.database.read() as session:
            rows = session.execute(query.order_by(Campaign.id.desc()).limit(OFFERED)).all()
        return [(str(row.id), f"{row.id} · {row.name}") for row in rows]

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.rt.settings.time_zone)


def _choice(kind: Any, name: str, otherwise: Any) -> Any:
    value = request.args.get(name, "")
    return kind(value) if value in list(kind) else otherwise


def _days() -> int:
    days = positive("days")
    return days if days in PERIODS else 90


def _ids() -> list[int]:
    """The campaigns of the address, in its order; empty fields are left out, and so is what is no number."""
    texts = [text for text in request.args.getlist("id") if text.isascii() and text.isdigit() and len(text) < 10]
    return [int(text) for text in texts]


def _label(point: Point, resolution: Resolution) -> str:
    if resolution is Resolution.DAY:
        return f"{point.at:%Y-%m-%d}"
    return f"{point.at:%d %b %H:%M}" if resolution is Resolution.HOUR else f"{point.at:%H:%M}"


def _csv(name: str, columns: Sequence[str], rows: Any) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(as_csv(columns, rows), mimetype="text/csv", headers=headers)
