"""Says what answers to the campaigns that run will probably still cost, beside the balance."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from admin.operations.billing import estimate_campaign
from jobs.core.runtime import Runtime
from models.billing.amount import MICRO, show_amount
from models.billing.reply_history import replied_people
from models.errors import OperatorError
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus


def running_replies(rt: Runtime, estimates: Callable[[int], Mapping[str, Any] | None] | None = None) -> dict[str, Any]:
    """What answers to the active campaigns will probably still cost: `expected` (null if unknown), `currency`, `campaigns`.

    Who has replied already is taken off. It is an estimate, and in no sum of the balance. `estimates` returns a campaign's
    `estimate_campaign`, which is made anew without it.
    """
    with rt.database.read() as session:
        query = select(Campaign.id, Campaign.name).where(
            Campaign.status == CampaignStatus.ACTIVE, Campaign.kind == CampaignKind.REAL, Campaign.deleted_at.is_(None)
        )
        active = session.execute(query.order_by(Campaign.id)).all()
        replied = {row.id: replied_people(session, row.id) for row in active}
    lines: list[dict[str, Any]] = []
    for row in active:
        estimate = estimates(row.id) if estimates else _estimated(rt, row.id)
        replies = (estimate or {}).get("replies")
        if replies is not None:
            lines.append({"id": row.id, "name": row.name, **_still_expected(replies, replied[row.id])})
    known = [line for line in lines if line["expected"] is not None]
    total = sum((Decimal(line["expected"]) for line in known), Decimal())
    return {
        "currency": known[0]["currency"] if known else None,
        "expected": show_amount(int(total * MICRO)) if known and len({it["currency"] for it in known}) == 1 else None,
        "campaigns": lines,
    }


def _estimated(rt: Runtime, campaign_id: int) -> dict[str, Any] | None:
    try:
        return estimate_campaign(rt, campaign_id)
    except OperatorError:  # an older version started it without a price, and its parts are gone
        return None


def _still_expected(replies: Mapping[str, Any], replied: int) -> dict[str, Any]:
    people = replies["people"]["expected"]
    left = max(0, people - replied)
    cost = replies["expected"]
    rest = None if cost is None else int(Decimal(cost) * MICRO * left / people) if people else 0
    return {"people": left, "currency": replies["currency"], "expected": None if rest is None else show_amount(rest)}
