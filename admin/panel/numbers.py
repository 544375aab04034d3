"""Renders our numbers with their state, and adds, refreshes, resumes and limits them."""

from typing import Any

from flask import flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from admin.operations.marketing_api import marketing_setting, refresh_marketing, set_marketing_api
from admin.operations.numbers import add_number, change_speed, resume_number
from admin.panel.base import PanelView, action, back, page, sentence
from jobs.maintenance.meta_sync import read_number
from models.clock import utcnow
from models.errors import OperatorError
from models.sending.messaging_limit import SPAN
from models.sending.number_rate import is_as_meta_says, number_rate
from models.tables.engagement import LedgerEntry
from models.tables.number import Number
from models.tables.user import Role

FIELDS = ("name", "phone_number_id", "waba_id", "display_phone")


class NumberView(PanelView):
    """The routes of the numbers from which messages are sent."""

    icon = "numbers"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """The list of numbers with their state."""
        return self._page({}, {})

    @action("/add", Role.ADMIN)
    def add(self) -> ResponseReturnValue:
        """Add a number after checking it at Meta; an existing one gets the new name and token."""
        given = {name: request.form.get(name, "").strip() for name in FIELDS}
        try:
            added = add_number(
                self.rt,
                name=given["name"],
                phone_number_id=given["phone_number_id"],
                waba_id=given["waba_id"],
                display_phone=given["display_phone"] or None,
                token=request.form.get("token", "").strip(),
                actor=self.me.email,
            )
        except OperatorError as error:
            return self._page(given, _by_field(str(error))), 400
        flash(f"{given['name']} is {'added' if added.is_new else 'up to date'}. Webhooks: {added.webhooks}.", "good")
        return back(".index")

    @action("/<int:number_id>/read", Role.MANAGER)
    def read(self, number_id: int) -> ResponseReturnValue:
        """Read the number's state from Meta."""
        if self.attempt(None, lambda: read_number(self.rt, number_id, utcnow())):
            self.attempt("Read from Meta just now.", lambda: refresh_marketing(self.rt, number_id))
        return back(".index")

    @action("/<int:number_id>/resume", Role.ADMIN)
    def resume(self, number_id: int) -> ResponseReturnValue:
        """Let a stopped number send again."""
        self.attempt("It may send again.", lambda: resume_number(self.rt, number_id, self.me.email))
        return back(".index")

    @action("/<int:number_id>/speed", Role.ADMIN)
    def speed(self, number_id: int) -> ResponseReturnValue:
        """Set how many messages per second it does; an empty field: as Meta says."""
        text = request.form.get("per_second", "").strip()
        speed = None if not text else int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
        self.attempt("Saved.", lambda: change_speed(self.rt, number_id, speed, self.me.email))
        return back(".index")

    @action("/<int:number_id>/marketing", Role.ADMIN)
    def marketing(self, number_id: int) -> ResponseReturnValue:
        """Choose by which of Meta's endpoints the number sends marketing."""
        policy = request.form.get("policy", "").strip() or None
        shares = {"yes": True, "no": False}.get(request.form.get("shares", ""))
        self.attempt("Saved.", lambda: set_marketing_api(self.rt, number_id, policy, shares, self.me.email))
        return back(".index")

    def _page(self, given: dict[str, str], errors: dict[str, str]) -> str:
        now = utcnow()
        with self.rt.database.read() as session:
            numbers = list(session.scalars(select(Number).options(joinedload(Number.waba)).order_by(Number.name)))
            rows = session.execute(
                select(LedgerEntry.portfolio_id, func.count())
                .where(LedgerEntry.first_at > now - SPAN)
                .group_by(LedgerEntry.portfolio_id)
            )
            used = dict(rows.all())
            marketing = {number.id: marketing_setting(number) for number in numbers}
            limits: dict[int, Any] = {number.id: number.waba.portfolio.messaging_limit for number in numbers}
        return self.render(
            "panel/numbers.html", numbers=numbers, used=used, limits=limits, given=given, errors=errors, now=now,
            public_url=self.rt.settings.public_url, number_rate=number_rate, is_as_meta_says=is_as_meta_says,
            marketing=marketing,
        )  # fmt: skip


def _by_field(line: str) -> dict[str, str]:
    for field in FIELDS:
        prefix = field.replace("_", "-")
        if line.startswith((f"{prefix}=", f"{prefix}:")):
            text = line.partition(": ")[2] or line
            return {field: text[:1].upper() + text[1:]}
    return {"": sentence(ValueError(line))}
