"""Two records that turn out to be one person become one: the winner takes all, the loser stays as a pointer to it.

Where both said something, the winner's word counts; what the loser said, and the number or id that it was found by, is kept
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
from models.contacts.merge_conversations import merge_conversations
from models.contacts.phone import person_key
from models.errors import OperatorError
from models.stored_texts import MERGED
from models.tables.contact import Consent, ConsentEvent, Contact, ContactIdentity
from models.tables.contact_alias import AliasKind
from models.tables.engagement import Engagement
from models.tables.order import Order
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.tag import ContactTag, ListMember, Tag

PERSONAL = ("name", "first_name", "last_name", "email", "username", "language", "country", "time_zone")
"""Columns of which the winner takes over what it lacks."""
UNIQUE = ("phone", "raw_phone", "wa_id", "shopify_id")


class MergeError(OperatorError):
    """These two cannot be merged; the message is one sentence."""


def choose_winner(session: Session, one_id: int, other_id: int) -> tuple[int, int]:
    """(winner, loser): the one with the older engagement wins, else the older record."""
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
    """What the surviving record does not say itself: (kind, name, the loser's value, the winner's), and keys that lead to it."""

    values: tuple[tuple[AliasKind, str, Any, Any], ...]
    ids: dict[str, KnownIdentifier]

    @property
    def names(self) -> list[str]:
        """What is kept of the loser, without saying what it was."""
        ids = ["a number or id"] if self.ids else []
        return ids + [name if kind is AliasKind.FIELD else f"{kind} {name}" for kind, name, *_ in self.values]


def merge_contacts(session: Session, winner_id: int, loser_id: int, now: datetime) -> MergeLeftovers:
    """Make one record of two; what is kept besides. MergeError for one record twice, a redacted one, or one merged before."""
    if winner_id == loser_id:
        raise MergeError("contact {winner_id} cannot be merged with itself", winner_id=winner_id)
    ids = (winner_id, loser_id)
    rows = session.scalars(
        select(Contact).where(Contact.id.in_(ids)).order_by(Contact.id).with_for_update(),
        execution_options={"populate_existing": True},
    )
    found = {contact.id: contact for contact in rows}
    for key in ids:
        _check(found.get(key), key)
    winner, loser = found[winner_id], found[loser_id]
    values = _merged_values(winner, loser)
    left = merge_leftovers(session, winner, loser)
    _leave_pointer(session, loser, winner_id, now)
    _give(session, winner, values, now)
    transfer_aliases(session, winner_id, loser_id)
    release_aliases(session, [values["person_key"]])
    add_aliases(session, winner_id, left.ids, now)
    add_merged_values(session, winner_id, [(kind, name, value) for kind, name, value, _ in left.values], now)
    _move_sets(session, winner_id, loser_id)
    _move_campaigns(session, winner_id, loser_id, values["person_key"])
    merge_conversations(session, winner_id, loser_id, now)
    return left


def merge_leftovers(session: Session, winner: Contact, loser: Contact) -> MergeLeftovers:
    """What a merge of the two would keep as former."""
    fields = [(AliasKind.FIELD, name, getattr(loser, name), getattr(winner, name)) for name in PERSONAL]
    fields += [
        (AliasKind.ATTRIBUTE, name, value, winner.attributes.get(name)) for name, value in loser.attributes.items()
    ]
    mine, theirs = aliased(ContactTag), aliased(ContactTag)
    tags = session.execute(
        select(Tag.name, theirs.value, mine.value)
        .join(theirs, theirs.tag_id == Tag.id)
        .join(mine, mine.tag_id == Tag.id)
        .where(theirs.contact_id == loser.id, mine.contact_id == winner.id)
        .order_by(Tag.name)
    )
    fields += [(AliasKind.TAG, name, value, kept) for name, value, kept in tags]
    after = _merged_values(winner, loser)
    stays = {after["person_key"], f"{SHOP}{after['shopify_id']}", f"{RAW}{after['raw_phone']}"}
    known = identifiers_of(loser) | identifiers_of(winner)
    return MergeLeftovers(
        values=tuple(row for row in fields if row[2] and row[3] and row[2] != row[3]),
        ids={key: it for key, it in known.items() if key not in stays},
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
    """What the winner's row becomes."""
    values: dict[str, Any] = {name: getattr(winner, name) or getattr(loser, name) for name in PERSONAL}
    values |= {name: getattr(winner, name) or getattr(loser, name) for name in ("phone", "wa_id", "shopify_id")}
    if not values["phone"]:
        kept = winner if winner.raw_phone else loser
        values |= {"raw_phone": kept.raw_phone, "phone_problem": kept.phone_problem}
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
    """Meta's newest word on marketing."""
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
    """Who left on either record has left; else the newest word counts, and no word at all is the oldest."""
    kept = winner
    if winner.consent is not Consent.UNSUBSCRIBED:
        moments = [contact.consent_at.timestamp() if contact.consent_at else 0.0 for contact in (winner, loser)]
        said_nothing = winner.consent is Consent.UNKNOWN and loser.consent is not Consent.UNKNOWN
        says_something = loser.consent is not Consent.UNKNOWN
        is_newer = moments[1] > moments[0] and says_something
        if loser.consent is Consent.UNSUBSCRIBED or said_nothing or is_newer:
            kept = loser
    return {"consent": kept.consent, "consent_at": kept.consent_at}


def _leave_pointer(session: Session, loser: Contact, winner_id: int, now: datetime) -> None:
    """First, so that the unique columns are free for the winner. Nothing personal stays behind."""
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


def _give(session: Session, winner: Contact, values: dict[str, Any], now: datetime) -> None:
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


def _move_sets(session: Session, winner_id: int, loser_id: int) -> None:
    """Tags (the winner's value stays where both have one), lists, identities, orders, the ledger of consent."""
    _move_where_lacking(session, ContactTag, "tag_id", winner_id, loser_id)
    _move_where_lacking(session, ListMember, "list_id", winner_id, loser_id)
    for table in (ContactIdentity, ConsentEvent, Order):
        session.execute(
            update(table)
            .where(table.contact_id == loser_id)
            .values(contact_id=winner_id)
            .execution_options(synchronize_session=False)
        )


def _move_where_lacking(
    session: Session, table: type[ContactTag] | type[ListMember], key: str, winner_id: int, loser_id: int
) -> None:
    columns = [column.key for column in table.__table__.columns if column.key != "contact_id"]
    held = aliased(table)
    lacking = select(literal(winner_id), *(getattr(table, name) for name in columns)).where(
        table.contact_id == loser_id,
        ~exists().where(held.contact_id == winner_id, getattr(held, key) == getattr(table, key)),
    )
    session.execute(insert(table).from_select(["contact_id", *columns], lacking))
    session.execute(delete(table).where(table.contact_id == loser_id).execution_options(synchronize_session=False))


def _move_campaigns(session: Session, winner_id: int, loser_id: int, key: str) -> None:
    """Recipients keep their person_key. One campaign reaches one person once; of two engagements the older stays."""
    ids = (winner_id, loser_id)
    _leave_out_second(session, winner_id, loser_id)
    held = session.scalars(
        select(Engagement).where(Engagement.contact_id.in_(ids)).order_by(Engagement.created_at, Engagement.person_key)
    ).all()
    if held:
        oldest = held[0]
        others = {row.campaign_id for row in held} - {oldest.campaign_id}
        _cancel(session, ids, NotSent.ENGAGED, Recipient.campaign_id.in_(others))
        session.execute(delete(Engagement).where(Engagement.contact_id.in_(ids), Engagement.campaign_id.in_(others)))
        session.execute(update(Engagement).where(Engagement.contact_id.in_(ids)).values(contact_id=winner_id))
        if not session.scalar(select(exists().where(Engagement.person_key == key))):
            row = {"campaign_id": oldest.campaign_id, "contact_id": winner_id, "created_at": oldest.created_at}
            session.execute(insert(Engagement).values(person_key=key, **row))
    session.execute(
        update(Recipient)
        .where(Recipient.contact_id == loser_id)
        .values(contact_id=winner_id)
        .execution_options(synchronize_session=False)
    )


def _leave_out_second(session: Session, winner_id: int, loser_id: int) -> None:
    """Where both are in one campaign: what is queued goes if the other's was begun; of two queued the winner's stays."""
    other = aliased(Recipient)
    begun = exists().where(
        other.campaign_id == Recipient.campaign_id,
        other.contact_id.in_((winner_id, loser_id)),
        other.id != Recipient.id,
        other.state.not_in((RecipientState.QUEUED, RecipientState.NOT_SENT)),
    )
    _cancel(session, (winner_id, loser_id), NotSent.DUPLICATE, begun)
    queued_too = exists().where(
        other.campaign_id == Recipient.campaign_id,
        other.contact_id == winner_id,
        other.state == RecipientState.QUEUED,
    )
    _cancel(session, (loser_id,), NotSent.DUPLICATE, queued_too)


def _cancel(session: Session, contact_ids: tuple[int, ...], reason: NotSent, condition: Any) -> None:
    session.execute(
        update(Recipient)
        .where(Recipient.contact_id.in_(contact_ids), Recipient.state == RecipientState.QUEUED, condition)
        .values(state=RecipientState.NOT_SENT, reason=reason, detail=MERGED().stored())
        .execution_options(synchronize_session=False)
    )
