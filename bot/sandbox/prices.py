"""Says what a message costs, as Meta's statuses do (docs/meta.md §7.5, §8): the rules before and since 2026-10-01."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bot.sandbox.config import Config
from bot.sandbox.store import SandboxMessage
from bot.sandbox.world import World

CHARGED_SINCE = datetime(2026, 10, 1, tzinfo=UTC).timestamp()
"""From here on service messages and utility templates inside a window are charged."""
PER_DELIVERY = 1000
"""A template's `bid_amount` is the price of a thousand deliveries, in cents."""
CENTS = 100


class SandboxPricing:
    """Prices messages, and counts the free service messages of each number and month (in UTC)."""

    def __init__(self, config: Config, world: World) -> None:
        self.config, self.world = config, world
        self.used: Counter[tuple[str, str]] = Counter()
        """(number, month) → delivered service messages that were free."""
        self._of_delivery: dict[str, str] = {}

    def pricing(self, message: SandboxMessage, kind: str) -> dict[str, Any]:
        """Return the ``pricing`` of a status. A delivery counts once, so ``sent`` may say free where ``delivered`` does not."""
        is_arrival = kind in ("delivered", "read")
        price_type = self._of_delivery.get(message.wamid) or self._type(message, counts=is_arrival)
        if is_arrival:
            self._of_delivery[message.wamid] = price_type
        category = "referral_conversion" if price_type == "free_entry_point" else message.category
        priced = {"billable": price_type == "regular", "pricing_model": "PMP", "type": price_type, "category": category}
        cost = self._cost(message) if is_arrival and price_type == "regular" else None
        return priced if cost is None else priced | {"cost": {"amount": cost, "currency": self._currency(message)}}

    def type_of(self, wamid: str) -> str | None:
        """Return the type under which a message was delivered; None if it was not delivered, or costs nothing of note."""
        return self._of_delivery.get(wamid)

    def cost_of(self, message: SandboxMessage) -> float | None:
        """Return what a template with a max price is charged for a delivery; None for every other message."""
        return self._cost(message)

    def clear(self) -> None:
        """Forget what was delivered."""
        self.used.clear()
        self._of_delivery.clear()

    def _type(self, message: SandboxMessage, *, counts: bool) -> str:
        if message.free_entry:
            return "free_entry_point"
        if message.category == "service":
            return self._type_of_service(message, counts=counts)
        is_free = message.category == "utility" and message.in_window and message.at < CHARGED_SINCE
        return "free_customer_service" if is_free else "regular"

    def _type_of_service(self, message: SandboxMessage, *, counts: bool) -> str:
        if message.at < CHARGED_SINCE or message.kind == "reaction":
            return "free_customer_service"
        key = (message.phone_number_id, f"{datetime.fromtimestamp(message.at, UTC):%Y-%m}")
        if self.used[key] >= self.config.free_service:
            return "regular"
        self.used[key] += counts
        return "free_customer_service"

    def _currency(self, message: SandboxMessage) -> str:
        number = self.world.numbers.get(message.phone_number_id)
        return self.world.wabas[number.waba_id].currency if number else "EUR"

    def _cost(self, message: SandboxMessage) -> float | None:
        """Return the charge for a template with a max price: all of it, with the message's multiplier."""
        number = self.world.numbers.get(message.phone_number_id)
        template = (
            self.world.template(number.waba_id, message.template or "", message.language or "") if number else None
        )
        spec = template.extra.get("optimization_spec") if template else None
        if message.category != "marketing_lite" or not isinstance(spec, dict):
            return None
        multiplier = ((message.body or {}).get("bid_spec") or {}).get("per_message_bid_multiplier", 1)
        return float(Decimal(str(spec["bid_amount"])) * Decimal(str(multiplier)) / PER_DELIVERY / CENTS)
