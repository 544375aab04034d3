"""Renders what stands behind a campaign's signals: sources of consent, times of reading, and lists of people."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import abort, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.operations.signals.report import SignalReport, signal_report
from admin.panel.base import PAGE_ROWS, PanelView, page, positive
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.signals.people import SignalPerson, never_received, opted_out
from models.signals.reading_times import READ_DAYS, reading_times
from models.signals.rules import MIN_PEOPLE
from models.signals.sample import SAMPLE
from models.signals.sources import consent_sources
from models.tables.campaign import Campaign

PeopleQuery = Callable[[Session, Campaign, int, int], Sequence[SignalPerson]]


class SignalEvidence(PanelView):
    """The pages that the view of campaigns inherits."""

    @page("/<int:campaign_id>/signals/sources")
    def signal_sources(self, campaign_id: int) -> ResponseReturnValue:
        """The sources of its people's consent."""
        with self.rt.database.read() as session:
            campaign = _campaign(session, campaign_id)
            sources = consent_sources(session, campaign)
        return self.render("panel/signals/sources.html", campaign=campaign, sources=sources, most=SAMPLE)

    @page("/<int:campaign_id>/signals/reading-times")
    def signal_reading_times(self, campaign_id: int) -> ResponseReturnValue:
        """At which hours its people read."""
        with self.rt.database.read() as session:
            campaign = _campaign(session, campaign_id)
            times = reading_times(session, campaign, self.rt.settings.time_zone, utcnow())
        return self.render(
            "panel/signals/reading_times.html", campaign=campaign, times=times, most=SAMPLE, days=READ_DAYS
        )

    @page("/<int:campaign_id>/signals/never-received")
    def signal_never_received(self, campaign_id: int) -> ResponseReturnValue:
        """Whom it and every other campaign wrote to in vain."""
        title, lede = "Never received anything", "It wrote to them in vain, and no other campaign ever reached them."
        return self._signal_people(campaign_id, never_received, "signal_never_received", title, lede)

    @page("/<int:campaign_id>/signals/opt-outs")
    def signal_opt_outs(self, campaign_id: int) -> ResponseReturnValue:
        """Who opted out after they received it."""
        title, lede = "Opted out", "They received it and are unsubscribed since, within three days of its last message."
        return self._signal_people(campaign_id, opted_out, "signal_opt_outs", title, lede)

    def _signal_people(
        self, campaign_id: int, query: PeopleQuery, endpoint: str, title: str, lede: str
    ) -> ResponseReturnValue:
        after = positive("after")
        with self.rt.database.read() as session:
            campaign = _campaign(session, campaign_id)
            rows = query(session, campaign, after, PAGE_ROWS + 1)
        following = None
        if len(rows) > PAGE_ROWS:
            rows = rows[:PAGE_ROWS]
            following = url_for(f".{endpoint}", campaign_id=campaign_id, after=rows[-1].recipient_id)
        first = url_for(f".{endpoint}", campaign_id=campaign_id) if after else None
        return self.render(
            "panel/signals/people.html",
            campaign=campaign,
            rows=rows,
            following=following,
            first=first,
            title=title,
            lede=lede,
        )


def signals_part(rt: Runtime, campaign: Campaign) -> dict[str, Any]:
    """What the part of a campaign's page shows."""
    report: SignalReport | None = None
    if campaign.started_at is not None and campaign.kind.value == "real":
        with rt.database.read() as session:
            report = signal_report(session, campaign)
    return {"signals": report, "min_people": MIN_PEOPLE}


def _campaign(session: Session, campaign_id: int) -> Campaign:
    campaign = session.get(Campaign, campaign_id)
    if campaign is None or campaign.deleted_at is not None:
        abort(404)
    return campaign
