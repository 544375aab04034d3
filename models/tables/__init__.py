"""What is stored: one noun a module, its columns, its CHECKs and its own state machine.

Importing the package makes `Base.metadata` whole.
"""

from models.db.base import Base
from models.tables import (
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
    recipient,
    segment,
    setting,
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
    "engagement",
    "flow",
    "lane",
    "metadata",
    "number",
    "order",
    "recipient",
    "segment",
    "setting",
    "tag",
    "template",
    "user",
    "webhook_event",
]
