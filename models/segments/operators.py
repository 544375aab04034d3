"""Lists the subjects and operators of conditions, and the bounds of their values."""

from collections.abc import Mapping

from models.errors import OperatorError
from models.tables.tag import AttributeType

_SAME = ("is", "is_not", "in", "not_in")
_KNOWN = ("known", "unknown")
_NUMBER = ("equal", "less", "at_most", "more", "at_least", "between")
_DATE = ("before", "after", "between", "last_days", "not_last_days")
_DEEDS = ("received", "read", "pressed", "replied")
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "tag": ("has", "has_not", "contains", *_SAME, *_NUMBER),
    "attribute": ("contains", *_SAME, *_KNOWN, *_NUMBER, *_DATE),
    "consent": _SAME,
    "language": (*_SAME, *_KNOWN),
    "country": (*_SAME, *_KNOWN),
    "phone": (*_SAME, *_KNOWN),
    "list": ("has", "has_not"),
    "segment": ("has", "has_not"),
    "last_inbound": (*_DATE, *_KNOWN),
    "last_engaged": (*_DATE, *_KNOWN),
    "campaign": (*(word for deed in _DEEDS for word in (deed, f"not_{deed}")), "failed", "is", "is_not"),
    "orders_count": _NUMBER,
    "total_spent": _NUMBER,
    "average_order": _NUMBER,
    "first_order": (*_DATE, *_KNOWN),
    "last_order": (*_DATE, *_KNOWN),
    "days_since_first_order": _NUMBER,
    "days_since_last_order": _NUMBER,
    "bought_collection": _SAME,
    "bought_brand": _SAME,
}
ON_ORDERS = frozenset(list(OPERATORS)[-9:])
MONEY = frozenset({"total_spent", "average_order"})
"""Conditions on these may name a currency; without one, amounts of all currencies are added unconverted."""
DAYS_SINCE = frozenset({"days_since_first_order", "days_since_last_order"})
"""In whole days: 36 hours ago is 1 day."""
MOMENTS = frozenset({"last_inbound", "last_engaged", "first_order", "last_order"})
NAMED = frozenset({"tag", "attribute", "list", "segment"})
NUMERIC = frozenset(_NUMBER)
"""Operators that compare a tag's value as a number; a value that is none never matches."""
NEEDS_VALUE = frozenset({"contains", *_SAME, *_NUMBER, *_DATE})
MANY = frozenset({"in", "not_in"})
SPANS = frozenset({"last_days", "not_last_days"})
"""Their value is a number of days."""
BY_TYPE: Mapping[AttributeType, tuple[str, ...]] = {
    AttributeType.TEXT: ("contains", *_SAME, *_KNOWN),
    AttributeType.NUMBER: (*_KNOWN, *_NUMBER),
    AttributeType.DATE: (*_KNOWN, *_DATE),
    AttributeType.BOOLEAN: ("is", "is_not", *_KNOWN),
}
MAX_CONDITIONS = 100
MAX_DEPTH = 5
MAX_VALUES = 1000
MAX_SIZE = 4000
MAX_NAME = 200
MAX_TEXT = 2000
MAX_DAYS = 36_500
MAX_MONEY = 1e12
MAX_NUMBER = 1e15
MAX_WHOLE = {"days": MAX_DAYS, "campaign": 2**31 - 1, "code": 2**31 - 1}
"""The largest numbers in a condition on past campaigns, by field."""


RESERVED = frozenset({"clicked", "not_clicked"})
"""Operators on campaigns that will ask about tracked links. They are refused until there are such links: before, they meant a
pressed button, so that a rule of that time must not change its meaning unnoticed."""


class RuleError(OperatorError):
    """The rule is invalid; the message says where and what is allowed."""
