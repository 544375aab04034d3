"""Warns before a start that the balance will probably not cover the answers to a campaign, which are charged to it as well."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.billing.answers import free_answers_left
from models.billing.balance import read_balance
from models.billing.estimate import Estimate
from models.billing.expected_replies import FlowMessages, estimate_replies
from models.billing.reply_history import reply_history
from models.tables.billing import Spending
from models.tables.campaign import Campaign
from models.text import Text


def replies_not_covered(
    session: Session, campaign: Campaign, cost: Estimate, flow: FlowMessages | None, now: datetime
) -> Text | None:
    """Return the sentence if what is free beyond the campaign's own high estimate is less than its answers will probably cost."""
    balance = read_balance(session)
    if balance is None or balance.currency != cost.currency or campaign.number_id is None:
        return None
    free_left = free_answers_left(session, campaign.number_id, now)
    expected = estimate_replies(cost, reply_history(session), flow, free_left).expected
    is_started = session.get(Spending, campaign.id) is not None
    left = balance.free - (0 if is_started else cost.high)
    if not expected or expected <= left:
        return None
    return Text(
        "Answers to it will probably cost {expected} more, and {left} of the balance would be left for them.",
        {"expected": balance.show(expected), "left": balance.show(max(0, left))},
    )
