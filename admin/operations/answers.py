"""Says what messages of bots and agents cost, number by number and month, for command line and panel."""

import re
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from models.billing.amount import show_amount
from models.billing.answers import AnswerSums, stored_answer_sums
from models.billing.months import month_of
from models.billing.price_types import FREE_PER_MONTH
from models.clock import utcnow
from models.db.engine import zone_of
from models.errors import OperatorError
from models.tables.number import Number

_MONTH = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])")


def answers_of_month(rt: Runtime, month: str | None = None) -> dict[str, Any]:
    """Return `month` and `numbers`: what the answers of each number that had any cost; this month's without one.

    Raises OperatorError if `month` is none such as 2026-11.
    """
    with rt.database.read() as session:
        first_day = read_month(month) if month else month_of(utcnow(), zone_of(session))
        sums = stored_answer_sums(session, first_day)
        names = {row.id: row.name for row in session.execute(select(Number.id, Number.name))}
    numbers = [
        {"number_id": number_id, "number": names.get(number_id, str(number_id)), **_sums_json(item, currency)}
        for (number_id, _, currency), item in sorted(sums.items(), key=lambda pair: pair[0])
    ]
    return {"month": f"{first_day:%Y-%m}", "numbers": numbers}


def free_answers(session: Session, number_id: int, now: datetime) -> dict[str, Any]:
    """Return the number's free service messages of this month: `month`, `free_used` and `free_left`, as Meta has said so far."""
    month = month_of(now, zone_of(session))
    stored = stored_answer_sums(session, month)
    used = sum(item.free for (number, _, _), item in stored.items() if number == number_id)
    return {"month": f"{month:%Y-%m}", "free_used": used, "free_left": max(0, FREE_PER_MONTH - used)}


def read_month(text: str) -> date:
    """Return the first day of a month such as 2026-11. Raises OperatorError if it is none."""
    match = _MONTH.fullmatch(text.strip())
    if match is None:
        raise OperatorError("month={month}: allowed is a month such as 2026-11", month=text[:40])
    return date(int(match[1]), int(match[2]), 1)


def _sums_json(sums: AnswerSums, currency: str) -> dict[str, Any]:
    """The public form; `charged` is null where no price is known, never 0 for unknown."""
    counts = {field.name: getattr(sums, field.name) for field in fields(sums) if field.name != "charged"}
    is_unknown = sums.charged == 0 and (sums.unpriced or sums.untold)
    delivered = sums.billed + sums.free + sums.free_entry_point + sums.free_other + sums.untold
    return {
        "currency": currency or None,
        "charged": None if is_unknown else show_amount(sums.charged),
        "delivered": delivered,
        **counts,
    }
