"""Has some people of the demo buy, return and cancel once the campaign is at rest: orders in files, as a shop exports them."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from admin.demo.check import Equation
from jobs.core.runtime import Runtime
from jobs.imports.orders import import_orders
from models.campaigns.stats import campaign_stats
from models.conversions.figures import MoneySum
from models.tables.order import MILLI

GOAL: Mapping[str, Any] = {"event": "purchase", "within_days": 7, "value": True}
COLUMNS = ("order_id", "phone", "total", "currency", "placed_at", "number", "product", "refunded", "cancelled_at")
_EVERY = 5
"""Of so many people whom the message reached one buys."""


@dataclass(slots=True)
class Bought:
    """What people bought after the message: how many of them, and the money less refunds in thousandths by currency."""

    people: int = 0
    money: Counter[str] = field(default_factory=Counter)


def go_shopping(rt: Runtime, directory: Path, messages: Iterable[Mapping[str, Any]], now: datetime) -> Bought:
    """Import what the people of these messages of the simulated Meta bought, and then what they returned; returns what is left."""
    bought, orders = Bought(), list(_orders(messages, now))
    path = directory / "orders.csv"
    for later in (False, True):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(order if later else order | {"refunded": "", "cancelled_at": ""} for order in orders)
        import_orders(rt, path)
    for order in orders:
        if not order["cancelled_at"]:
            bought.people += 1
            bought.money[order["currency"]] += (int(order["total"]) - int(order["refunded"] or 0)) * MILLI
    return bought


def shopping_equations(rt: Runtime, campaign_id: int, bought: Bought) -> list[Equation]:
    """What the statistics say of the orders, beside what was bought."""
    with rt.database.read() as session:
        stats = campaign_stats(session, campaign_id)
    money = [MoneySum(milli, currency).to_json() for currency, milli in sorted(bought.money.items())]
    return [
        Equation("converted = people who bought and did not cancel", stats["converted"], bought.people),
        Equation("revenue = their money less refunds", stats["revenue"], money),
    ]


def _orders(messages: Iterable[Mapping[str, Any]], now: datetime) -> Iterator[dict[str, str]]:
    """An order of each `_EVERY`th person whom the message reached: every third of them returns something, every seventh cancels."""
    reached = [message for message in messages if message["facts"].keys() & {"delivered", "read"}]
    for place, message in enumerate(reached[::_EVERY]):
        total = 20 + 15 * (place % 4)
        yield {
            "order_id": str(5000 + place),
            "phone": f"+{message['wa_id']}",
            "total": str(total),
            "currency": "GBP" if message["wa_id"].startswith("44") and place % 2 else "EUR",
            "placed_at": now.isoformat(timespec="seconds"),
            "number": f"#{1000 + place}",
            "product": ("Garden chair", "Seeds", "Straw hat")[place % 3],
            "refunded": str(total if place % 2 else 10) if place % 3 == 1 else "",
            "cancelled_at": now.isoformat(timespec="seconds") if place % 7 == 6 else "",
        }
