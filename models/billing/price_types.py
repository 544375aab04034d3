"""Says which types of Meta's pricing are free of charge (docs/meta.md §7.5), and whether a message is billed."""

from datetime import UTC, datetime
from typing import Any

REGULAR = "regular"
FREE_SERVICE = "free_customer_service"
"""One of the free service messages of its number and month; before `CHARGED_SINCE` anything but marketing inside a window."""
FREE_ENTRY_POINT = "free_entry_point"
PAID_EXEMPT = "paid_exempt"
"""A service message of a government or a non-profit, beyond the free ones."""
_FREE = "free"

CHARGED_SINCE = datetime(2026, 10, 1, tzinfo=UTC)
"""From here on service messages and utility templates inside a window are charged (docs/meta.md §8)."""
FREE_PER_MONTH = 1_000
"""The delivered service messages of a number that are free in a calendar month (docs/meta.md §8)."""


def is_free_type(kind: str | None) -> bool:
    """Return whether a type of pricing costs nothing."""
    word = (kind or "").lower()
    return word.startswith(_FREE) or word == PAID_EXEMPT


def is_billable(row: Any) -> bool | None:
    """Return whether Meta bills the message, None while unknown. A known type precedes `billable`, which Meta deprecates.

    `row` has `pricing_type` and `is_billable`.
    """
    if (row.pricing_type or "").lower() == REGULAR:
        return True
    if is_free_type(row.pricing_type):
        return False
    billable: bool | None = row.is_billable
    return billable
