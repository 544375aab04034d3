"""Renders the list of reasons and its search."""

from flask import request
from flask.typing import ResponseReturnValue

from admin.panel.base import PanelView, page
from admin.panel.reasons.listing import ReasonGroup, find_reasons


class ReasonView(PanelView):
    """The page of errors and reasons."""

    icon = "reasons"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """All of them, or those with the words that were asked for."""
        asked = request.args.get("q", "").strip()[:200]
        found = find_reasons(asked)
        groups = [(group.value, [reason for reason in found if reason.group is group]) for group in ReasonGroup]
        return self.render("panel/reasons/index.html", asked=asked, groups=groups, found=found)
