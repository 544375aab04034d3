"""Checks template messages of marketing by the endpoint that they are sent to (docs/meta.md §2.6, §2.7)."""

from typing import Any

from bot.sandbox import reviews
from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.simulation import Simulation
from bot.sandbox.store import SandboxMessage
from bot.sandbox.template import SandboxTemplate
from bot.sandbox.world import SandboxNumber, SandboxWaba

ENDPOINT = "marketing_messages"
FIELDS = ("product_policy", "message_activity_sharing", "bid_spec")
POLICIES = ("STRICT", "CLOUD_API_FALLBACK")
READY = "ONBOARDED"
LITE = "marketing_lite"


def check_endpoint(
    sim: Simulation, number: SandboxNumber, template: SandboxTemplate, message: SandboxMessage, body: dict[str, Any]
) -> str:
    """Return the category under which the message is charged. Raises SandboxGraphError if the endpoint does not take it."""
    waba = sim.world.wabas[number.waba_id]
    if message.endpoint == ENDPOINT:
        _check_fields(body, has_max_price="optimization_spec" in template.extra)
        return _check_marketing_api(sim, waba, template, message, body)
    unsupported = next((name for name in FIELDS if name in body), None)
    if unsupported is not None:
        raise SandboxGraphError(100, f"Unexpected key {unsupported!r} on param 'message'")
    return _check_cloud_api(waba, template)


def _check_marketing_api(
    sim: Simulation, waba: SandboxWaba, template: SandboxTemplate, message: SandboxMessage, body: dict[str, Any]
) -> str:
    if not reviews.is_synced(sim, template):
        raise SandboxGraphError(
            134101, f"template name ({template.name}) is still being synced: try again in 10 minutes"
        )
    if waba.onboarding != READY:
        if body.get("product_policy", "CLOUD_API_FALLBACK") == "STRICT":
            raise SandboxGraphError(131055, "The account is not onboarded to the Marketing Messages API")
        return _check_cloud_api(waba, template)
    if "optimization_spec" in template.extra:
        if body.get("to") is None:
            raise SandboxGraphError(131062)
        prefixes = [prefix.strip() for prefix in sim.config.no_max_price_prefixes.split(",") if prefix.strip()]
        if message.wa_id.startswith(tuple(prefixes)):
            raise SandboxGraphError(131065)
    return LITE


def _check_cloud_api(waba: SandboxWaba, template: SandboxTemplate) -> str:
    if "optimization_spec" in template.extra:
        raise SandboxGraphError(131061)
    if template.category == "MARKETING" and waba.marketing_off:
        raise SandboxGraphError(131063)
    return template.category.lower()


def _check_fields(body: dict[str, Any], *, has_max_price: bool) -> None:
    if body.get("product_policy", POLICIES[0]) not in POLICIES:
        raise SandboxGraphError(100, f"Param product_policy must be one of {{{', '.join(POLICIES)}}}")
    if not isinstance(body.get("message_activity_sharing", True), bool):
        raise SandboxGraphError(100, "Param message_activity_sharing must be a boolean")
    if "bid_spec" not in body:
        return
    bid = body["bid_spec"]
    multiplier = bid.get("per_message_bid_multiplier") if isinstance(bid, dict) else None
    if not isinstance(multiplier, int | float) or isinstance(multiplier, bool) or multiplier <= 0:
        raise SandboxGraphError(131009, "Param bid_spec['per_message_bid_multiplier'] must be a number above 0")
    if not has_max_price:
        raise SandboxGraphError(131009, "Param bid_spec: the template has no optimization_spec")
