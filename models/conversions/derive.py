"""Derives the rows of `conversion` from orders, refunds, recipients and clicks, for the people of whom something changed.

A change is a row of `conversion_change`, written by a trigger in the transaction of the change. `apply_changes` reads such rows,
then what they speak of, and deletes exactly the rows that it read, all in one transaction. So a change that is committed meanwhile
keeps its row, and nothing is lost by a process that dies or by what is committed out of order. One attribution at a time writes.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import Table, bindparam, delete, exists, func, select, text
from sqlalchemy.orm import Session

from models.conversions.attribution import ConversionRow, attribute
from models.conversions.messages import messages_of
from models.conversions.order_value import orders_of
from models.db.bulk import among
from models.db.dialect import NO_SYNC, insert_into, is_sqlite
from models.tables.conversion import AttributionModel, Conversion, ConversionChange
from models.tables.order import Order

CHANGES = 1000
"""Rows of one transaction."""
PEOPLE = 500
"""People of one transaction of a recount."""
LOCK = 4_871_291
"""The advisory lock of the one attribution that writes; any fixed number of our own will do."""
_TABLE = cast(Table, Conversion.__table__)
_KEYS = ("order_id", "model")
_Key = tuple[int, AttributionModel]


class ConversionRecount(NamedTuple):
    """A slice of a recount: how many orders belong to a campaign, and how many of them were stored otherwise."""

    last_contact_id: int
    orders: int
    differences: int


def has_changes(session: Session) -> bool:
    """Whether something waits to be attributed."""
    return bool(session.scalar(select(exists().where(ConversionChange.id > 0))))


def apply_changes(session: Session, limit: int = CHANGES) -> int:
    """Attribute the orders of the people of the oldest changes; return how many changes these were."""
    _let_one_write(session)
    changes = session.execute(
        select(ConversionChange.id, ConversionChange.contact_id).order_by(ConversionChange.id).limit(limit)
    ).all()
    if changes:
        attribute_people(session, {change.contact_id for change in changes})
        done = among(session, ConversionChange.id, [change.id for change in changes])
        session.execute(delete(ConversionChange).where(done), execution_options=NO_SYNC)
    return len(changes)


def recount_people(session: Session, after_contact_id: int, limit: int = PEOPLE) -> ConversionRecount | None:
    """Attribute again the orders of the people after this one, whatever changed; None at the end.

    Whose change is not applied yet has no difference: the change would have made it good.
    """
    _let_one_write(session)
    people = select(Order.contact_id).where(Order.contact_id > after_contact_id).distinct()
    ids = session.scalars(people.order_by(Order.contact_id).limit(limit)).all()
    if not ids:
        return None
    wanted, different = attribute_people(session, ids)
    owners = select(Order.contact_id).where(among(session, Order.id, {order_id for order_id, _ in different}))
    changing = exists().where(ConversionChange.contact_id == Order.contact_id)
    unexplained = session.scalar(select(func.count()).select_from(owners.where(~changing).subquery()))
    return ConversionRecount(ids[-1], len({order_id for order_id, _ in wanted}), unexplained or 0)


def attribute_people(session: Session, contact_ids: Collection[int]) -> tuple[set[_Key], set[_Key]]:
    """Make the rows of these people's orders what they should be; return the keys of all, and of those that were not so."""
    orders = orders_of(session, contact_ids)
    messages = messages_of(session, {order.contact_id for order in orders}) if orders else {}
    rows = [row for order in orders for row in attribute(order, messages.get(order.contact_id, ()))]
    wanted = {(row.order_id, row.model): row for row in rows}
    stored = _stored(session, contact_ids)
    changed = [row for key, row in sorted(wanted.items()) if stored.get(key) != row]
    gone = stored.keys() - wanted.keys()
    _delete(session, gone)
    _upsert(session, changed)
    return set(wanted), gone | {(row.order_id, row.model) for row in changed}


def _stored(session: Session, contact_ids: Collection[int]) -> dict[_Key, ConversionRow]:
    columns = (getattr(Conversion, name) for name in ConversionRow._fields)
    query = select(*columns).join(Order, Order.id == Conversion.order_id)
    found = session.execute(query.where(among(session, Order.contact_id, contact_ids)))
    return {(row.order_id, row.model): ConversionRow(*row) for row in found}


def _delete(session: Session, keys: Collection[_Key]) -> None:
    if keys:
        theirs = delete(_TABLE).where(_TABLE.c.order_id == bindparam("b_order"), _TABLE.c.model == bindparam("b_model"))
        session.connection().execute(theirs, [{"b_order": key, "b_model": model} for key, model in sorted(keys)])


def _upsert(session: Session, rows: Sequence[ConversionRow]) -> None:
    if rows:
        statement = insert_into(session, _TABLE)
        new: dict[str, Any] = {name: statement.excluded[name] for name in ConversionRow._fields if name not in _KEYS}
        upsert = statement.on_conflict_do_update(index_elements=_KEYS, set_=new)
        session.connection().execute(upsert, [row._asdict() for row in rows])


def _let_one_write(session: Session) -> None:
    """SQLite has one writer anyway."""
    if not is_sqlite(session):
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
