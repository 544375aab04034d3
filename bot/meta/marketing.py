"""Reads whether an account may use the Marketing Messages API, over the management API (docs/meta.md §2.6)."""

from dataclasses import dataclass
from typing import Any

from bot.meta.management import GraphAdmin

FIELDS = "currency,marketing_messages_onboarding_status,disable_marketing_messages_on_cloud_api,owner_business_info"
MAX_WORD = 64


@dataclass(frozen=True, slots=True)
class MarketingState:
    """What Meta says of an account. `onboarding` and `terms` are Meta's words; None where she says nothing."""

    currency: str | None
    onboarding: str | None
    terms: str | None
    is_off_on_cloud_api: bool | None


def marketing_state(graph: GraphAdmin, waba_id: str) -> MarketingState:
    """Ask Meta. Raises GraphError if she refuses or cannot be reached."""
    fields = graph.fields(waba_id, FIELDS)
    owner = fields.get("owner_business_info")
    signed = owner.get("marketing_messages_onboarding_status") if isinstance(owner, dict) else None
    currency = _word(fields.get("currency"))
    is_off = fields.get("disable_marketing_messages_on_cloud_api")
    return MarketingState(
        currency if currency and len(currency) == 3 else None,
        _word(fields.get("marketing_messages_onboarding_status")),
        _word(signed.get("status")) if isinstance(signed, dict) else None,
        is_off if isinstance(is_off, bool) else None,
    )


def _word(value: Any) -> str | None:
    is_word = isinstance(value, str) and value.isascii() and value.isprintable() and 0 < len(value) <= MAX_WORD
    return value.upper() if isinstance(value, str) and is_word else None
