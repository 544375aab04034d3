"""Notes what Meta says of the price of messages of bots and agents (docs/meta.md §7.5), and when they were received.

Recipients of campaigns have this in their own rows. The caller has locked the messages, so no two notes of one message cross.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from models.billing.price_area import price_area
from models.db.bulk import values_cte
from models.events.statuses.fold import StatusFacts
from models.events.statuses.price_order import PRICE_COLUMNS, is_better_price, price_values
from models.tables.contact import Contact
from models.tables.conversation import Conversation, Message

CHUNK = 5_000  # bound parameters of one statement: SQLite allows 32,766
_COLUMNS = {
    "message_id": "bigint",
    "number_id": "integer",
    "price_area": "text",
    "received_at": "timestamptz",
    **PRICE_COLUMNS,
    "noted_at": "timestamptz",
}
_STORED = ("pricing_category", "pricing_type", "is_billable", "cost", "cost_currency", "price_at")
"""The columns of `answer_cost` for `PRICE_COLUMNS`, in the same order."""
_PRICES = is_better_price("answer_cost", "v")
_IS_EARLIER = (
    "(v.received_at IS NOT NULL AND (answer_cost.received_at IS NULL OR v.received_at < answer_cost.received_at))"
)
_INSERT = (
    f"INSERT INTO answer_cost (message_id, number_id, price_area, received_at, {', '.join(_STORED)}, noted_at) "  # noqa: S608 - fixed text
    f"SELECT {', '.join(_COLUMNS)} FROM v WHERE NOT EXISTS "
    "(SELECT 1 FROM answer_cost WHERE answer_cost.message_id = v.message_id)"
)
_ASSIGNED = ", ".join(
    f"{stored} = CASE WHEN {_PRICES} THEN v.{name} ELSE answer_cost.{stored} END"
    for stored, name in zip(_STORED, PRICE_COLUMNS, strict=True)
)
_UPDATE = (
    f"UPDATE answer_cost SET received_at = CASE WHEN {_IS_EARLIER} THEN v.received_at ELSE answer_cost.received_at END, "  # noqa: S608 - fixed text
    f"{_ASSIGNED} FROM v WHERE answer_cost.message_id = v.message_id AND ({_PRICES} OR {_IS_EARLIER})"
)


def note_answer_costs(session: Session, facts_by_message: Mapping[int, StatusFacts], now: datetime) -> None:
    """Note prices and receipts of messages, by message id. Facts that say neither leave no row."""
    told = {key: facts for key, facts in facts_by_message.items() if facts.is_received or facts.price is not None}
    ids = sorted(told)
    for start in range(0, len(ids), CHUNK):
        _note(session, {key: told[key] for key in ids[start : start + CHUNK]}, now)


def _note(session: Session, told: Mapping[int, StatusFacts], now: datetime) -> None:
    query = (
        select(Message.id, Conversation.number_id, price_area(Contact.__table__).label("area"))
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Contact, Contact.id == Conversation.contact_id)
        .where(Message.id.in_(told))
        .order_by(Message.id)
    )
    rows = [
        (row.id, row.number_id, row.area, _received_at(told[row.id]), *_price(told[row.id]), now)
        for row in session.execute(query)
    ]
    values, parameters = values_cte(session, "v", _COLUMNS, rows)
    for statement in (_UPDATE, _INSERT):
        session.execute(text(f"WITH {values} {statement}"), parameters)


def _received_at(facts: StatusFacts) -> datetime | None:
    return min((at for at in (facts.delivered_at, facts.read_at) if at is not None), default=None)


def _price(facts: StatusFacts) -> tuple[object, ...]:
    return price_values(facts.price, facts.final_price_at)
