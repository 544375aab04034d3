"""Renders the balance, the spending of campaigns and the rate card, and changes balance and rate card."""

import re
import tempfile
from pathlib import Path, PurePath
from typing import Any

from flask import flash, request
from flask.typing import ResponseReturnValue

from admin.operations.answers import answers_of_month
from admin.operations.billing import (
    budget_notice,
    load_rates,
    recent_spending,
    set_budget,
    show_budget,
    show_rates,
    turn_budget_off,
)
from admin.operations.rate_file import MAX_BYTES
from admin.panel.base import PanelView, action, back, page, sentence
from admin.panel.money.statement import StatementPages
from models.billing.price_types import FREE_PER_MONTH
from models.errors import OperatorError
from models.tables.user import Role

MAX_SHOWN = 500
_UNSAFE = re.compile(r"[^\w.() -]")


class MoneyView(StatementPages, PanelView):
    """The routes of the money page."""

    icon = "money"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """The money page."""
        return self._page()

    @action("/set", Role.ADMIN)
    def set(self) -> ResponseReturnValue:
        """Set the balance that may be spent from now on."""
        amount, currency = request.form.get("amount", ""), request.form.get("currency", "")
        try:
            set_budget(self.rt, amount, currency, self.me.email)
        except OperatorError as error:
            return self._page(budget_error=sentence(error), amount=amount, currency=currency), 400
        flash("From now on so much may be spent.", "good")
        return back(".index")

    @action("/off", Role.ADMIN)
    def off(self) -> ResponseReturnValue:
        """Remove the balance, so that nothing limits spending."""
        self.attempt("The balance is off.", lambda: turn_budget_off(self.rt, self.me.email))
        return back(".index")

    @action("/rates", Role.ADMIN)
    def rates(self) -> ResponseReturnValue:
        """Load an uploaded file as the rate card."""
        upload = request.files.get("file")
        with tempfile.TemporaryDirectory(prefix="hark-") as directory:
            try:
                if upload is None or not upload.filename:
                    raise OperatorError("Choose a file first.")
                name = (
                    _UNSAFE.sub("_", PurePath(upload.filename.replace("\\", "/")).name)[-100:].lstrip(".")
                    or "rates.csv"
                )
                path = Path(directory) / name
                path.write_bytes(upload.stream.read(MAX_BYTES + 1))
                loaded = load_rates(self.rt, path, self.me.email)
            except OperatorError as error:
                text = str(error).replace(f"{directory}/", "")
                return self._page(rates_error=sentence(text)), 400
        flash(f"{loaded['prices']} prices in {loaded['currency']} are in force.", "good")
        return back(".index")

    def _answers(self) -> dict[str, Any]:
        """What answers cost in the month of the address; this month's where it names none."""
        month = request.args.get("month", "").strip()
        try:
            return {"answers": answers_of_month(self.rt, month or None), "month_error": None}
        except OperatorError as error:
            return {"answers": answers_of_month(self.rt), "month_error": sentence(error)}

    def _page(self, **given: str) -> str:
        try:
            card = show_rates(self.rt)
        except OperatorError:
            card = None
        rows = [] if card is None else card["rates"]
        return self.render(
            "panel/money.html",
            budget=show_budget(self.rt),
            notice=budget_notice(self.rt),
            card=card,
            rates=rows[:MAX_SHOWN],
            more=max(0, len(rows) - MAX_SHOWN),
            spending=recent_spending(self.rt),
            free_per_month=FREE_PER_MONTH,
            given=given,
            **self._answers(),
        )
