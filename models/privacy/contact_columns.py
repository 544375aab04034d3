"""Names the columns of a contact that a redaction empties, and those that never change afterwards."""

from typing import Any

BLANK_CONTACT: dict[str, Any] = dict.fromkeys(
    (
        "phone", "raw_phone", "phone_problem", "wa_id", "first_name", "last_name", "email", "username", "language",
        "country", "time_zone", "shopify_id", "last_inbound_at", "marketing_stopped_at", "marketing_preference_at",
    )
) | {"name": "", "attributes": {}}  # fmt: skip
"""Column → its value afterwards."""
KEPT_OF_REDACTED = ("consent", "redacted_at", "person_key", "has_identity", "merged_into_id")
"""What a redacted contact keeps, whatever is written."""
