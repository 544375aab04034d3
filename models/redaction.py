"""Wiping a person, and telling a person everything that is kept of them.

What stays of a redacted person are rows without a name: that a message was sent and when, so that past campaigns' figures
hold; and a keyed hash of each number or id they were known by, so that a later import cannot bring them back.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, cast, delete, func, inspect, or_, select, update
from sqlalchemy.orm import Session

from models.audience import without_contact
from models.campaign import Campaign
from models.consent import append_events, cancel_queued
from models.contact import Consent, ConsentEvent, Contact, ContactIdentity, Suppression
from models.conversation import Case, Conversation, Direction, Message, MessageState
from models.dialect import insert_into
from models.engagement import Engagement, LedgerEntry
from models.flow import Action, ActionState, FlowSession, FunnelStep, SessionStatus
from models.former import FormerId, forget_former, held_keys
from models.inbox import DeadLetter, ParkedStatus
from models.order import Bought, Order
from models.phone import person_key
from models.recipient import Recipient
from models.secret import Vault
from models.tag import ContactList, ContactTag, ListMember, Tag

NAMELESS = "x:"
"""How the keys of a redacted person begin: a hash that is no person's."""
REDELIVERY = timedelta(days=8)
"""Meta delivers a webhook again for up to seven days."""
NO_SYNC = {"synchronize_session": False}
_WIPED = (
    "phone", "raw_phone", "phone_problem", "wa_id", "first_name", "last_name", "email", "username", "language", "country",
    "time_zone", "shopify_id", "last_inbound_at", "marketing_stopped_at", "marketing_preference_at",
)  # fmt: skip


def redact(
    session: Session, contact_id: int, vault: Vault, now: datetime, actor: str, reason: str = "redacted"
) -> bool:
    """Wipe a person for good. False where there is no such contact or it was redacted before."""
    contact = session.scalar(
        select(Contact).where(Contact.id == contact_id).with_for_update(), execution_options={"populate_existing": True}
    )
    if contact is None or contact.redacted_at is not None or contact.merged_into_id is not None:
        return False
    known_by = _known_by(session, contact)
    theirs_alone = set(known_by) - held_keys(session, contact_id, known_by)
    _suppress(session, [vault.person_hash(key) for key in sorted(theirs_alone)], reason, now)
    _wipe_chats(session, contact_id, now)
    _wipe_campaigns(session, contact_id, known_by, vault)
    _wipe_audiences(session, contact.phone)
    _wipe_inbox(session, contact)
    _wipe_contact(session, contact, vault, now)
    event = {"before": contact.consent, "after": Consent.REDACTED, "at": now, "source": reason[:200], "proof": None}
    append_events(session, [event | {"contact_id": contact_id, "actor": actor}])
    session.expire_all()
    return True


def export_person(session: Session, contact_id: int) -> dict[str, Any]:
    """Everything that is kept of one person, ready for JSON. LookupError where there is no such contact."""
    contact = session.get(Contact, contact_id)
    if contact is None:
        raise LookupError(f"contact {contact_id} does not exist")
    tags = select(Tag.name, ContactTag.value, ContactTag.created_at).join(ContactTag)
    lists = select(ContactList.name, ListMember.created_at).join(ListMember)
    mine = select(Conversation.id).where(Conversation.contact_id == contact_id)
    recipients = select(Recipient.id).where(Recipient.contact_id == contact_id)
    walks = select(FlowSession.id).where(FlowSession.contact_id == contact_id)
    return {
        "contact": _row(contact),
        "identities": _rows(session, ContactIdentity, ContactIdentity.contact_id == contact_id),
        "tags": _mappings(session, tags.where(ContactTag.contact_id == contact_id)),
        "lists": _mappings(session, lists.where(ListMember.contact_id == contact_id)),
        "consent": _rows(session, ConsentEvent, ConsentEvent.contact_id == contact_id),
        "campaigns": _rows(session, Recipient, Recipient.contact_id == contact_id),
        "funnel_steps": _rows(session, FunnelStep, FunnelStep.recipient_id.in_(recipients)),
        "conversations": _rows(session, Conversation, Conversation.contact_id == contact_id),
        "messages": _rows(session, Message, Message.conversation_id.in_(mine)),
        "cases": _rows(session, Case, Case.contact_id == contact_id),
        "bot_flows": _rows(session, FlowSession, FlowSession.contact_id == contact_id),
        "actions": _rows(session, Action, Action.session_id.in_(walks)),
        "orders": _rows(session, Order, Order.contact_id == contact_id),
        "merged_records": [
            row.id for row in session.execute(select(Contact.id).where(Contact.merged_into_id == contact_id))
        ],
    }


def _known_by(session: Session, contact: Contact) -> list[str]:
    """Every key under which this person could come back, the former ones too."""
    keys = {contact.person_key}
    if contact.phone:
        keys.add(person_key(phone=contact.phone))
    if contact.wa_id:
        keys.add(person_key(wa_id=contact.wa_id))
    if contact.raw_phone:
        keys.add(f"raw:{contact.raw_phone}")
    held = select(ContactIdentity.portfolio_id, ContactIdentity.bsuid).where(ContactIdentity.contact_id == contact.id)
    keys |= {person_key(portfolio_id=row.portfolio_id, bsuid=row.bsuid) for row in session.execute(held)}
    keys |= set(session.scalars(select(FormerId.key).where(FormerId.contact_id == contact.id)))
    keys |= set(session.scalars(select(Recipient.person_key).where(Recipient.contact_id == contact.id)))
    return sorted(key for key in keys if not key.startswith("c:"))


def _suppress(session: Session, hashes: Iterable[str], reason: str, now: datetime) -> None:
    rows = [{"person_hash": hashed, "reason": reason[:200], "created_at": now} for hashed in hashes]
    if rows:
        statement = insert_into(session, Suppression.__table__).on_conflict_do_nothing(index_elements=["person_hash"])
        session.connection().execute(statement, rows)


def _wipe_chats(session: Session, contact_id: int, now: datetime) -> None:
    """What was said. Ids (a number is in them) stay while Meta may deliver again, so that nothing old is taken for new."""
    mine = select(Conversation.id).where(Conversation.contact_id == contact_id)
    _update(
        session,
        update(Message)
        .where(Message.conversation_id.in_(mine), Message.state == MessageState.QUEUED)
        .values(state=MessageState.NOT_SENT, error_msg="The contact was redacted.", failed_at=now),
        update(Message)
        .where(Message.conversation_id.in_(mine), Message.direction == Direction.IN, Message.handled_at.is_(None))
        .values(handled_at=now),
        update(Message).where(Message.conversation_id.in_(mine)).values(body=None, payload=None, button_payload=None),
        update(Message)
        .where(Message.conversation_id.in_(mine), Message.at < now - REDELIVERY)
        .values(wamid=None, context_wamid=None),
        update(Case).where(Case.contact_id == contact_id).values(reason=""),
    )
    walks = select(FlowSession.id).where(FlowSession.contact_id == contact_id)
    _update(
        session,
        update(Action).where(Action.session_id.in_(walks)).values(payload={}, result=None),
        update(Action)
        .where(Action.session_id.in_(walks), Action.state.in_((ActionState.PENDING, ActionState.CLAIMED)))
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


def _wipe_campaigns(session: Session, contact_id: int, keys: Sequence[str], vault: Vault) -> None:
    """Keys hold the number, and so does a wamid; recipients of past campaigns keep a hash that is no person's."""
    cancel_queued(session, [contact_id], "The contact was redacted.")
    session.execute(delete(Engagement).where(Engagement.contact_id == contact_id), execution_options=NO_SYNC)
    _update(
        session,
        update(Recipient)
        .where(Recipient.contact_id == contact_id)
        .values(source_values=None, wamid=None, error_msg=None, detail=None),
    )
    for key in keys:
        nameless = f"{NAMELESS}{vault.person_hash(key)}"
        _update(
            session,
            update(Recipient)
            .where(Recipient.contact_id == contact_id, Recipient.person_key == key)
            .values(person_key=nameless),
            update(LedgerEntry).where(LedgerEntry.person_key == key).values(person_key=nameless),
        )


def _wipe_inbox(session: Session, contact: Contact) -> None:
    """Raw payloads that could not be processed, and statuses that wait: where they name this person they go."""
    names = {contact.wa_id, (contact.phone or "").lstrip("+") or None} | {
        identity.bsuid for identity in contact.identities
    }
    found = [name for name in names if name]
    if found:
        session.execute(
            delete(DeadLetter).where(or_(*(DeadLetter.payload.contains(name, autoescape=True) for name in found))),
            execution_options=NO_SYNC,
        )
        as_text = cast(ParkedStatus.status, Text)
        session.execute(
            delete(ParkedStatus).where(or_(*(as_text.contains(name, autoescape=True) for name in found))),
            execution_options=NO_SYNC,
        )


def _wipe_audiences(session: Session, phone: str | None) -> None:
    """Campaigns that name the person as a single contact name them no longer, and can still be read."""
    if not phone:
        return
    naming = select(Campaign.id, Campaign.audience).where(cast(Campaign.audience, Text).contains('"contact"'))
    for campaign_id, audience in session.execute(naming).all():
        left = without_contact(audience, phone)
        if left != audience:
            _update(session, update(Campaign).where(Campaign.id == campaign_id).values(audience=left))


def _wipe_contact(session: Session, contact: Contact, vault: Vault, now: datetime) -> None:
    mine = select(Order.id).where(Order.contact_id == contact.id)
    session.execute(delete(Bought).where(Bought.order_id.in_(mine)), execution_options=NO_SYNC)
    for table in (ContactTag, ListMember, ContactIdentity, Order):
        session.execute(delete(table).where(table.contact_id == contact.id), execution_options=NO_SYNC)
    forget_former(session, contact.id)
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
    _update(
        session,
        update(Contact).where(Contact.id == contact.id).values(values),
        update(ConsentEvent).where(ConsentEvent.contact_id == contact.id).values(proof=None),
    )


def _update(session: Session, *statements: Any) -> None:
    for statement in statements:
        session.execute(statement, execution_options=NO_SYNC)


def _rows(session: Session, table: type[Any], condition: Any) -> list[dict[str, Any]]:
    return [_row(row) for row in session.scalars(select(table).where(condition).order_by(table.id))]


def _row(row: Any) -> dict[str, Any]:
    return {column.key: _plain(getattr(row, column.key)) for column in inspect(row).mapper.column_attrs}


def _mappings(session: Session, query: Any) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row.items()} for row in session.execute(query).mappings()]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
