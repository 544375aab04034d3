"""Says what the balance keeps a campaign from, and what it may not cover."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.audience.reach import Reach
from models.billing.balance import is_covered, read_balance
from models.billing.estimate import estimate_cost
from models.billing.expected_replies import FlowMessages
from models.campaigns.maximum_price import campaign_price_cap
from models.campaigns.preflight_check import PreflightCheck
from models.campaigns.reply_warning import replies_not_covered
from models.tables.campaign import Campaign
from models.tables.template import Template
from models.text import Text


def balance_checks(
    session: Session, campaign: Campaign, template: Template, reach: Reach, now: datetime, flow: FlowMessages | None
) -> tuple[list[PreflightCheck], list[PreflightCheck]]:
    """(blocking, warnings) about the balance; both are empty if no balance is set."""
    cost = estimate_cost(session, template.category, reach.areas or {}, now, campaign_price_cap(session, campaign))
    short, close = is_covered(session, campaign.id, cost.high)
    blocking = (
        [PreflightCheck("budget", short, "Raise the balance (flask budget set), or send to fewer people.")]
        if short
        else []
    )
    warnings = [PreflightCheck("budget", close, "Raise the balance before it is used up.")] if close else []
    if not short and (text := replies_not_covered(session, campaign, cost, flow, now)) is not None:
        remedy = "Raise the balance, or give the bot flow a budget: who replies is answered all the same."
        warnings.append(PreflightCheck("replies", text, remedy))
    if cost.unknown_people and read_balance(session) is not None:
        text = Text(
            "The price of {people} of them is unknown: the balance does not guard them.",
            {"people": cost.unknown_people},
        )
        warnings.append(
            PreflightCheck("price_unknown", text, "Load a rate card that names their countries (flask rates load).")
        )
    return blocking, warnings
