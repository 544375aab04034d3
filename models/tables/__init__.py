"""Defines the tables: each module has one noun with its columns, CHECK constraints and state machine.

Importing the package completes `Base.metadata`.
"""

from models.db.base import Base
from models.tables import (
    audit,
    billing,
    campaign,
    contact,
    contact_alias,
    conversation,
    database_hold,
    engagement,
    epoch,
    flow,
    lane,
    number,
    order,
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
    "audit",
    "billing",
    "campaign",
    "contact",
    "contact_alias",
    "conversation",
    "database_hold",
    "engagement",
    "epoch",
    "flow",
    "lane",
    "metadata",
    "number",
    "order",
    "recipient",
    "segment",
    "setting",
    "shop",
    "tag",
    "template",
    "user",
    "webhook_event",
]
