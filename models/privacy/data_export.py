"""Exports everything that is stored about a person."""

from datetime import datetime
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from models.contacts.aliases import SHOP
from models.contacts.person_key import person_key
from models.contacts.user_ids import names_any
from models.privacy.tables import TABLES
from models.stored_texts import show_stored
from models.tables.answer_cost import AnswerCost
from models.tables.audit import Audit
from models.tables.campaign import Campaign
from models.tables.click import Click
from models.tables.contact import ConsentEvent, Contact, ContactIdentity
from models.tables.contact_alias import ContactAlias, MergedValue
from models.tables.conversation import Case, Conversation, Message, UnreadReply
from models.tables.conversation_control import ConversationControl
from models.tables.conversion import Conversion
from models.tables.engagement import Engagement, LedgerEntry
from models.tables.flow import Action, Flow, FlowSession, FlowVersion, FunnelStep
from models.tables.order import Order, OrderItem
from models.tables.order_refund import OrderRefund
from models.tables.possible_opt_out import PossibleOptOut
from models.tables.recipient import Recipient
from models.tables.recipient_opt_out import RecipientOptOut
from models.tables.recipient_tap import RecipientTap
from models.tables.recipient_try import RecipientTry
from models.tables.shop import ShopCustomerRead, ShopCustomerWithoutPhone, ShopOptOut
from models.tables.tag import ContactList, ContactTag, ListMember, Tag
from models.tables.tracked_link import TrackedLink
from models.tables.user_id_change import UserIdChange

SENTENCES = frozenset({"detail", "error_msg"})
"""Columns that keep a sentence by its key."""


def export_person(session: Session, contact_id: int) -> dict[str, Any]:
    """Return everything that is stored about one person, ready for JSON; times are ISO 8601.

    Raises LookupError if there is no such contact.
    """
    contact = session.get(Contact, contact_id)
    if contact is None:
        raise LookupError(f"contact {contact_id} does not exist")
    merged = list(session.scalars(select(Contact.id).where(Contact.merged_into_id == contact_id).order_by(Contact.id)))
    parts = {
        "contact": _row(contact),
        "also_found_by": _rows(session, ContactAlias, ContactAlias.contact_id == contact_id),
        "before_the_merge": _rows(session, MergedValue, MergedValue.contact_id == contact_id),
        "merged_records": merged,
        **_sets(session, contact_id),
        **_campaigns(session, contact),
        **_chats(session, contact_id),
        **_orders(session, contact_id),
        **_shop(session, contact),
        "audit": _audit(session, [contact_id, *merged]),
    }
    return {part: parts[part] for store in reversed(TABLES) for part in store.exported}


def _sets(session: Session, contact_id: int) -> dict[str, Any]:
    tags = select(Tag.name, ContactTag.value, ContactTag.created_at).join(ContactTag).order_by(Tag.name)
    lists = select(ContactList.name, ListMember.created_at).join(ListMember).order_by(ContactList.name)
    return {
        "identities": _rows(session, ContactIdentity, ContactIdentity.contact_id == contact_id),
        "user_id_changes": _rows(session, UserIdChange, names_any(_user_id_keys(session, contact_id))),
        "tags": _mappings(session, tags.where(ContactTag.contact_id == contact_id)),
        "lists": _mappings(session, lists.where(ListMember.contact_id == contact_id)),
        "consent": _rows(session, ConsentEvent, ConsentEvent.contact_id == contact_id),
    }


def _user_id_keys(session: Session, contact_id: int) -> list[str]:
    """The person keys of the user ids that the person has and had."""
    present = select(ContactIdentity).where(ContactIdentity.contact_id == contact_id)
    former = select(ContactAlias.key).where(ContactAlias.contact_id == contact_id, ContactAlias.key.startswith("bs:"))
    keys = [person_key(portfolio_id=row.portfolio_id, bsuid=row.bsuid) for row in session.scalars(present)]
    return keys + list(session.scalars(former))


def _campaigns(session: Session, contact: Contact) -> dict[str, Any]:
    of_contact = Recipient.contact_id == contact.id
    campaigns = session.execute(select(Campaign.id, Campaign.name).join(Recipient).where(of_contact))
    names = {row.id: row.name for row in campaigns}
    recipients = _rows(session, Recipient, of_contact)
    engagements = select(Campaign.name.label("campaign"), Engagement.created_at).join(Engagement)
    keys = {contact.person_key, *(row["person_key"] for row in recipients)}
    ledger = select(LedgerEntry.portfolio_id, LedgerEntry.first_at)
    taps = (
        select(Campaign.name.label("campaign"), RecipientTap.place, RecipientTap.title, RecipientTap.at)
        .join(Campaign, Campaign.id == RecipientTap.campaign_id)
        .join(Recipient, Recipient.id == RecipientTap.recipient_id)
    )
    clicks = (
        select(Campaign.name.label("campaign"), TrackedLink.url, Click.kind, Click.device, Click.at)
        .join_from(Click, TrackedLink, TrackedLink.id == Click.link_id)
        .join(Campaign, Campaign.id == TrackedLink.campaign_id)
        .join(Recipient, Recipient.id == Click.recipient_id)
    )
    opt_outs = (
        select(Campaign.name.label("campaign"), RecipientOptOut.way, RecipientOptOut.at)
        .join(Campaign, Campaign.id == RecipientOptOut.campaign_id)
        .join(Recipient, Recipient.id == RecipientOptOut.recipient_id)
    )
    return {
        "campaigns": [{"campaign": names.get(row["campaign_id"])} | row for row in recipients],
        "engaged_in": _mappings(session, engagements.where(Engagement.contact_id == contact.id)),
        "counted_for_the_limit": _mappings(session, ledger.where(LedgerEntry.person_key.in_(keys))),
        "funnel_steps": _rows(session, FunnelStep, FunnelStep.recipient_id.in_(select(Recipient.id).where(of_contact))),
        "earlier_tries": _rows(session, RecipientTry, RecipientTry.contact_id == contact.id),
        "opt_outs_of_campaigns": _mappings(session, opt_outs.where(of_contact).order_by(RecipientOptOut.at)),
        "taps": _mappings(session, taps.where(of_contact).order_by(RecipientTap.at, RecipientTap.place)),
        "clicks": _mappings(session, clicks.where(of_contact).order_by(Click.at, Click.entry_ms, Click.entry_seq)),
    }


def _chats(session: Session, contact_id: int) -> dict[str, Any]:
    conversation_ids = select(Conversation.id).where(Conversation.contact_id == contact_id)
    of_contact = FlowSession.contact_id == contact_id
    flows = session.execute(select(FlowVersion.id, Flow.name).join(Flow).join(FlowSession).where(of_contact))
    names = {row.id: row.name for row in flows}
    sessions = _rows(session, FlowSession, of_contact)
    control = select(ConversationControl).where(ConversationControl.conversation_id.in_(conversation_ids))
    unread = select(UnreadReply.conversation_id, UnreadReply.since, UnreadReply.latest_at)
    doubts = select(PossibleOptOut.conversation_id, PossibleOptOut.message_id, PossibleOptOut.since)
    message_ids = select(Message.id).where(Message.conversation_id.in_(conversation_ids))
    costs = select(AnswerCost).where(AnswerCost.message_id.in_(message_ids)).order_by(AnswerCost.message_id)
    return {
        "answer_costs": [_row(row) for row in session.scalars(costs)],
        "conversations": _rows(session, Conversation, Conversation.contact_id == contact_id),
        "messages": _rows(session, Message, Message.conversation_id.in_(conversation_ids)),
        "unread_replies": _mappings(session, unread.where(UnreadReply.conversation_id.in_(conversation_ids))),
        "possible_opt_outs": _mappings(session, doubts.where(PossibleOptOut.conversation_id.in_(conversation_ids))),
        "other_responders": [_row(row) for row in session.scalars(control)],
        "cases": _rows(session, Case, Case.contact_id == contact_id),
        "bot_flows": [{"flow": names.get(row["flow_version_id"])} | row for row in sessions],
        "actions": _rows(session, Action, Action.session_id.in_(select(FlowSession.id).where(of_contact))),
    }


def _orders(session: Session, contact_id: int) -> dict[str, Any]:
    of_contact = Order.contact_id == contact_id
    bought = (
        select(OrderItem.order_id, OrderItem.kind, OrderItem.name)
        .join(Order)
        .where(of_contact)
        .order_by(OrderItem.order_id)
    )
    names = ("order_id", "model", "touch", "touched_at", "ordered_at", "currency", "total_milli", "refunded_milli")
    conversions = (
        select(Campaign.name.label("campaign"), *(getattr(Conversion, name) for name in names))
        .join(Conversion, Conversion.campaign_id == Campaign.id)
        .join(Order, Order.id == Conversion.order_id)
        .where(of_contact)
        .order_by(Conversion.order_id, Conversion.model)
    )
    refunds = OrderRefund.order_id.in_(select(Order.id).where(of_contact))
    return {
        "orders": _rows(session, Order, of_contact),
        "bought": _mappings(session, bought),
        "refunds": _rows(session, OrderRefund, refunds),
        "conversions": _mappings(session, conversions),
    }


def _shop(session: Session, contact: Contact) -> dict[str, Any]:
    """What is kept of them as a shop's customer, also by ids of records that became a part of theirs."""
    alias = ContactAlias.contact_id == contact.id
    keys = session.scalars(select(ContactAlias.key).where(alias, ContactAlias.key.startswith(SHOP)))
    ids = {key.removeprefix(SHOP) for key in keys} | ({contact.shopify_id} if contact.shopify_id else set())
    opt_outs = select(ShopOptOut).where(ShopOptOut.customer_id.in_(ids)).order_by(ShopOptOut.customer_id)
    reads = select(ShopCustomerRead).where(ShopCustomerRead.customer_id.in_(ids)).order_by(ShopCustomerRead.customer_id)
    return {
        "shop_customer_without_phone": _rows(
            session, ShopCustomerWithoutPhone, ShopCustomerWithoutPhone.customer_id.in_(ids)
        ),
        "opt_outs_told_to_the_shop": [_row(row) for row in session.scalars(opt_outs)],
        "to_be_read_at_the_shop": [_row(row) for row in session.scalars(reads)],
    }


def _audit(session: Session, contact_ids: list[int]) -> list[dict[str, Any]]:
    """Return the audit entries about the contact and the contacts merged into it."""
    ids = [str(key) for key in contact_ids]
    return _rows(session, Audit, (Audit.object_type == "contact") & Audit.object_id.in_(ids))


def _rows(session: Session, table: type[Any], condition: Any) -> list[dict[str, Any]]:
    return [_row(row) for row in session.scalars(select(table).where(condition).order_by(table.id))]


def _row(row: Any) -> dict[str, Any]:
    return {column.key: _shown(column.key, getattr(row, column.key)) for column in inspect(row).mapper.column_attrs}


def _shown(name: str, value: Any) -> Any:
    return show_stored(value) if name in SENTENCES and isinstance(value, str) else _plain(value)


def _mappings(session: Session, query: Any) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row.items()} for row in session.execute(query).mappings()]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
