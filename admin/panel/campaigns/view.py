"""Renders the two lists of campaigns, one campaign's page and its live statistics."""

from typing import Any

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from admin.operations.billing import estimate_json
from admin.operations.follow_up.presets import PRESETS
from admin.panel.base import PAGE_ROWS, PanelView, page, positive
from admin.panel.campaigns.actions import CampaignActions
from admin.panel.campaigns.conversions import CampaignConversionPages
from admin.panel.campaigns.facts import STAGES, CampaignSummary, campaign_facts
from admin.panel.campaigns.follow_up import CampaignFollowUp
from admin.panel.campaigns.forms import CampaignForms
from admin.panel.campaigns.held_up import HeldUpActions
from admin.panel.campaigns.links import campaign_links, shown_place
from admin.panel.campaigns.people import CampaignPeople
from admin.panel.campaigns.previews import PEOPLE, PreviewChoice, campaign_preview, read_choice
from admin.panel.campaigns.retries import retry_notice
from admin.panel.charts import funnel
from admin.panel.home import read_webhooks
from admin.panel.live_costs import live_costs
from admin.panel.live_stats import live_stats
from admin.panel.signals.evidence import SignalEvidence, signals_part
from jobs.campaigns.flow_messages import flow_messages
from models.billing.estimate import estimate_cost
from models.campaigns.maximum_price import campaign_price_cap
from models.campaigns.preflight import PreflightFacts, preflight
from models.clock import utcnow
from models.tables.campaign import Campaign, CampaignKind
from models.tables.user import Role

PARTS = ("head", "notice", "languages", "progress", "funnel", "links", "signals", "left_out", "errors", "cost")


class CampaignView(
    CampaignForms,
    CampaignActions,
    CampaignFollowUp,
    HeldUpActions,
    CampaignPeople,
    CampaignConversionPages,
    SignalEvidence,
    PanelView,
):
    """Real and test campaigns, in separate lists."""

    icon = "campaigns"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Real campaigns, newest first."""
        return self._list(CampaignKind.REAL)

    @page("/tests")
    def tests(self) -> ResponseReturnValue:
        """Test campaigns, newest first."""
        return self._list(CampaignKind.TEST)

    @page("/<int:campaign_id>/")
    def show(self, campaign_id: int) -> ResponseReturnValue:
        """The page of one campaign."""
        facts = campaign_facts(self.rt, campaign_id)
        # Whose message it is, a viewer does not see: persons are for managers.
        choice = read_choice(request.args) if self.me.may(Role.MANAGER) else PreviewChoice()
        with self.rt.database.read() as session:
            preview = campaign_preview(session, facts.campaign, choice, self.rt.settings.time_zone)
        shown = self._context(facts) | {"preview": preview, "parts": PARTS, "checks": None}
        shown |= {"preview_people": list(PEOPLE.items()), "retry": retry_notice(self.rt, facts)}
        if request.args.get("check") and not facts.is_launched:
            shown |= self._checks(facts.campaign)
        return self.render("panel/campaign.html", **shown)

    @page("/<int:campaign_id>/live")
    def live(self, campaign_id: int) -> ResponseReturnValue:
        """The parts of the page that change, as HTML fragments by name, and the statistics."""
        facts = campaign_facts(self.rt, campaign_id)
        context = self._context(facts) | {"cost": self._cost(facts)}
        parts = {name: render_template(f"panel/campaign/{name}.html", **context) for name in PARTS}
        return {"stats": facts.stats, "parts": parts, "done": not facts.is_moving}

    @page("/<int:campaign_id>/checks")
    def checks(self, campaign_id: int) -> ResponseReturnValue:
        """The preflight as a fragment, since it takes a moment on a large audience."""
        facts = campaign_facts(self.rt, campaign_id, errors=False)
        return render_template("panel/campaign/checks.html", **self._context(facts), **self._checks(facts.campaign))

    @page("/<int:campaign_id>/cost")
    def cost(self, campaign_id: int) -> ResponseReturnValue:
        """The estimated and actual cost of a started campaign, as a fragment."""
        facts = campaign_facts(self.rt, campaign_id, errors=False)
        return render_template("panel/campaign/cost.html", **self._context(facts), cost=self._cost(facts))

    def _cost(self, facts: CampaignSummary) -> dict[str, Any] | None:
        return live_costs().get(self.rt, facts.campaign.id) if facts.is_launched else None

    def _list(self, kind: CampaignKind) -> str:
        before = positive("before")
        query = select(Campaign).where(Campaign.kind == kind, Campaign.deleted_at.is_(None))
        if before:
            query = query.where(Campaign.id < before)
        options = (joinedload(Campaign.number), joinedload(Campaign.template))
        with self.rt.database.read() as session:
            rows = list(session.scalars(query.options(*options).order_by(Campaign.id.desc()).limit(PAGE_ROWS + 1)))
        shown = rows[:PAGE_ROWS]
        stats = live_stats().get(self.rt, [row.id for row in shown])
        following = url_for(f".{'tests' if kind is CampaignKind.TEST else 'index'}", before=shown[-1].id)\
            if len(rows) > PAGE_ROWS else None  # fmt: skip
        return self.render(
            "panel/campaigns.html", campaigns=shown, stats=stats, kind=kind.value, following=following, before=before
        )

    def _context(self, facts: CampaignSummary) -> dict[str, Any]:
        counted = [facts.stats[stage] for stage in STAGES]
        return {
            "facts": facts,
            "campaign": facts.campaign,
            "stats": facts.stats,
            "me": self.me,
            "stages": STAGES,
            "shape": funnel(counted),
            "shown_place": shown_place,
            "links": campaign_links(self.rt, facts.campaign) if facts.is_launched else None,
            "presets": PRESETS,
        } | signals_part(self.rt, facts.campaign)

    def _checks(self, campaign: Campaign) -> dict[str, Any]:
        """The preflight, and the cost of the recipients that it counted."""
        webhooks = read_webhooks(self.rt)
        is_listening = webhooks.is_read if webhooks.backlog is not None else None
        with self.rt.database.read() as session:
            try:
                flow = flow_messages(session, campaign.flow_id)
                facts = PreflightFacts.of(self.rt.settings, is_listening=is_listening, flow_messages=flow)
                checks = preflight(session, campaign.id, utcnow(), facts)
            except LookupError:
                abort(404)
            cost = None
            if campaign.template is not None and checks.reach.areas is not None:
                # The preflight's session is another one than that of the campaign that was handed in.
                cap = campaign_price_cap(session, session.get_one(Campaign, campaign.id))
                estimate = estimate_cost(session, campaign.template.category, checks.reach.areas, utcnow(), cap)
                cost = estimate_json(session, campaign, estimate, utcnow())
        return {"checks": checks, "cost": cost}
