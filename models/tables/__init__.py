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
    contact_search,
    conversation,
    conversation_control,
    database_hold,
    engagement,
    epoch,
    flow,
    lane,
    number,
    order,
    phone_link,
    possible_opt_out,
    recipient,
    segment,
    setting,
    shop,
    tag,
    template,
    user,
    user_id_change,
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
    "contact_search",
    "conversation",
    "conversation_control",
    "database_hold",
    "engagement",
    "epoch",
    "flow",
    "lane",
    "metadata",
    "number",
    "order",
    "phone_link",
    "possible_opt_out",
    "recipient",
    "segment",
    "setting",
    "shop",
    "tag",
    "template",
    "user",
    "user_id_change",
    "webhook_event",
]
