"""Redacts a person permanently.

Anonymous rows remain: that a message was sent and when, so that the figures of past campaigns do not change; and a keyed hash of
each of their numbers and ids, so that a later import cannot bring them back.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models.contacts.aliases import SHOP, aliases_held_by_others, delete_aliases
from models.contacts.consent import append_events, cancel_queued
from models.contacts.person_key import person_key
from models.contacts.user_ids import forget_user_ids
from models.conversations.control import delete_control
from models.conversations.possible_opt_outs import clear_possible_opt_outs
from models.conversations.unread import clear_unread
from models.crypto import Vault
from models.db.dialect import NO_SYNC, insert_into
from models.privacy.mentions import REDACTED, Mentions, mentions_of, wipe_mentions
from models.stored_texts import CONTACT_REDACTED
from models.tables.contact import Consent, ConsentEvent, Contact, ContactIdentity, Suppression
from models.tables.contact_alias import ContactAlias
from models.tables.conversation import Case, CaseStatus, Conversation, Direction, Message, MessageState
from models.tables.engagement import Engagement, LedgerEntry
from models.tables.flow import Action, ActionState, FlowSession, SessionStatus
from models.tables.order import Order, OrderItem
from models.tables.recipient import Recipient
from models.tables.shop import ShopCustomerRead, ShopCustomerWithoutPhone, ShopOptOut
from models.tables.tag import ContactTag, ListMember

NAMELESS = "x:"
"""Prefix of the person_key of a redacted person; a keyed hash follows."""
REDELIVERY = timedelta(days=8)
"""Meta may deliver a webhook again for up to seven days; a day is margin."""
_WIPED = (
    "phone", "raw_phone", "phone_problem", "wa_id", "first_name", "last_name", "email", "username", "language", "country",
    "time_zone", "shopify_id", "last_inbound_at", "marketing_stopped_at", "marketing_preference_at",
)  # fmt: skip


def redact_person(
    session: Session, contact_id: int, vault: Vault, now: datetime, actor: str, reason: str = "redacted"
) -> bool:
    """Redact a person permanently. False if there is no such contact, or it was redacted or merged before."""
    contact = session.scalar(
        select(Contact).where(Contact.id == contact_id).with_for_update(), execution_options={"populate_existing": True}
    )
    if contact is None or contact.redacted_at is not None or contact.merged_into_id is not None:
        return False
    keys, mentions = _person_keys(session, contact), mentions_of(session, contact)
    own_keys = set(keys) - aliases_held_by_others(session, contact_id, keys)
    suppress(session, [vault.person_hash(key) for key in sorted(own_keys)], reason, now)
    wipe_mentions(session, contact_id, mentions)  # before the wamids are cleared, by which parked statuses are found
    _wipe_chats(session, contact_id, now)
    _wipe_campaigns(session, contact_id, keys, own_keys, vault)
    _wipe_consent_events(session, contact, mentions)
    _wipe_shop(session, keys)
    forget_user_ids(session, keys)
    _wipe_contact(session, contact, vault, now)
    event = {"before": contact.consent, "after": Consent.REDACTED, "at": now, "source": reason[:200], "proof": None}
    append_events(session, [event | {"contact_id": contact_id, "actor": actor}])
    session.expire_all()
    return True


def _person_keys(session: Session, contact: Contact) -> list[str]:
    """Return every key by which this person could be imported again, including aliases."""
    keys = {contact.person_key}
    if contact.phone:
        keys.add(person_key(phone=contact.phone))
    if contact.wa_id:
        keys.add(person_key(wa_id=contact.wa_id))
    if contact.raw_phone:
        keys.add(f"raw:{contact.raw_phone}")
    if contact.shopify_id:
        keys.add(f"{SHOP}{contact.shopify_id}")
    identities = select(ContactIdentity.portfolio_id, ContactIdentity.bsuid).where(
        ContactIdentity.contact_id == contact.id
    )
    keys |= {person_key(portfolio_id=row.portfolio_id, bsuid=row.bsuid) for row in session.execute(identities)}
    keys |= set(session.scalars(select(ContactAlias.key).where(ContactAlias.contact_id == contact.id)))
    keys |= set(session.scalars(select(Recipient.person_key).where(Recipient.contact_id == contact.id)))
    return sorted(key for key in keys if not key.startswith("c:"))


def suppress(session: Session, hashes: Iterable[str], reason: str, now: datetime) -> None:
    """Keep out who is known by these (`Vault.person_hash`)."""
    rows = [{"person_hash": hashed, "reason": reason[:200], "created_at": now} for hashed in hashes]
    if rows:
        statement = insert_into(session, Suppression.__table__).on_conflict_do_nothing(index_elements=["person_hash"])
        session.connection().execute(statement, rows)


def _wipe_chats(session: Session, contact_id: int, now: datetime) -> None:
    """Clear messages, cases and sessions. Wamids, which contain a number, stay while Meta may deliver the messages again."""
    conversation_ids = select(Conversation.id).where(Conversation.contact_id == contact_id)
    _update(
        session,
        update(Message)
        .where(Message.conversation_id.in_(conversation_ids))
        .values(body=None, payload=None, button_payload=None, error_msg=None, route_reason=None),
        update(Message)
        .where(Message.conversation_id.in_(conversation_ids), Message.state == MessageState.QUEUED)
        .values(state=MessageState.NOT_SENT, error_msg=CONTACT_REDACTED().stored(), failed_at=now),
        update(Message)
        .where(
            Message.conversation_id.in_(conversation_ids),
            Message.direction == Direction.IN,
            Message.handled_at.is_(None),
        )
        .values(handled_at=now),
        update(Message)
        .where(Message.conversation_id.in_(conversation_ids), Message.at < now - REDELIVERY)
        .values(wamid=None, context_wamid=None),
        update(Case).where(Case.contact_id == contact_id).values(reason=""),
        update(Case)
        .where(Case.contact_id == contact_id, Case.closed_at.is_(None))
        .values(status=CaseStatus.RESOLVED, closed_at=now, closed_by="redacted"),
    )
    clear_unread(session, contact_id)
    clear_possible_opt_outs(session, contact_id)
    delete_control(session, contact_id)
    session_ids = select(FlowSession.id).where(FlowSession.contact_id == contact_id)
    _update(
        session,
        update(Action).where(Action.session_id.in_(session_ids)).values(payload={}, result=None),
        update(Action)
        .where(Action.session_id.in_(session_ids), Action.state.in_((ActionState.PENDING, ActionState.CLAIMED)))
        .values(state=ActionState.CANCELLED, done_at=now),
        update(FlowSession)
        .where(FlowSession.contact_id == contact_id)
        .values(
            state={},
            version=FlowSession.version + 1,
            status=SessionStatus.ENDED,
            ended_at=func.coalesce(FlowSession.ended_at, now),
            ended_reason=func.coalesce(FlowSession.ended_reason, "redacted"),
        ),
    )


def _wipe_campaigns(session: Session, contact_id: int, keys: Sequence[str], own_keys: set[str], vault: Vault) -> None:
    """Clear recipients and engagements. person_key and wamid contain the number; a hash replaces the former."""
    cancel_queued(session, [contact_id], CONTACT_REDACTED())
    session.execute(delete(Engagement).where(Engagement.contact_id == contact_id), execution_options=NO_SYNC)
    _update(
        session,
        update(Recipient)
        .where(Recipient.contact_id == contact_id)
        .values(source_values=None, wamid=None, error_msg=None, detail=None),
    )
    for key in keys:
        anonymous_key = f"{NAMELESS}{vault.person_hash(key)}"
        _update(
            session,
            update(Recipient)
            .where(Recipient.contact_id == contact_id, Recipient.person_key == key)
            .values(person_key=anonymous_key),
        )
        if key in own_keys:
            _update(session, update(LedgerEntry).where(LedgerEntry.person_key == key).values(person_key=anonymous_key))


def _wipe_consent_events(session: Session, contact: Contact, mentions: Mentions) -> None:
    """Clear proofs of consent events, and redact sources that mention the person; time and actor stay."""
    of_contact = ConsentEvent.contact_id == contact.id
    names = [part for part in (contact.name, contact.first_name, contact.last_name) if part]
    for event_id, source in session.execute(select(ConsentEvent.id, ConsentEvent.source).where(of_contact)).all():
        if mentions.matches(source) or any(part in source for part in names):
            _update(session, update(ConsentEvent).where(ConsentEvent.id == event_id).values(source=REDACTED))
    _update(session, update(ConsentEvent).where(of_contact).values(proof=None))


def _wipe_shop(session: Session, keys: Sequence[str]) -> None:
    """What is kept of them as a shop's customer."""
    ids = [key.removeprefix(SHOP) for key in keys if key.startswith(SHOP)]
    for table in (ShopCustomerWithoutPhone, ShopCustomerRead, ShopOptOut):
        session.execute(delete(table).where(table.customer_id.in_(ids)), execution_options=NO_SYNC)


def _wipe_contact(session: Session, contact: Contact, vault: Vault, now: datetime) -> None:
    order_ids = select(Order.id).where(Order.contact_id == contact.id)
    session.execute(delete(OrderItem).where(OrderItem.order_id.in_(order_ids)), execution_options=NO_SYNC)
    for table in (ContactTag, ListMember, ContactIdentity, Order):
        session.execute(delete(table).where(table.contact_id == contact.id), execution_options=NO_SYNC)
    delete_aliases(session, contact.id)
    values: dict[str, Any] = dict.fromkeys(_WIPED)
    values |= {
        "name": "",
        "attributes": {},
        "has_identity": False,
        "person_key": f"{NAMELESS}{vault.person_hash(contact.person_key)}",
        "consent": Consent.REDACTED,
        "consent_at": now,
        "redacted_at": now,
        "updated_at": now,
    }
    _update(session, update(Contact).where(Contact.id == contact.id).values(values))


def _update(session: Session, *statements: Any) -> None:
    for statement in statements:
        session.execute(statement, execution_options=NO_SYNC)
