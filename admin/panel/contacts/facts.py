"""Reads what a contact's page shows."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from admin.panel.contacts.merge import values_before_merge
from models.clock import utcnow
from models.contacts.aliases import aliases_of, merged_values_of
from models.contacts.tagging import not_deleted
from models.shop.orders import load_orders
from models.stored_texts import NO_REASON
from models.tables.campaign import Campaign
from models.tables.contact import ConsentEvent, Contact
from models.tables.conversation import Case, Conversation
from models.tables.engagement import Engagement
from models.tables.recipient import Recipient
from models.tables.tag import ContactList, ContactTag, ListMember, Tag

MAX_ROWS = 50


def tags_of(session: Session, contact_ids: list[int]) -> dict[int, list[Any]]:
    """The tags of each contact, with their values, by name."""
    rows = session.execute(
        select(ContactTag.contact_id, Tag.name, ContactTag.value)
        .join(Tag, Tag.id == ContactTag.tag_id)
        .where(ContactTag.contact_id.in_(contact_ids), not_deleted(Tag))
        .order_by(Tag.name)
    )
    tags: dict[int, list[Any]] = {}
    for row in rows:
        tags.setdefault(row.contact_id, []).append(row)
    return tags


def person_facts(session: Session, contact: Contact) -> dict[str, Any]:
    """What the page shows besides the contact's own fields."""
    contact_id = contact.id
    campaigns = (
        select(Recipient, Campaign.name, Campaign.kind)
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .where(Recipient.contact_id == contact_id, Campaign.deleted_at.is_(None))
        .order_by(Recipient.id.desc())
        .limit(MAX_ROWS)
    )
    engagements = select(Campaign.id, Campaign.name).join(Engagement).where(Engagement.person_key == contact.person_key)
    conversations = (
        select(Conversation).where(Conversation.contact_id == contact_id).options(joinedload(Conversation.number))
    )
    return {
        "tags": tags_of(session, [contact_id]).get(contact_id, []),
        "tag_names": list(session.scalars(select(Tag.name).where(not_deleted(Tag)).order_by(Tag.name).limit(500))),
        "lists": session.execute(
            select(ContactList.id, ContactList.name)
            .join(ListMember)
            .where(ListMember.contact_id == contact_id, not_deleted(ContactList))
        ).all(),
        "ledger": list(
            session.scalars(
                select(ConsentEvent)
                .where(ConsentEvent.contact_id == contact_id)
                .order_by(ConsentEvent.id.desc())
                .limit(MAX_ROWS)
            )
        ),
        "campaigns": session.execute(campaigns).all(),
        "no_reason": NO_REASON().translated(),
        "engaged": session.execute(engagements).first(),
        "conversations": list(session.scalars(conversations.order_by(Conversation.last_message_at.desc()))),
        "orders": load_orders(session, contact_id, MAX_ROWS),
        "found_by": [row for row in aliases_of(session, contact_id) if row.shown != contact.phone],
        "before_merge": values_before_merge(merged_values_of(session, contact_id)),
        "open_case": session.scalar(select(Case).where(Case.contact_id == contact_id, Case.closed_at.is_(None))),
        "now": utcnow(),
    }
