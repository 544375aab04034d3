"""Renders the table of signals: what each compares, with which threshold, and from what that was learnt."""

from flask.typing import ResponseReturnValue

from admin.operations.signals.report import rules_in_force
from admin.panel.base import PanelView, page
from models.signals.learn import MAX_CAMPAIGNS, MIN_CAMPAIGNS
from models.signals.rules import MIN_PEOPLE


class SignalView(PanelView):
    """The page of the rules by which signals are shown."""

    icon = "signals"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Every rule with its threshold for each type of campaign."""
        with self.rt.database.read() as session:
            rules = rules_in_force(session)
        return self.render(
            "panel/signals/rules.html", rules=rules, min_people=MIN_PEOPLE, least=MIN_CAMPAIGNS, most=MAX_CAMPAIGNS
        )
