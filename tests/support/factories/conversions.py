"""Campaigns with goals, what their people did with the message, and refunds of what they ordered."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.conversions.derive import apply_changes
from models.conversions.goals import CampaignGoal, set_goals
from models.shop.refunds import NewRefund, store_refunds
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.contact import Contact
from models.tables.conversion import AttributionModel, Conversion, Touch
from models.tables.goal import GoalEvent
from models.tables.order import Order, in_milli
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW

WEEK = CampaignGoal(GoalEvent.PURCHASE, 7, True)


def at(minutes: float) -> datetime:
    """So many minutes after `NOW`, when messages are accepted."""
    return NOW + timedelta(minutes=minutes)


def campaign_with_goals(session: Session, *goals: CampaignGoal, **values: Any) -> Campaign:
    """A running campaign; without `goals` one purchase within seven days, with its money."""
    campaign = make_campaign(session, **({"status": CampaignStatus.ACTIVE} | values))
    set_goals(session, campaign.id, goals or (WEEK,))
    return campaign


def reached(
    session: Session,
    campaign: Campaign,
    contact: Contact,
    *,
    accepted: float = 0,
    delivered: float | None = 1,
    read: float | None = None,
) -> Recipient:
    """The contact got the campaign's message; times are minutes after `NOW`."""
    return make_recipient(
        session,
        campaign,
        contact,
        state=RecipientState.ACCEPTED,
        due_at=None,
        accepted_at=at(accepted),
        delivered_at=None if delivered is None else at(delivered),
        read_at=None if read is None else at(read),
    )


def refund(session: Session, order: Order, amount: float, name: str = "r1", currency: str | None = None) -> None:
    """The shop paid back a part of the order."""
    given = NewRefund(order.external_id, name, in_milli(amount), currency or order.currency, at(60))
    store_refunds(session, order.shop, [given], at(61))


def attributed(
    session: Session, model: AttributionModel = AttributionModel.LAST_TOUCH
) -> dict[int, tuple[int, Touch, int]]:
    """Attribute what changed, and return order → (campaign, touch, money after refunds in thousandths)."""
    while apply_changes(session):
        pass
    columns = (Conversion.order_id, Conversion.campaign_id, Conversion.touch)
    net = Conversion.total_milli - Conversion.refunded_milli
    rows = session.execute(select(*columns, net).where(Conversion.model == model))
    return {order_id: (campaign_id, touch, money) for order_id, campaign_id, touch, money in rows}
