"""Every table, so that `Base.metadata` is whole: for migrations and tests."""

from models import (
    campaign,
    contact,
    contact_alias,
    conversation,
    engagement,
    flow,
    inbox,
    lane,
    money,
    number,
    order,
    recipient,
    segment,
    setting,
    tag,
    template,
    user,
)
from models.base import Base

metadata = Base.metadata

__all__ = [
    "campaign", "contact", "contact_alias",
    "conversation", "engagement", "flow", "inbox", "lane", "metadata", "money", "number", "order",
    "recipient", "segment", "setting", "tag", "template", "user",
]  # fmt: skip
