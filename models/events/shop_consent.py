"""Applies a shop's word on consent: that to WhatsApp messages, and by a setting that to text messages (SMS)."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.consent import Authority, set_consent
from models.events.shop_types import ConsentChannel, ShopConsent
from models.shop.opt_outs import SHOP_ACTOR
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.setting import read_setting

STATES = {
    "subscribed": Consent.SUBSCRIBED,
    "pending": Consent.PENDING,
    "not_subscribed": Consent.NOT_SUBSCRIBED,
    "never_subscribed": Consent.NOT_SUBSCRIBED,
    "unsubscribed": Consent.UNSUBSCRIBED,
}
"""Consent that the shop redacted says nothing: the person's redaction comes by a webhook of its own."""
SOURCES = {channel: f"shopify {channel.value}" for channel in ConsentChannel}


def apply_shop_consent(session: Session, contact: Contact, consent: ShopConsent, proof: str, now: datetime) -> None:
    """Apply what the shop says, where it is the newest word. Nobody who is unsubscribed is brought back by a shop.

    `not_subscribed` is what a shop says of everybody whom it never asked: it lowers nobody.
    """
    after = STATES.get(consent.state)
    if after is None or (after is Consent.NOT_SUBSCRIBED and contact.consent is not Consent.UNKNOWN):
        return
    source_before = _shop_source(session, contact)
    if consent.channel is ConsentChannel.SMS and not _does_sms_count(session, contact, after, source_before):
        return
    if after is Consent.SUBSCRIBED and not consent.is_confirmed and read_setting(session, "double_opt_in"):
        after = Consent.PENDING
    replaces_sms = consent.channel is ConsentChannel.WHATSAPP and source_before.startswith(SOURCES[ConsentChannel.SMS])
    if not replaces_sms and not _is_newest(contact, consent):
        return
    set_consent(
        session,
        [contact.id],
        after,
        min(consent.at or now, now),
        source=f"{SOURCES[consent.channel]} {consent.source}".strip(),
        proof=proof,
        actor=SHOP_ACTOR,
        by=Authority.OPERATOR,
    )


def is_overtaken(contact: Contact, consent: ShopConsent) -> bool:
    """Whether the shop has a consent to WhatsApp messages that the person took back in Hark after they had given it."""
    is_given = consent.channel is ConsentChannel.WHATSAPP and consent.state in {"subscribed", "pending"}
    if not is_given or contact.consent is not Consent.UNSUBSCRIBED:
        return False
    return consent.at is None or contact.consent_at is None or consent.at <= contact.consent_at


def _does_sms_count(session: Session, contact: Contact, after: Consent, source_before: str) -> bool:
    """Whether a word on text messages may change anything. The shop's own word on WhatsApp messages goes before it.

    Who was subscribed by their consent to text messages leaves by withdrawing it, whatever the setting says by now.
    """
    if source_before.startswith(SOURCES[ConsentChannel.WHATSAPP]):
        return False
    if read_setting(session, "shopify_sms_consent_counts"):
        return True
    is_of_sms = bool(source_before) and contact.consent in {Consent.SUBSCRIBED, Consent.PENDING}
    return is_of_sms and after is Consent.UNSUBSCRIBED


def _shop_source(session: Session, contact: Contact) -> str:
    """The source of the contact's consent where the shop gave it, else empty."""
    query = select(ConsentEvent.actor, ConsentEvent.source, ConsentEvent.after)
    newest = session.execute(
        query.where(ConsentEvent.contact_id == contact.id).order_by(ConsentEvent.id.desc()).limit(1)
    ).first()
    if newest is None or newest.actor != SHOP_ACTOR or newest.after is Consent.UNKNOWN:
        return ""
    return str(newest.source)


def _is_newest(contact: Contact, consent: ShopConsent) -> bool:
    if contact.consent is Consent.UNKNOWN or contact.consent_at is None:
        return True
    return consent.at is not None and consent.at > contact.consent_at
