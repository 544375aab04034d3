"""Shows what came of a campaign: the figures of its goals, and its orders with why each belongs to it."""

from datetime import datetime
from typing import Any

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from admin.panel.base import PAGE_ROWS, PanelView, page
from admin.panel.campaigns.facts import CampaignSummary, campaign_facts
from admin.panel.order_steps import tell_steps
from jobs.core.runtime import Runtime
from models.conversions.explanation import ExplainedOrder, list_conversions
from models.conversions.figures import conversions_of
from models.tables.conversion import AttributionModel
from models.tables.user import Role

NEWEST = 10
MODELS = {AttributionModel.LAST_TOUCH: "Last touch", AttributionModel.FIRST_TOUCH: "First touch"}


class CampaignConversionPages(PanelView):
    """The part "Conversions" of a campaign's page, and the list of its orders."""

    @page("/<int:campaign_id>/bought")
    def bought(self, campaign_id: int) -> ResponseReturnValue:
        """The figures, and for managers the newest orders, as a fragment."""
        facts = campaign_facts(self.rt, campaign_id, errors=False)
        shown = self._figures(facts)
        with self.rt.database.read() as session:
            limit = NEWEST + 1 if self.me.may(Role.MANAGER) else 0
            orders = list_conversions(session, campaign_id, limit=limit) if limit else []
        shown |= {"orders": told(self.rt, orders[:NEWEST]), "has_more": len(orders) > NEWEST}
        return render_template("panel/conversions/campaign.html", campaign=facts.campaign, me=self.me, **shown)

    @page("/<int:campaign_id>/conversions", Role.MANAGER)
    def conversions(self, campaign_id: int) -> ResponseReturnValue:
        """All orders of one model, the newest first, with keyset pagination."""
        facts = campaign_facts(self.rt, campaign_id, errors=False)
        wanted = request.args.get("model", "")
        model = AttributionModel(wanted) if wanted in set(AttributionModel) else AttributionModel.LAST_TOUCH
        with self.rt.database.read() as session:
            orders = list_conversions(session, campaign_id, model, before=_place(), limit=PAGE_ROWS + 1)
        following = None
        if len(orders) > PAGE_ROWS:
            orders = orders[:PAGE_ROWS]
            before, order = orders[-1].ordered_at.isoformat(), orders[-1].order_id
            following = url_for(".conversions", campaign_id=campaign_id, model=model.value, before=before, order=order)
        return self.render(
            "panel/conversions/orders.html",
            campaign=facts.campaign,
            model=model,
            models=MODELS,
            orders=told(self.rt, orders),
            following=following,
            **self._figures(facts),
        )

    def _figures(self, facts: CampaignSummary) -> dict[str, Any]:
        with self.rt.database.read() as session:
            found = {
                title: conversions_of(session, [facts.campaign.id], model).get(facts.campaign.id)
                for model, title in MODELS.items()
            }
        if None in found.values():
            abort(404)
        return {"figures": found, "goals": facts.goals, "delivered": facts.stats["delivered"]}


def told(rt: Runtime, orders: list[ExplainedOrder]) -> list[tuple[ExplainedOrder, str]]:
    """The orders, each with its line of what happened when."""
    return [(order, tell_steps(order.steps, rt.settings.time_zone)) for order in orders]


def _place() -> tuple[datetime, int] | None:
    """Time and id of the last order of the page before; None for the first page, or if the address was changed by hand."""
    at, order = request.args.get("before", ""), request.args.get("order", "")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    if moment.tzinfo is None or not order.isdecimal() or len(order) > 18:
        return None
    return moment, int(order)
