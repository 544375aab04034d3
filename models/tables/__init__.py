"""Defines the tables: each module has one noun with its columns, CHECK constraints and state machine.

Importing the package completes `Base.metadata`.
"""

from models.db.base import Base
from models.tables import (
    answer_cost,
    audit,
    billing,
    campaign,
    contact,
    contact_alias,
    conversation,
    engagement,
    flow,
    lane,
    number,
    order,
    phone_link,
    recipient,
    segment,
    setting,
    shop,
    tag,
    template,
    user,
    webhook_event,
)

metadata = Base.metadata

__all__ = [
    "answer_cost",
    "audit",
    "billing",
    "campaign",
    "contact",
    "contact_alias",
    "conversation",
    "engagement",
    "flow",
    "lane",
    "metadata",
    "number",
    "order",
    "phone_link",
    "recipient",
    "segment",
    "setting",
    "shop",
    "tag",
    "template",
    "user",
    "webhook_event",
]
