"""Says how many messages a bot flow sends to one person, and what these cost by the rate card in force."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.flows.nodes import FlowDefinition
from bot.flows.paths import FlowPaths, paths_of
from models.billing.amount import show_amount
from models.billing.rate_cards import SERVICE, Prices, day_of, prices_in_force


def messages_json(flow: FlowDefinition) -> dict[str, Any]:
    """Return the numbers of messages of a valid flow, its loops and its budget (null without one)."""
    paths = paths_of(flow)
    budget = flow.budget.model_dump(include={"messages", "amount", "currency"}) if flow.budget else None
    return {
        "shortest": paths.shortest,
        "longest": paths.longest,
        "retries": paths.retries,
        "shortest_way": list(paths.shortest_way),
        "loops": list(paths.loops),
        "is_external": paths.is_external,
        "budget": budget,
    }


def flow_price(session: Session, flow: FlowDefinition, now: datetime) -> dict[str, Any] | None:
    """Return what an answer costs beyond the free ones, and with it the ways through a flow: `currency`, and `countries`.

    The countries are those of the rate card, the cheapest first; `*` is every other one. None if no rate card has such a price.
    """
    prices = prices_in_force(session)
    paths = paths_of(flow)
    named = sorted({country for country, _ in prices.rows})
    rows = [(price, country) for country in named if (price := _price(prices, country, now)) is not None]
    if not rows or prices.currency is None:
        return None
    return {"currency": prices.currency, "countries": [_line(price, country, paths) for price, country in sorted(rows)]}


def price_text(messages: dict[str, Any], price: dict[str, Any] | None) -> list[str]:
    """Return the lines of `flask flows check` about messages and their price."""
    if messages["is_external"]:
        lines = [f"messages: at most {messages['longest']} for each answer of its bot"]
    else:
        more = f"; {messages['retries']} more if answers are not understood" if messages["retries"] else ""
        way = " → ".join(messages["shortest_way"])
        lines = [f"messages: {messages['shortest']} at least ({way}), {messages['longest']} at most{more}"]
    lines += [f"loop: {loop}, each round sends its messages again" for loop in messages["loops"]]
    lines += _budget_lines(messages["budget"])
    if price is None:
        return [*lines, "price: unknown, no rate card has a price for answers"]
    first, last = price["countries"][0], price["countries"][-1]
    currency = price["currency"]
    each = _range(first["price"], last["price"], currency)
    whole = _range(first["shortest"], last["longest"], currency)
    return [*lines, f"price: {each} a message beyond the free ones, {whole} a conversation"]


def _budget_lines(budget: dict[str, Any] | None) -> list[str]:
    if budget is None:
        return []
    limits = [f"{budget['messages']} messages"] if budget["messages"] is not None else []
    limits += [f"{budget['amount']} {budget['currency']}"] if budget["amount"] is not None else []
    lines = [f"budget: {' or '.join(limits)} a conversation, then it hands off to people"]
    if budget["messages"] is None:
        lines.append(
            "warning: where the price of an answer is unknown, the budget limits nothing; give it messages, too"
        )
    return lines


def _price(prices: Prices, country: str, now: datetime) -> int | None:
    """The price of one answer; for `*` that of a country which the card does not name."""
    return prices.at(country, SERVICE, day_of(now))


def _line(price: int, country: str, paths: FlowPaths) -> dict[str, str]:
    return {
        "country": country,
        "price": show_amount(price),
        "shortest": show_amount(price * paths.shortest),
        "longest": show_amount(price * paths.longest),
    }


def _range(low: str, high: str, currency: str) -> str:
    return f"{low} {currency}" if low == high else f"{low} to {high} {currency}"
