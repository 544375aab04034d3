"""Limits what a bot flow may send in one conversation: so many messages, or so much money. Then it hands off to people."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, StringConstraints

from bot.flows.parts import FlowPart, Text, Value
from bot.flows.placeholders import names_in, problem_with_name
from models.billing.amount import read_amount, read_currency
from models.errors import OperatorError


class FlowBudget(FlowPart):
    """The `budget` of a flow's file. With both limits the lower one counts. `text` is the last message, and counts as one.

    `amount` is in the unit of `currency`. It is divided by what an answer to the person costs beyond the free ones; where that is
    unknown, it limits nothing.
    """

    messages: int | None = Field(default=None, ge=1, le=1000)
    amount: Annotated[str, StringConstraints(max_length=20)] | None = Field(default=None, coerce_numbers_to_str=True)
    currency: Annotated[str, StringConstraints(max_length=3)] | None = None
    text: Text | None = None
    reason: Value | None = None

    def limit(self, price: int | None, currency: str | None) -> int | None:
        """Return the most messages of one conversation; None if nothing limits them.

        `price` is that of an answer to the person, in millionths of `currency`; None if it is unknown.
        """
        limits = [] if self.messages is None else [self.messages]
        if self.amount is not None and self.currency is not None and price and currency == self.currency.upper():
            limits.append(read_amount(self.amount) // price)
        return min(limits, default=None)


def budget_problems(budget: FlowBudget | None, answers: frozenset[str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield what is wrong with a budget, with its path in the file. `answers` are the names of the flow's answers."""
    if budget is None:
        return
    for field in ("text", "reason"):
        for name in names_in(getattr(budget, field) or ""):
            if problem := problem_with_name(name, answers):
                yield ("budget", field), problem
    if budget.messages is None and budget.amount is None:
        yield ("budget",), "needs messages or amount"
    if (budget.amount is None) != (budget.currency is None):
        yield ("budget",), "amount and currency belong together"
    elif budget.amount is not None and budget.currency is not None:
        yield from _money_problems(budget.amount, budget.currency)
    if budget.text is not None and budget.messages == 1:
        yield (
            ("budget", "text"),
            "counts as a message: with it a budget of 1 message leaves no other; allowed: 2 or more",
        )


def _money_problems(amount: str, currency: str) -> Iterator[tuple[tuple[str | int, ...], str]]:
    try:
        if read_amount(amount) == 0:
            yield ("budget", "amount"), "is 0; allowed: a number above it"
    except OperatorError as error:
        yield ("budget", "amount"), str(error).removeprefix("amount=")
    try:
        read_currency(currency)
    except OperatorError as error:
        yield ("budget", "currency"), str(error).removeprefix("currency=")
