"""Chooses people of a campaign by what became of their message: the figures of its page, and what can be made of them.

A figure has one condition, which the list behind it, its export and the rule of a segment share, so that all of them name the same
people.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, true
from sqlalchemy.orm import aliased

from models.db.functions import Probe
from models.errors import OperatorError
from models.tables.recipient import NOT_SENT_TEXT, NotSent, Recipient, RecipientState
from models.tables.recipient_tap import RecipientTap

S = RecipientState
_ACCEPTED = (S.ACCEPTED, S.HELD)
Row = Any
"""The table of recipients, or an alias of it."""


class CampaignFigure(StrEnum):
    """A figure of a campaign: a number of its people."""

    CANDIDATES = "candidates"
    ELIGIBLE = "eligible"
    QUEUED = "queued"
    SENDING = "sending"
    UNSURE = "unsure"
    HELD = "held"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    REPLIED = "replied"
    TAPPED = "tapped"
    FAILED = "failed"
    NOT_SENT = "not_sent"


F = CampaignFigure
FIGURE_NAMES: Mapping[CampaignFigure, str] = {
    F.CANDIDATES: "In the audience",
    F.ELIGIBLE: "Eligible",
    F.QUEUED: "Queued",
    F.SENDING: "Sending",
    F.UNSURE: "Unsure",
    F.HELD: "Held by Meta",
    F.SENT: "Accepted by Meta",
    F.DELIVERED: "Delivered",
    F.READ: "Read",
    F.REPLIED: "Replied",
    F.TAPPED: "Tapped a button",
    F.FAILED: "Failed",
    F.NOT_SENT: "Not sent",
}
LACKS_NAMES: Mapping[CampaignFigure, str] = {
    F.ELIGIBLE: "not eligible",
    F.QUEUED: "not queued",
    F.SENDING: "not sending",
    F.UNSURE: "not unsure",
    F.HELD: "not held by Meta",
    F.SENT: "not accepted by Meta",
    F.DELIVERED: "not delivered",
    F.READ: "not read",
    F.REPLIED: "no reply",
    F.TAPPED: "no button tapped",
    F.FAILED: "not failed",
    F.NOT_SENT: "not left out",
}


def _in(states: Sequence[RecipientState], *statuses: str) -> Callable[[Row], ColumnElement[bool]]:
    def condition(row: Row) -> ColumnElement[bool]:
        in_state: ColumnElement[bool] = row.state.in_(states)
        return and_(in_state, row.status.in_(statuses)) if statuses else in_state

    return condition


def _tapped(row: Row) -> ColumnElement[bool]:
    tap = aliased(RecipientTap)
    return Probe().where(tap.recipient_id == row.id)


_CONDITIONS: Mapping[CampaignFigure, Callable[[Row], ColumnElement[bool]]] = {
    F.CANDIDATES: lambda _row: true(),
    F.ELIGIBLE: _in([state for state in S if state is not S.NOT_SENT]),
    F.QUEUED: _in([S.QUEUED]),
    F.SENDING: _in([S.SENDING]),
    F.UNSURE: _in([S.UNSURE]),
    F.HELD: _in([S.HELD], "held"),
    F.SENT: _in(_ACCEPTED, "sent", "delivered", "read", "failed"),
    F.DELIVERED: _in(_ACCEPTED, "delivered", "read"),
    F.READ: _in(_ACCEPTED, "read"),
    F.REPLIED: lambda row: row.is_replied.is_(True),
    F.TAPPED: _tapped,
    F.FAILED: _in([S.REFUSED, *_ACCEPTED], "failed"),
    F.NOT_SENT: _in([S.NOT_SENT]),
}
BUTTON = re.compile(r"[0-9]{1,2}(\.[0-9]{1,2})?")
"""The place of a button, as `RecipientTap.place` has it."""
MAX_CODES = 20


def figure_condition(
    figure: CampaignFigure,
    row: Row,
    *,
    reason: NotSent | None = None,
    code: int | None = None,
    button: str | None = None,
) -> ColumnElement[bool]:
    """Return the condition that a recipient counts in the figure.

    `reason` narrows NOT_SENT, `code` (an error of Meta) FAILED and `button` (its place) TAPPED.
    """
    if figure is F.TAPPED and button is not None:
        tap = aliased(RecipientTap)
        return Probe().where(tap.recipient_id == row.id, tap.place == button)
    condition = _CONDITIONS[figure](row)
    if figure is F.NOT_SENT and reason is not None:
        condition = and_(condition, row.reason == reason)
    if figure is F.FAILED and code is not None:
        condition = and_(condition, func.coalesce(row.error_code, 0) == code)
    return condition


@dataclass(frozen=True, slots=True)
class PeopleChoice:
    """People of one campaign: those of all figures in `has` and of none in `lacks`. The first of `has` says whom it is about."""

    has: tuple[CampaignFigure, ...] = (F.CANDIDATES,)
    lacks: tuple[CampaignFigure, ...] = ()
    reason: NotSent | None = None
    codes: tuple[int, ...] = ()
    """Failed with any of these errors of Meta; empty: with any."""
    button: str | None = None

    def conditions(self, row: Row = Recipient) -> list[ColumnElement[bool]]:
        """Return what must hold of a recipient of the campaign."""
        found = [self._condition(figure, row) for figure in self.has]
        return found + [not_(self._condition(figure, row)) for figure in self.lacks]

    def _condition(self, figure: CampaignFigure, row: Row) -> ColumnElement[bool]:
        condition = figure_condition(figure, row, reason=self.reason, button=self.button)
        if not self._has_codes(figure):
            return condition
        return and_(condition, func.coalesce(row.error_code, 0).in_(self.codes))

    def rule(self, campaign_id: int) -> dict[str, Any]:
        """Return the rule of a segment of these people, in the public form of models.segments.rule."""
        shared = [self._rule_item(figure, "is", campaign_id) for figure in self.has if not self._has_codes(figure)]
        shared += [self._rule_item(figure, "is_not", campaign_id) for figure in self.lacks]
        if F.FAILED in self.has and self.codes:
            failed = [self._rule_item(F.FAILED, "is", campaign_id) | {"code": code} for code in self.codes]
            return {"any": [{"all": [*shared, item]} for item in failed]}
        return {"any": [{"all": shared}]}

    def _has_codes(self, figure: CampaignFigure) -> bool:
        return figure is F.FAILED and bool(self.codes)

    def _rule_item(self, figure: CampaignFigure, op: str, campaign_id: int) -> dict[str, Any]:
        item: dict[str, Any] = {"on": "campaign", "op": op, "value": figure.value, "campaign": campaign_id}
        if figure is F.NOT_SENT and self.reason is not None:
            item["reason"] = self.reason.value
        if figure is F.TAPPED and self.button is not None:
            item["button"] = self.button
        return item

    @property
    def name(self) -> str:
        """Return what they are called: `Read, no reply`."""
        parts = [FIGURE_NAMES[self.has[0]], *(FIGURE_NAMES[figure].lower() for figure in self.has[1:])]
        parts += [LACKS_NAMES.get(figure, figure.value) for figure in self.lacks]
        if self.reason is not None:
            parts.append(NOT_SENT_TEXT[self.reason].rstrip(".").lower())
        if self.codes:
            parts.append(f"error {', '.join(map(str, self.codes))}" if len(self.codes) <= 3 else "a passing reason")
        if self.button is not None:
            parts.append(f"button {self.button}")
        return ", ".join(parts)

    def to_fields(self) -> dict[str, str]:
        """Return it as fields of a form or an address; `read_choice` reads them."""
        fields = {"status": ",".join([*self.has, *(f"-{figure}" for figure in self.lacks)])}
        if self.reason is not None:
            fields["reason"] = self.reason.value
        if self.codes:
            fields["codes"] = ",".join(map(str, self.codes))
        if self.button is not None:
            fields["button"] = self.button
        return fields


def read_people_choice(fields: Mapping[str, Any]) -> PeopleChoice:
    """Return the choice that these fields name; without any everybody in the campaign.

    Raises OperatorError if one of them is wrong.
    """
    has: list[CampaignFigure] = []
    lacks: list[CampaignFigure] = []
    for word in filter(None, str(fields.get("status") or "").split(",")):
        name = word.removeprefix("-")
        if name not in set(CampaignFigure) or (word != name and name == F.CANDIDATES):
            raise OperatorError("status={word}: allowed are {names}", word=word[:40], names=", ".join(CampaignFigure))
        (has if word == name else lacks).append(CampaignFigure(name))
    reason, button = str(fields.get("reason") or ""), str(fields.get("button") or "")
    if reason and reason not in set(NotSent):
        raise OperatorError("reason={reason}: allowed are {names}", reason=reason[:40], names=", ".join(NotSent))
    codes = list(filter(None, str(fields.get("codes") or "").split(",")))
    if len(codes) > MAX_CODES or not all(code.isascii() and code.isdigit() and len(code) < 10 for code in codes):
        raise OperatorError("codes: allowed are up to {most} codes of errors, separated by commas", most=MAX_CODES)
    if button and not BUTTON.fullmatch(button):
        raise OperatorError("button={button}: allowed is the place of a button, such as 1 or 2.0", button=button[:40])
    if reason:
        has = has or [F.NOT_SENT]
    return PeopleChoice(
        tuple(has) or (F.CANDIDATES,),
        tuple(lacks),
        NotSent(reason) if reason else None,
        tuple(map(int, codes)),
        button or None,
    )
