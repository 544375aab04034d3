"""Merges two contacts that are one person: the winner takes over all data, the loser keeps a pointer to the winner.

If both have a value, the winner's stays; the loser's value, and the number or id that led to the loser, are stored as aliases
(models.contacts.aliases).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, insert, literal, select, update
from sqlalchemy.orm import Session, aliased

from models.contacts.aliases import (
    RAW,
    SHOP,
    KnownIdentifier,
    add_aliases,
    add_merged_values,
    identifiers_of,
    release_aliases,
    transfer_aliases,
)
from models.contacts.consent import append_events
from models.contacts.merge_campaigns import move_campaigns
from models.contacts.merge_conversations import merge_conversations
from models.contacts.person_key import person_key
from models.errors import OperatorError
from models.tables.contact import Consent, ConsentEvent, Contact, ContactIdentity
from models.tables.contact_alias import AliasKind
from models.tables.engagement import Engagement
from models.tables.order import Order
from models.tables.tag import ContactTag, ListMember, Tag

PERSONAL = ("name", "first_name", "last_name", "email", "username", "language", "country", "time_zone")
"""Columns that the winner takes from the loser if its own are empty."""
UNIQUE = ("phone", "raw_phone", "wa_id", "shopify_id")


class MergeError(OperatorError):
    """These two contacts cannot be merged. The message is one sentence."""


def choose_winner(session: Session, one_id: int, other_id: int) -> tuple[int, int]:
    """Return (winner, loser): the contact with the older engagement wins, else the older record."""
    ids = (one_id, other_id)
    engaged = session.scalar(
        select(Engagement.contact_id)
        .where(Engagement.contact_id.in_(ids))
        .order_by(Engagement.created_at, Engagement.person_key)
        .limit(1)
    )
    older = session.scalar(select(Contact.id).where(Contact.id.in_(ids)).order_by(Contact.created_at, Contact.id))
    winner = engaged or older or min(ids)
    return winner, other_id if winner == one_id else one_id


@dataclass(frozen=True, slots=True)
class MergeLeftovers:
    """Data of the loser that the winner's row cannot hold: (kind, name, loser's value, winner's value), and its lookup keys."""

    values: tuple[tuple[AliasKind, str, Any, Any], ...]
    ids: dict[str, KnownIdentifier]

    @property
    def names(self) -> list[str]:
        """Names of the kept values, without the values."""
        ids = ["a number or id"] if self.ids else []
        return ids + [name if kind is AliasKind.FIELD else f"{kind} {name}" for kind, name, *_ in self.values]


def merge_contacts(session: Session, winner_id: int, loser_id: int, now: datetime) -> MergeLeftovers:
    """Merge the loser into the winner; return the data stored as aliases.

    Raises MergeError if both ids are the same, or if a contact does not exist, is redacted or was merged before.
    """
    if winner_id == loser_id:
        raise MergeError("contact {winner_id} cannot be merged with itself", winner_id=winner_id)
    ids = (winner_id, loser_id)
    rows = session.scalars(
        select(Contact).where(Contact.id.in_(ids)).order_by(Contact.id).with_for_update(),
        execution_options={"populate_existing": True},
    )
    contacts = {contact.id: contact for contact in rows}
    for key in ids:
        _check(contacts.get(key), key)
    winner, loser = contacts[winner_id], contacts[loser_id]
    values = _merged_values(winner, loser)
    leftovers = merge_leftovers(session, winner, loser)
    _leave_pointer(session, loser, winner_id, now)
    _write_winner(session, winner, values, now)
    transfer_aliases(session, winner_id, loser_id)
    release_aliases(session, [values["person_key"]])
    add_aliases(session, winner_id, leftovers.ids, now)
    add_merged_values(session, winner_id, [(kind, name, value) for kind, name, value, _ in leftovers.values], now)
    _move_rows(session, winner_id, loser_id)
    move_campaigns(session, winner_id, loser_id, values["person_key"])
    merge_conversations(session, winner_id, loser_id, now)
    return leftovers


def merge_leftovers(session: Session, winner: Contact, loser: Contact) -> MergeLeftovers:
    """Return what a merge of the two would store as aliases."""
    fields = [(AliasKind.FIELD, name, getattr(loser, name), getattr(winner, name)) for name in PERSONAL]
    fields += [
        (AliasKind.ATTRIBUTE, name, value, winner.attributes.get(name)) for name, value in loser.attributes.items()
    ]
    winners, losers = aliased(ContactTag), aliased(ContactTag)
    tags = session.execute(
        select(Tag.name, losers.value, winners.value)
        .join(losers, losers.tag_id == Tag.id)
        .join(winners, winners.tag_id == Tag.id)
        .where(losers.contact_id == loser.id, winners.contact_id == winner.id)
        .order_by(Tag.name)
    )
    fields += [(AliasKind.TAG, name, value, winner_value) for name, value, winner_value in tags]
    after = _merged_values(winner, loser)
    current_keys = {after["person_key"], f"{SHOP}{after['shopify_id']}", f"{RAW}{after['raw_phone']}"}
    identifiers = identifiers_of(loser) | identifiers_of(winner)
    return MergeLeftovers(
        values=tuple(row for row in fields if row[2] and row[3] and row[2] != row[3]),
        ids={key: identifier for key, identifier in identifiers.items() if key not in current_keys},
    )


def _check(contact: Contact | None, key: int) -> None:
    if contact is None:
        raise MergeError("contact {key} does not exist", key=key)
    if contact.redacted_at is not None:
        raise MergeError("contact {key} is redacted; nothing of it can be merged", key=key)
    if contact.merged_into_id is not None:
        raise MergeError(
            "contact {key} was already merged into contact {merged_into_id}",
            key=key,
            merged_into_id=contact.merged_into_id,
        )


def _merged_values(winner: Contact, loser: Contact) -> dict[str, Any]:
    """The winner's column values after the merge."""
    values: dict[str, Any] = {name: getattr(winner, name) or getattr(loser, name) for name in PERSONAL}
    values |= {name: getattr(winner, name) or getattr(loser, name) for name in ("phone", "wa_id", "shopify_id")}
    if not values["phone"]:
        source = winner if winner.raw_phone else loser
        values |= {"raw_phone": source.raw_phone, "phone_problem": source.phone_problem}
    else:
        values |= {"raw_phone": None, "phone_problem": None}
    values["attributes"] = loser.attributes | winner.attributes
    values["has_identity"] = winner.has_identity or loser.has_identity
    values["last_inbound_at"] = _later(winner.last_inbound_at, loser.last_inbound_at)
    values["shopify_changed_at"] = _later(winner.shopify_changed_at, loser.shopify_changed_at)
    values["undeliverable_count"] = min(winner.undeliverable_count, loser.undeliverable_count)
    values["created_at"] = min(winner.created_at, loser.created_at)
    values |= _merged_preference(winner, loser) | _merged_consent(winner, loser)
    number = values["wa_id"] or values["phone"]
    values["person_key"] = (
        person_key(wa_id=values["wa_id"], phone=values["phone"]) if number else _identity_key(winner, loser)
    )
    return values


def _identity_key(winner: Contact, loser: Contact) -> str:
    return winner.person_key if winner.has_identity or not loser.has_identity else loser.person_key


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def _merged_preference(winner: Contact, loser: Contact) -> dict[str, Any]:
    """The newest marketing preference that Meta reported."""
    newest = winner
    if loser.marketing_preference_at is not None and (
        winner.marketing_preference_at is None or loser.marketing_preference_at > winner.marketing_preference_at
    ):
        newest = loser
    return {
        "marketing_stopped_at": newest.marketing_stopped_at,
        "marketing_preference_at": newest.marketing_preference_at,
    }


def _merged_consent(winner: Contact, loser: Contact) -> dict[str, Any]:
    """Unsubscribed on either record stays unsubscribed; else the newest consent counts, and `unknown` counts least."""
    source = winner
    if winner.consent is not Consent.UNSUBSCRIBED:
        moments = [contact.consent_at.timestamp() if contact.consent_at else 0.0 for contact in (winner, loser)]
        is_only_known = winner.consent is Consent.UNKNOWN and loser.consent is not Consent.UNKNOWN
        is_newer = moments[1] > moments[0] and loser.consent is not Consent.UNKNOWN
        if loser.consent is Consent.UNSUBSCRIBED or is_only_known or is_newer:
            source = loser
    return {"consent": source.consent, "consent_at": source.consent_at}


def _leave_pointer(session: Session, loser: Contact, winner_id: int, now: datetime) -> None:
    """Empty the loser's row of personal data. Runs first, so that the unique columns are free for the winner."""
    session.execute(
        update(Contact)
        .where(Contact.id == loser.id)
        .values(
            dict.fromkeys((*UNIQUE, *PERSONAL))
            | {
                "name": "",
                "phone_problem": None,
                "attributes": {},
                "has_identity": False,
                "person_key": person_key(contact_id=loser.id),
                "consent": Consent.UNKNOWN,
                "merged_into_id": winner_id,
                "updated_at": now,
            }
        )
        .execution_options(synchronize_session=False)
    )
    session.execute(update(Contact).where(Contact.merged_into_id == loser.id).values(merged_into_id=winner_id))
    session.expire(loser)


def _write_winner(session: Session, winner: Contact, values: dict[str, Any], now: datetime) -> None:
    before = winner.consent
    session.execute(
        update(Contact)
        .where(Contact.id == winner.id)
        .values(values | {"updated_at": now})
        .execution_options(synchronize_session=False)
    )
    session.expire(winner)
    if values["consent"] is not before:
        event = {"before": before, "after": values["consent"], "at": now, "proof": None, "actor": "system"}
        append_events(session, [{"contact_id": winner.id, "source": "merged with another record", **event}])


def _move_rows(session: Session, winner_id: int, loser_id: int) -> None:
    """Move tags (the winner's value stays if both have one), lists, identities, orders and the consent ledger."""
    _move_missing(session, ContactTag, "tag_id", winner_id, loser_id)
    _move_missing(session, ListMember, "list_id", winner_id, loser_id)
    for table in (ContactIdentity, ConsentEvent, Order):
        session.execute(
            update(table)
            .where(table.contact_id == loser_id)
            .values(contact_id=winner_id)
            .execution_options(synchronize_session=False)
        )


def _move_missing(
    session: Session, table: type[ContactTag] | type[ListMember], key: str, winner_id: int, loser_id: int
) -> None:
    columns = [column.key for column in table.__table__.columns if column.key != "contact_id"]
    winners = aliased(table)
    missing = select(literal(winner_id), *(getattr(table, name) for name in columns)).where(
        table.contact_id == loser_id,
        ~exists().where(winners.contact_id == winner_id, getattr(winners, key) == getattr(table, key)),
    )
    session.execute(insert(table).from_select(["contact_id", *columns], missing))
    session.execute(delete(table).where(table.contact_id == loser_id).execution_options(synchronize_session=False))
