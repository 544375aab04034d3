"""Estimates what the campaign of the form, as it is filled in, would cost, and the answers to it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations.billing import estimate_json
from admin.panel.campaigns.reach_estimate import estimate_campaign
from models.audience.reach import Reach
from models.billing.amount import read_amount
from models.billing.estimate import estimate_cost
from models.campaigns.maximum_price import campaign_price_cap
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.flow import Flow
from models.tables.number import Number
from models.tables.template import Template


def estimated_cost(
    session: Session, draft: Mapping[str, Any], number: Number | None, template: Template | None, reach: Reach | None
) -> dict[str, Any] | None:
    """The public form of the estimate for whom the form would reach; None without a reach, or if nothing can be told."""
    if number is None or template is None or reach is None:
        return None
    with session.no_autoflush:
        campaign = estimate_campaign(session, draft, number, template)
        campaign.number = number
        campaign.flow_id = session.scalar(select(Flow.id).where(Flow.name == str(draft.get("flow") or "")))
        try:
            campaign.max_price = (
                read_amount((draft.get("max_price") or {}).get("amount")) if draft.get("max_price") else None
            )
            cap = campaign_price_cap(session, campaign)
        except OperatorError:  # the form says at its field what is wrong with it
            return None
        now = utcnow()
        return estimate_json(
            session, campaign, estimate_cost(session, template.category, reach.areas or {}, now, cap), now
        )
