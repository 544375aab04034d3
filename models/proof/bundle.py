"""Collects the facts of a proof: everything that the rows say about one person in one campaign.

Nothing is judged again and nothing is filled in: what the rows do not say is named in `unknown`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, inspect, or_, select
from sqlalchemy.orm import Session

from models.billing.amount import show_amount, show_milli
from models.campaigns.recipient_error import recipient_error
from models.campaigns.taps import taps_of
from models.errors import OperatorError
from models.stored_texts import show_stored
from models.tables.audit import Audit
from models.tables.audit_chain import AuditSeal
from models.tables.campaign import Campaign
from models.tables.click import Click
from models.tables.contact import ConsentEvent, Contact, ContactIdentity
from models.tables.conversation import Message
from models.tables.conversion import AttributionModel, Conversion
from models.tables.flow import FunnelStep
from models.tables.order import Order
from models.tables.recipient import NOT_SENT_TEXT, Recipient
from models.tables.recipient_try import RecipientTry
from models.tables.tracked_link import TrackedLink

TIMES = (
    "queued_at", "claimed_at", "unsure_at", "left_at", "accepted_at", "sent_at", "delivered_at", "read_at", "failed_at",
    "replied_at",
)  # fmt: skip
MAX_AUDIT = 500
MAX_CLICKS = 500


def find_recipient(session: Session, campaign_id: int, contact_id: int) -> tuple[Campaign, Contact, Recipient]:
    """The rows that a proof is about.

    Raises OperatorError if there is no such campaign or contact, the person was redacted, or is not in the campaign.
    """
    campaign, contact = session.get(Campaign, campaign_id), session.get(Contact, contact_id)
    if campaign is None or campaign.deleted_at is not None:
        raise OperatorError("campaign {campaign_id}: there is no such campaign", campaign_id=campaign_id)
    if contact is None:
        raise OperatorError("contact {contact_id}: there is no such contact", contact_id=contact_id)
    if contact.redacted_at is not None:
        raise OperatorError(
            "contact {contact_id}: the person was redacted; what a proof would show was wiped", contact_id=contact_id
        )
    rows = select(Recipient).where(Recipient.campaign_id == campaign_id, Recipient.contact_id == contact_id)
    # Of a merged contact two records may have been in it: the one that was written to is what it is about.
    recipients = session.scalars(rows.order_by(Recipient.accepted_at.is_(None), Recipient.id)).all()
    if not recipients:
        raise OperatorError(
            "contact {contact_id}: not in campaign {campaign_id}", contact_id=contact_id, campaign_id=campaign_id
        )
    return campaign, contact, recipients[0]


def collect_facts(
    session: Session, campaign: Campaign, contact: Contact, recipient: Recipient, message: Mapping[str, Any]
) -> dict[str, Any]:
    """Every fact, ready for JSON; times are ISO 8601. `message`: `template`, `message` and `unknown`, as they were sent."""
    merged = session.scalars(select(Contact.id).where(Contact.merged_into_id == contact.id)).all()
    ledger = session.scalars(select(ConsentEvent).where(ConsentEvent.contact_id.in_([contact.id, *merged])))
    history = sorted(ledger, key=lambda event: (event.at, event.id))
    sent_at = recipient.claimed_at or recipient.accepted_at or recipient.queued_at
    unknown = list(message.get("unknown", ()))
    if recipient.cost is None and recipient.accepted_at is not None:
        unknown.append("Meta named no price of this message; the category is what it reported.")
    return {
        "person": _person(session, contact, merged),
        "campaign": _campaign(campaign),
        "consent": {
            "when_it_was_sent": _consent_at(history, sent_at),
            "now": contact.consent.value,
            "history": [_event(event) for event in history],
        },
        "template": message["template"],
        "message": message["message"],
        "result": _result(recipient),
        "tries": [_try(row) for row in _tries(session, recipient)],
        "webhooks": {
            "wamid": recipient.wamid,
            "callback_data": message["callback_data"],
            "reported": {name: _plain(getattr(recipient, name)) for name in TIMES[5:9] if getattr(recipient, name)},
        },
        "replies": [_reply(row) for row in _replies(session, recipient)],
        "taps": [
            {"button": tap.title, "place": tap.place, "at": _plain(tap.at)}
            for tap in taps_of(session, [recipient.id]).get(recipient.id, ())
        ],
        "clicks": [
            {"at": _plain(click.at), "by": click.kind.value, "device": click.device.value, "link": url}
            for click, url in session.execute(
                select(Click, TrackedLink.url)
                .join(TrackedLink, TrackedLink.id == Click.link_id)
                .where(Click.recipient_id == recipient.id)
                .order_by(Click.at, Click.entry_ms, Click.entry_seq)
                .limit(MAX_CLICKS)
            )
        ],
        "conversions": [_conversion(found, order) for found, order in session.execute(_conversions(recipient))],
        "steps": [
            {"step": row.step, "at": _plain(row.at)}
            for row in session.scalars(
                select(FunnelStep).where(FunnelStep.recipient_id == recipient.id).order_by(FunnelStep.at, FunnelStep.id)
            )
        ],
        "price": {
            "amount": None if recipient.cost is None else show_amount(recipient.cost),
            "currency": recipient.cost_currency,
            "category": recipient.pricing_category,
            "type": recipient.pricing_type,
            "is_billable": recipient.is_billable,
            "price_list_area": recipient.price_area,
            "named_at": _plain(recipient.price_at),
        },
        "audit": _audit(session, campaign.id, [contact.id, *merged]),
        "unknown": unknown,
    }


def _person(session: Session, contact: Contact, merged: Sequence[int]) -> dict[str, Any]:
    identities = session.scalars(select(ContactIdentity.bsuid).where(ContactIdentity.contact_id == contact.id)).all()
    return {
        "contact_id": contact.id,
        "merged_records": list(merged),
        "name": contact.name,
        "phone": contact.phone or contact.raw_phone,
        "wa_id": contact.wa_id,
        "user_ids": list(identities),
        "marketing_stopped_at": _plain(contact.marketing_stopped_at),
        "known_since": _plain(contact.created_at),
    }


def _campaign(campaign: Campaign) -> dict[str, Any]:
    number = campaign.number
    return {
        "id": campaign.id,
        "name": campaign.name,
        "kind": campaign.kind.value,
        "type": campaign.type.value if campaign.type else None,
        "number": None
        if number is None
        else {"name": number.name, "phone": number.display_phone, "phone_number_id": number.phone_number_id},
        "account": None if number is None else number.waba.waba_id,
        "made_by": campaign.created_by,
        **{
            name: _plain(getattr(campaign, name))
            for name in ("created_at", "scheduled_at", "started_at", "launched_at", "ended_at")
        },
    }


def _consent_at(history: Sequence[ConsentEvent], at: datetime | None) -> str | None:
    """The consent as the ledger has it at that moment; None if it says nothing before."""
    before = [event.after.value for event in history if at is not None and event.at <= at]
    return before[-1] if before else None


def _event(event: ConsentEvent) -> dict[str, Any]:
    return {
        "at": _plain(event.at),
        "before": event.before.value if event.before else None,
        "after": event.after.value,
        "source": event.source,
        "proof": event.proof,
        "by": event.actor,
    }


def _result(recipient: Recipient) -> dict[str, Any]:
    code, text = recipient_error(recipient.status, recipient.error_code, recipient.error_msg)
    reason = recipient.reason
    return {
        "status": recipient.status,
        "left_out_because": None if reason is None else NOT_SENT_TEXT[reason],
        "detail": show_stored(recipient.detail) or None,
        "error_code": None if reason else code,
        "error": None if reason else text,
        "attempts": recipient.attempts,
        "endpoint": recipient.endpoint.value if recipient.endpoint else None,
        **{name: _plain(getattr(recipient, name)) for name in TIMES},
    }


def _tries(session: Session, recipient: Recipient) -> Sequence[RecipientTry]:
    """The tries before the last one, which `result` has."""
    query = select(RecipientTry).where(RecipientTry.recipient_id == recipient.id)
    return session.scalars(query.order_by(RecipientTry.attempt)).all()


def _try(row: RecipientTry) -> dict[str, Any]:
    names = ("attempt", "status", "wamid", "error_code", "is_billable", "cost_currency")
    return {name: getattr(row, name) for name in names} | {
        "error": show_stored(row.error_msg) or None,
        "detail": show_stored(row.detail) or None,
        "cost": None if row.cost is None else show_amount(row.cost),
        "again_at": _plain(row.again_at),
        **{name: _plain(getattr(row, name)) for name in TIMES if name != "replied_at"},
    }


def _conversions(recipient: Recipient) -> Select[Conversion, Order]:
    query = select(Conversion, Order).join(Order, Order.id == Conversion.order_id)
    is_theirs = (Conversion.recipient_id == recipient.id, Conversion.model == AttributionModel.LAST_TOUCH)
    return query.where(*is_theirs).order_by(Conversion.ordered_at, Conversion.order_id)


def _conversion(conversion: Conversion, order: Order) -> dict[str, Any]:
    return {
        "order": order.number or order.external_id,
        "ordered_at": _plain(conversion.ordered_at),
        "after": conversion.touch.value,
        "at": _plain(conversion.touched_at),
        "total": show_milli(conversion.total_milli),
        "refunded": show_milli(conversion.refunded_milli),
        "currency": conversion.currency,
    }


def _replies(session: Session, recipient: Recipient) -> Sequence[Message]:
    query = select(Message).where(Message.recipient_id == recipient.id)
    return session.scalars(query.order_by(Message.at, Message.id)).all()


def _reply(message: Message) -> dict[str, Any]:
    return {
        "at": _plain(message.at),
        "direction": message.direction.value,
        "type": message.type,
        "text": message.body,
        "wamid": message.wamid,
        "answers_wamid": message.context_wamid,
    }


def _audit(session: Session, campaign_id: int, contact_ids: Sequence[int]) -> list[dict[str, Any]]:
    """The entries about the campaign and the contact, with their place in the chain, which `flask audit verify` checks."""
    about = or_(
        (Audit.object_type == "campaign") & (Audit.object_id == str(campaign_id)),
        (Audit.object_type == "contact") & Audit.object_id.in_([str(key) for key in contact_ids]),
    )
    query = select(Audit, AuditSeal.number, AuditSeal.hash).outerjoin(AuditSeal, AuditSeal.audit_id == Audit.id)
    rows = session.execute(query.where(about).order_by(Audit.id.desc()).limit(MAX_AUDIT)).all()
    return [
        {name: _plain(getattr(entry, name)) for name in (column.key for column in inspect(Audit).column_attrs)}
        | {"chain_number": number, "chain_hash": chain_hash}
        for entry, number, chain_hash in reversed(rows)
    ]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
