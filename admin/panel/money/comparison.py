"""Renders how a month compares with Meta's own analytics, and asks Meta anew."""

from flask import flash, request
from flask.typing import ResponseReturnValue

from admin.operations.money.comparison import compare_month, read_now
from admin.panel.base import PanelView, action, back, page, sentence
from models.errors import OperatorError
from models.tables.user import Role


class ComparisonPages(PanelView):
    """The routes of the comparison with Meta's books."""

    @page("/meta")
    def meta(self) -> ResponseReturnValue:
        """The comparison of the month of the address; this month's where it names none."""
        month = request.args.get("month", "").strip()
        try:
            found, error = compare_month(self.rt, month or None), None
        except OperatorError as problem:
            found, error = compare_month(self.rt), sentence(problem)
        text = self.render("panel/money/comparison.html", found=found, month_error=error, given_month=month)
        return text, 400 if error else 200

    @action("/meta/read", Role.MANAGER)
    def read_meta(self) -> ResponseReturnValue:
        """Read the last days at Meta now."""
        try:
            refused = read_now(self.rt)
        except OperatorError as error:
            refused = [str(error)]
        if refused:
            flash(" ".join(sentence(text) for text in refused), "bad")
        else:
            flash("Meta's figures of the last days are here.", "good")
        return back(".meta")
