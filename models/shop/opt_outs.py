"""Opt-outs that the shop has to be told: who is unsubscribed here and a customer there, and what became of each.

The rows follow from consent: whoever is unsubscribed, is a customer and has no row for this opt-out gets one. A crash loses
nothing, and a repetition makes no second one. Who subscribed again by their own START is no longer found, and is not written.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.orm import Session

from models.contacts.aliases import SHOP, identifiers_of
from models.db.dialect import NO_SYNC, insert_into
from models.shop.customers import find_by_shop_id
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.contact_alias import ContactAlias
from models.tables.shop import OptOutState, ShopOptOut

SHOP_ACTOR = "shopify"
"""The actor of a consent event that the shop made."""
SLICE = 1000
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OptOut:
    """An opt-out that is due: who, since when, and under which keys (`person_key`) their phone is known."""

    customer_id: str
    at: datetime
    tries: int
    phone_keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class MissingOptOuts:
    """Opt-outs without a row, of one slice of contacts: customer id → when. `last_contact_id` is where the next slice begins."""

    at: Mapping[str, datetime]
    by_shop: frozenset[str]
    """Those of them that the shop said itself."""
    last_contact_id: int


def find_missing(session: Session, after_contact_id: int) -> MissingOptOuts | None:
    """Look through one slice of those who are unsubscribed; None at the end. Reads alone."""
    query = select(Contact.id, Contact.shopify_id, Contact.consent_at).where(
        Contact.consent == Consent.UNSUBSCRIBED,
        Contact.id > after_contact_id,
        Contact.merged_into_id.is_(None),
        Contact.consent_at.is_not(None),
    )
    contacts = session.execute(query.order_by(Contact.id).limit(SLICE)).all()
    if not contacts:
        return None
    opted_out_at = {contact_id: at for contact_id, _, at in contacts if at is not None}
    owners = {shopify_id: contact_id for contact_id, shopify_id, _ in contacts if shopify_id}
    aliases = select(ContactAlias.key, ContactAlias.contact_id).where(
        ContactAlias.contact_id.in_(opted_out_at), ContactAlias.key.startswith(SHOP)
    )
    owners |= {row.key.removeprefix(SHOP): row.contact_id for row in session.execute(aliases)}
    known_rows = select(ShopOptOut.customer_id, ShopOptOut.opted_out_at).where(ShopOptOut.customer_id.in_(owners))
    known = dict(session.execute(known_rows).all())
    missing = {key: owner for key, owner in owners.items() if known.get(key) != opted_out_at[owner]}
    at = {key: opted_out_at[owner] for key, owner in missing.items()}
    return MissingOptOuts(at, _by_shop(session, missing), contacts[-1][0])


def add_opt_outs(session: Session, missing: MissingOptOuts, now: datetime) -> None:
    """Make their rows, which are due at once. A row of an earlier opt-out becomes one of this one."""
    rows = [
        {
            "customer_id": key,
            "opted_out_at": at,
            "state": OptOutState.FROM_SHOP if key in missing.by_shop else OptOutState.PENDING,
            "tries": 0,
            "next_try_at": now,
            "detail": "",
            "updated_at": now,
        }
        for key, at in sorted(missing.at.items())
    ]
    statement = insert_into(session, ShopOptOut.__table__)
    again = {name: getattr(statement.excluded, name) for name in rows[0] if name != "customer_id"}
    is_another = ShopOptOut.opted_out_at != statement.excluded.opted_out_at
    session.connection().execute(
        statement.on_conflict_do_update(index_elements=["customer_id"], set_=again, where=is_another), rows
    )


def due_opt_outs(session: Session, now: datetime, limit: int) -> list[OptOut]:
    """Return opt-outs to write, the longest waiting first. Those whose person is not unsubscribed any more are dropped."""
    rows = session.scalars(
        select(ShopOptOut)
        .where(ShopOptOut.state == OptOutState.PENDING, ShopOptOut.next_try_at <= now)
        .order_by(ShopOptOut.next_try_at)
        .limit(limit)
    ).all()
    due = []
    for row in rows:
        contact = find_by_shop_id(session, row.customer_id)
        if contact is None or contact.consent is not Consent.UNSUBSCRIBED:
            _drop(session, row)
            continue
        keys = {contact.person_key, *identifiers_of(contact)}
        keys |= set(session.scalars(select(ContactAlias.key).where(ContactAlias.contact_id == contact.id)))
        due.append(OptOut(row.customer_id, row.opted_out_at, row.tries, frozenset(keys)))
    return due


def has_due_opt_outs(session: Session, now: datetime) -> bool:
    """Whether an opt-out waits to be written."""
    return bool(
        session.scalar(select(exists().where(ShopOptOut.state == OptOutState.PENDING, ShopOptOut.next_try_at <= now)))
    )


def settle_opt_out(session: Session, opt_out: OptOut, state: OptOutState, now: datetime, detail: str = "") -> None:
    """Record what became of it, unless the person opted out anew meanwhile."""
    values = {"state": state, "detail": detail, "tries": opt_out.tries + 1, "updated_at": now}
    session.execute(update(ShopOptOut).where(*_is(opt_out)).values(values), execution_options=NO_SYNC)


def reopen_opt_out(session: Session, customer_id: str, now: datetime) -> None:
    """The shop still says what is older than the opt-out: write it again."""
    values = {"state": OptOutState.PENDING, "tries": 0, "next_try_at": now, "updated_at": now}
    settled = (ShopOptOut.customer_id == customer_id) & (ShopOptOut.state != OptOutState.PENDING)
    session.execute(update(ShopOptOut).where(settled).values(values), execution_options=NO_SYNC)


def postpone_opt_out(session: Session, opt_out: OptOut, now: datetime, detail: str) -> None:
    """It could not be written: try again, for as long as it takes, at last once a day."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(opt_out.tries, 20))
    values = {"tries": opt_out.tries + 1, "next_try_at": now + pause, "detail": detail, "updated_at": now}
    session.execute(update(ShopOptOut).where(*_is(opt_out)).values(values), execution_options=NO_SYNC)


def postpone_due_opt_outs(session: Session, now: datetime, pause: timedelta, detail: str) -> None:
    """The shop takes none now: all that are due wait."""
    is_due = (ShopOptOut.state == OptOutState.PENDING) & (ShopOptOut.next_try_at <= now)
    values = {"next_try_at": now + pause, "detail": detail, "updated_at": now}
    session.execute(update(ShopOptOut).where(is_due).values(values), execution_options=NO_SYNC)


def count_opt_outs(session: Session) -> Mapping[OptOutState, int]:
    """Return how many opt-outs stand in each state that occurs."""
    return dict(session.execute(select(ShopOptOut.state, func.count()).group_by(ShopOptOut.state)).all())


def last_problem(session: Session) -> str:
    """Return why the newest opt-out that waits could not be written, as it is stored; empty where none has failed."""
    query = select(ShopOptOut.detail).where(ShopOptOut.state == OptOutState.PENDING, ShopOptOut.detail != "")
    return session.scalar(query.order_by(ShopOptOut.updated_at.desc()).limit(1)) or ""


def drop_opt_outs(session: Session, customer_ids: Collection[str]) -> None:
    """The shop has these customers no more, or the person was redacted."""
    session.execute(delete(ShopOptOut).where(ShopOptOut.customer_id.in_(customer_ids)), execution_options=NO_SYNC)


def _by_shop(session: Session, owners: Mapping[str, int]) -> frozenset[str]:
    """The customers whose opt-out is the shop's own word: the last line of their ledger is the shop's."""
    newest = (
        select(func.max(ConsentEvent.id))
        .where(ConsentEvent.contact_id.in_(set(owners.values())))
        .group_by(ConsentEvent.contact_id)
    )
    query = select(ConsentEvent.contact_id).where(
        ConsentEvent.id.in_(newest.scalar_subquery()), ConsentEvent.actor == SHOP_ACTOR
    )
    by_shop = set(session.scalars(query))
    return frozenset(key for key, owner in owners.items() if owner in by_shop)


def _drop(session: Session, row: ShopOptOut) -> None:
    session.execute(
        delete(ShopOptOut).where(
            ShopOptOut.customer_id == row.customer_id, ShopOptOut.opted_out_at == row.opted_out_at
        ),
        execution_options=NO_SYNC,
    )


def _is(opt_out: OptOut) -> tuple[ColumnElement[bool], ...]:
    return (ShopOptOut.customer_id == opt_out.customer_id, ShopOptOut.opted_out_at == opt_out.at)
