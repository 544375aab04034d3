"""Keeps the customers of a shop who have no usable phone, with the reason; they are no contacts until they have one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, insert_into
from models.tables.setting import read_setting
from models.tables.shop import PhoneReason, ShopCustomerWithoutPhone

SLICE = 500


@dataclass(frozen=True, slots=True)
class WithoutPhone:
    """A customer as the shop names them."""

    shop: str
    customer_id: str
    name: str
    email: str | None
    raw_phone: str
    reason: PhoneReason
    changed_at: datetime | None


def keep_without_phone(session: Session, customer: WithoutPhone, now: datetime) -> None:
    """Keep the customer. What an event does not name stays as it was; one older than what is known changes nothing."""
    statement = insert_into(session, ShopCustomerWithoutPhone).values(
        shop=customer.shop,
        customer_id=customer.customer_id,
        name=customer.name[:300],
        email=customer.email,
        raw_phone=customer.raw_phone or None,
        reason=customer.reason,
        changed_at=customer.changed_at,
        seen_at=now,
    )
    new, row = statement.excluded, ShopCustomerWithoutPhone
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["customer_id"],
            set_={
                "shop": new.shop,
                "name": case((new.name == "", row.name), else_=new.name),
                "email": func.coalesce(new.email, row.email),
                "raw_phone": new.raw_phone,
                "reason": new.reason,
                "changed_at": func.coalesce(new.changed_at, row.changed_at),
                "seen_at": new.seen_at,
            },
            where=or_(row.changed_at.is_(None), new.changed_at.is_(None), row.changed_at <= new.changed_at),
        )
    )


def is_older_than_kept(session: Session, customer_id: str, changed_at: datetime | None) -> bool:
    """Whether a newer event has said that this customer has no usable phone."""
    kept = session.scalar(
        select(ShopCustomerWithoutPhone.changed_at).where(ShopCustomerWithoutPhone.customer_id == customer_id)
    )
    return kept is not None and changed_at is not None and changed_at < kept


def forget_without_phone(session: Session, customer_ids: Collection[str], email: str | None = None) -> list[str]:
    """Forget the customers with these ids, and those with this e-mail address; returns the ids of those who were there."""
    is_theirs: ColumnElement[bool] = ShopCustomerWithoutPhone.customer_id.in_(customer_ids)
    if email:
        is_theirs = or_(is_theirs, func.lower(ShopCustomerWithoutPhone.email) == email.lower())
    statement = delete(ShopCustomerWithoutPhone).where(is_theirs).returning(ShopCustomerWithoutPhone.customer_id)
    return list(session.scalars(statement, execution_options=NO_SYNC))


def list_without_phone(
    session: Session, *, reason: PhoneReason | None = None, after_id: int = 0, limit: int = 50
) -> list[ShopCustomerWithoutPhone]:
    """Return a page in the order in which they came, after the row `after_id`."""
    query = select(ShopCustomerWithoutPhone).where(and_(ShopCustomerWithoutPhone.id > after_id, *_of_reason(reason)))
    return list(session.scalars(query.order_by(ShopCustomerWithoutPhone.id).limit(limit)))


def count_without_phone(session: Session) -> Mapping[PhoneReason, int]:
    """Return how many there are for each reason that occurs."""
    query = select(ShopCustomerWithoutPhone.reason, func.count()).group_by(ShopCustomerWithoutPhone.reason)
    return dict(session.execute(query).all())


def purge_without_phone(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Forget customers of whom the shop has not spoken for as long as messages are kept."""
    before = now - timedelta(days=int(read_setting(session, "keep_messages_days")))
    old = select(ShopCustomerWithoutPhone.id).where(ShopCustomerWithoutPhone.seen_at < before).limit(limit)
    done: Any = session.execute(
        delete(ShopCustomerWithoutPhone).where(ShopCustomerWithoutPhone.id.in_(old.scalar_subquery())),
        execution_options=NO_SYNC,
    )
    return int(done.rowcount)


def _of_reason(reason: PhoneReason | None) -> list[Any]:
    return [ShopCustomerWithoutPhone.reason == reason] if reason is not None else []
