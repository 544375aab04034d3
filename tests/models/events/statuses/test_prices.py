"""Which price of a message counts, of recipients and of answers, whatever the order in which Meta's statuses come."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.events.parked import park_statuses, retry_parked
from models.events.types import Callback, Pricing, Status
from models.tables.answer_cost import AnswerCost
from models.tables.conversation import Message, MessageState
from models.tables.recipient import Recipient
from models.tables.webhook_event import ParkedStatus
from tests.support.factories.common import NOW
from tests.support.statuses import MINE, apply, at, chat_message, recipient, status

SENT = Pricing("marketing_lite", "regular", True)
COST = Pricing("marketing_lite", "regular", True, 35_000, "USD")
LATER = Pricing("marketing_lite", "regular", True, 36_000, "USD")
FREE = Pricing("referral_conversion", "free_entry_point", False)
PRICE = ("pricing_category", "pricing_type", "is_billable", "cost", "cost_currency")
Tell = Callable[[Any, str, float, Pricing | None], Status]


def of_recipient(row: Recipient, kind: str, seconds: float, pricing: Pricing | None) -> Status:
    return status(row, kind, seconds, pricing=pricing)


def of_answer(row: Message, kind: str, seconds: float, pricing: Pricing | None) -> Status:
    return Status(f"a{row.id}", kind, at(seconds), callback=Callback(MINE, None, row.id, 1), pricing=pricing)  # type: ignore[arg-type]


def price_of(session: Session, row: Recipient | Message) -> tuple[Any, ...]:
    found = row if isinstance(row, Recipient) else session.get_one(AnswerCost, row.id)
    return tuple(getattr(found, name) for name in PRICE)


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("answers", [False, True])
@pytest.mark.parametrize(
    ("told", "price"),
    [
        ([("sent", 1, SENT), ("delivered", 2, COST), ("read", 3, None)], COST),
        ([("sent", 1, SENT), ("delivered", 2, None), ("read", 3, COST)], COST),
        ([("sent", 1, SENT), ("delivered", 2, FREE)], FREE),
        ([("delivered", 2, SENT), ("read", 3, COST)], COST),
        ([("delivered", 2, COST), ("read", 3, SENT)], COST),
        ([("delivered", 2, COST), ("read", 3, LATER)], LATER),
        ([("delivered", 2, COST), ("read", 3, Pricing(None, None, None))], COST),
        ([("delivered", 2, SENT), ("read", 3, Pricing(None, None, None))], SENT),
    ],
)
def test_the_same_price_counts_in_any_order_and_twice(
    told: list[tuple[str, float, Pricing | None]], price: Pricing, answers: bool, at_once: bool, session: Session
) -> None:
    for order in permutations(told):
        row = chat_message(session, MessageState.ACCEPTED) if answers else recipient(session, wamid=f"w{len(order)}")
        tell: Tell = of_answer if answers else of_recipient
        statuses = [tell(row, kind, seconds, pricing) for kind, seconds, pricing in (*order, *order)]
        for batch in [statuses] if at_once else [[one] for one in statuses]:
            apply(session, *batch)
        assert price_of(session, row) == tuple(price), order
        if isinstance(row, Recipient):
            row.wamid = None


def test_an_answer_is_noted_with_its_first_receipt_and_its_country(session: Session) -> None:
    row = chat_message(session, MessageState.ACCEPTED)
    apply(session, of_answer(row, "read", 9, None))
    noted = session.get_one(AnswerCost, row.id)
    assert (noted.received_at, noted.is_billable) == (at(9), None), "received, and not priced so far"
    apply(session, of_answer(row, "delivered", 4, FREE))
    assert (noted.received_at, noted.pricing_type) == (at(4), "free_entry_point")
    assert noted.number_id == row.conversation.number_id
    assert noted.price_area == f"{row.conversation.contact.country or ''}{row.conversation.contact.phone[:4]}"  # type: ignore[index]


def test_an_answer_that_was_neither_received_nor_priced_is_not_noted(session: Session) -> None:
    row = chat_message(session, MessageState.ACCEPTED)
    apply(session, of_answer(row, "sent", 1, None), of_answer(row, "failed", 2, None))
    assert session.scalars(select(AnswerCost)).all() == []


def test_a_price_that_was_parked_is_the_same(session: Session) -> None:
    row = recipient(session, wamid=None, attempts=0)
    parked = [of_recipient(row, "delivered", 2, COST)]
    park_statuses(session, parked, NOW)
    row.attempts, row.wamid = 1, "w1"
    session.flush()
    retry_parked(session, at(1), MINE)
    session.expire_all()
    assert price_of(session, row) == tuple(COST)
    assert session.scalars(select(ParkedStatus)).all() == []


def test_a_price_that_an_older_version_parked_is_read(session: Session) -> None:
    row = recipient(session, wamid=None, attempts=0)
    park_statuses(session, [of_recipient(row, "delivered", 2, SENT)], NOW)
    parked = session.scalars(select(ParkedStatus)).one()
    parked.status = parked.status | {"pricing": parked.status["pricing"][:3]}
    row.attempts, row.wamid = 1, "w1"
    session.flush()
    retry_parked(session, at(1), MINE)
    session.expire_all()
    assert price_of(session, row) == tuple(SENT)
