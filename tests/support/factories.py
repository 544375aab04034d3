"""Rows for tests, and the people in them.

alice is subscribed, bob opted out, carol is in the middle of a conversation with an open case. Phone numbers come from
ranges that are never assigned. Every function flushes, none commits.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.phone import person_key
from models.tables.campaign import ENDS_AFTER, Campaign, CampaignKind, CampaignStatus, PauseReason
from models.tables.contact import Consent, Contact
from models.tables.conversation import Case, CaseStatus, Conversation
from models.tables.lane import LEASE_SECONDS, Lane
from models.tables.number import Number, Portfolio, Waba
from models.tables.order import Order, OrderItem, OrderItemKind, in_milli
from models.tables.recipient import NotSent, Recipient, RecipientState
from models.tables.tag import Attribute, AttributeType, ContactList, ContactTag, ListMember, Tag
from models.tables.template import Template

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ALICE_PHONE = "+34600000001"
BOB_PHONE = "+34600000002"
CAROL_PHONE = "+34600000003"

_serial = count(1000)


def next_serial() -> int:
    """A number that no other row of this process was given."""
    return next(_serial)


def make_number(session: Session, *, now: datetime = NOW, messaging_limit: int | None = -1, **values: Any) -> Number:
    """A connected number of an account of its own."""
    serial = next(_serial)
    portfolio = Portfolio(meta_id=f"p{serial}", messaging_limit=messaging_limit, limit_read_at=now)
    waba = Waba(portfolio=portfolio, waba_id=f"w{serial}", name="Shop", subscribed_at=now, templates_synced_at=now)
    given = {
        "phone_number_id": f"1{serial}",
        "name": "Shop",
        "display_phone": "+34600009999",
        "access_token": "token",
        "status": "CONNECTED",
        "quality": "GREEN",
        "created_at": now,
    }
    number = Number(waba=waba, **(given | values))
    session.add(number)
    session.flush()
    return number


def make_template(session: Session, number: Number, *, now: datetime = NOW, **values: Any) -> Template:
    """An approved template; unless told otherwise a body with one variable and a footer that names STOP."""
    given = {
        "name": f"spring_{next(_serial)}",
        "language": "en",
        "category": "MARKETING",
        "status": "APPROVED",
        "quality": "GREEN",
        "components": [
            {"type": "BODY", "text": "Hello {{1}}, spring is here!", "example": {"body_text": [["Maria"]]}},
            {"type": "FOOTER", "text": "Reply STOP to leave"},
        ],
        "synced_at": now,
        "created_at": now,
    }
    template = Template(waba_id=number.waba_id, **(given | values))
    session.add(template)
    session.flush()
    return template


def make_contact(
    session: Session,
    phone: str | None = None,
    *,
    name: str = "Someone",
    consent: Consent = Consent.SUBSCRIBED,
    tags: Mapping[str, str | None] | None = None,
    now: datetime = NOW,
    **values: Any,
) -> Contact:
    """A contact; without `phone` one gets a number of its own, without `tags` the tag `vip`."""
    if phone is None and not {"raw_phone", "wa_id", "has_identity"} & set(values):
        phone = f"+346001{next(_serial):05d}"
    wa_id = values.get("wa_id")
    key = person_key(wa_id=wa_id, phone=phone, contact_id=f"new{next(_serial)}")
    given = {"person_key": key, "consent_at": now, "created_at": now, "updated_at": now}
    contact = Contact(phone=phone, name=name, consent=consent, **(given | values))
    if consent is Consent.REDACTED and contact.redacted_at is None:
        contact.redacted_at = now
    session.add(contact)
    session.flush()
    if "person_key" not in values and not (phone or wa_id):
        contact.person_key = person_key(contact_id=contact.id)
    for tag, value in ({"vip": None} if tags is None else tags).items():
        put_tag(session, contact, tag, value, now=now)
    session.flush()
    return contact


def alice(session: Session, **values: Any) -> Contact:
    """Subscribed."""
    return make_contact(session, ALICE_PHONE, **({"name": "Alice"} | values))


def bob(session: Session, **values: Any) -> Contact:
    """Opted out."""
    return make_contact(session, BOB_PHONE, **({"name": "Bob", "consent": Consent.UNSUBSCRIBED} | values))


def carol(session: Session, number: Number | None = None, **values: Any) -> Contact:
    """In the middle of a conversation with an open case."""
    contact = make_contact(session, CAROL_PHONE, **({"name": "Carol"} | values))
    if number is not None:
        make_conversation(session, contact, number)
    make_case(session, contact, number)
    return contact


def put_tag(session: Session, contact: Contact, name: str, value: str | None = None, *, now: datetime = NOW) -> Tag:
    """The tag, made if there is none of that name, on the contact."""
    tag = session.scalar(select(Tag).where(Tag.name == name))
    if tag is None:
        tag = Tag(name=name, created_at=now)
        session.add(tag)
        session.flush()
    session.merge(ContactTag(contact_id=contact.id, tag_id=tag.id, value=value, created_at=now))
    session.flush()
    return tag


def put_tags(session: Session, contacts: Iterable[Contact], name: str, *, now: datetime = NOW) -> None:
    """The same tag on many contacts that do not have it yet, all but the first in one go."""
    first, *others = contacts
    tag = put_tag(session, first, name, now=now)
    session.add_all(ContactTag(contact_id=contact.id, tag_id=tag.id, value=None, created_at=now) for contact in others)
    session.flush()


def make_attribute(
    session: Session,
    name: str,
    *,
    type: AttributeType = AttributeType.TEXT,  # noqa: A002 - the column's name
    default: str | None = None,
    now: datetime = NOW,
) -> Attribute:
    """The definition of an attribute."""
    attribute = Attribute(name=name, type=type, default=default, created_at=now)
    session.add(attribute)
    session.flush()
    return attribute


def make_list(session: Session, name: str, *contacts: Contact, now: datetime = NOW) -> ContactList:
    """A list of these contacts."""
    made = ContactList(name=name, created_at=now)
    session.add(made)
    session.flush()
    for contact in contacts:
        join_list(session, made, contact, now=now)
    return made


def join_list(session: Session, joined: ContactList, contact: Contact, *, now: datetime = NOW) -> None:
    """The contact becomes a member of the list."""
    session.add(ListMember(list_id=joined.id, contact_id=contact.id, created_at=now))
    session.flush()


def make_order(
    session: Session,
    contact: Contact,
    *,
    total: Decimal | float = 10,
    collections: Iterable[str] = (),
    brands: Iterable[str] = (),
    now: datetime = NOW,
    **values: Any,
) -> Order:
    """What the contact ordered."""
    given: dict[str, Any] = {"external_id": f"o{next(_serial)}", "currency": "EUR", "placed_at": now}
    order = Order(
        contact_id=contact.id, total_milli=in_milli(total), created_at=now, updated_at=now, **(given | values)
    )
    session.add(order)
    session.flush()
    for kind, names in ((OrderItemKind.COLLECTION, collections), (OrderItemKind.BRAND, brands)):
        session.add_all(OrderItem(order_id=order.id, kind=kind, name=name) for name in names)
    session.flush()
    return order


def make_conversation(
    session: Session, contact: Contact, number: Number, *, last_inbound_at: datetime | None = NOW, now: datetime = NOW
) -> Conversation:
    """A chat of the contact with the number, its window open at `last_inbound_at`."""
    conversation = Conversation(
        contact_id=contact.id,
        number_id=number.id,
        last_inbound_at=last_inbound_at,
        last_message_at=last_inbound_at,
        created_at=now,
    )
    session.add(conversation)
    session.flush()
    return conversation


def find_conversation(session: Session, contact: Contact, number: Number) -> Conversation:
    """The chat of the contact with the number, made if there is none."""
    pair = (Conversation.contact_id == contact.id, Conversation.number_id == number.id)
    return session.scalar(select(Conversation).where(*pair)) or make_conversation(session, contact, number)


def make_case(session: Session, contact: Contact, number: Number | None = None, *, now: datetime = NOW) -> Case:
    """An open case."""
    case = Case(
        contact_id=contact.id,
        number_id=number.id if number else None,
        status=CaseStatus.ATTENDING,
        opened_by="agent@example.com",
        opened_at=now,
    )
    session.add(case)
    session.flush()
    return case


def make_campaign(
    session: Session,
    number: Number | None = None,
    template: Template | None = None,
    *,
    status: CampaignStatus = CampaignStatus.READY,
    kind: CampaignKind = CampaignKind.REAL,
    now: datetime = NOW,
    **values: Any,
) -> Campaign:
    """A complete campaign to everybody with the tag `vip`, with the contact's name as the template's one variable."""
    number = number or make_number(session, now=now)
    template = template or make_template(session, number, now=now)
    given: dict[str, Any] = {
        "name": "Spring",
        "audience": {"include": [{"tag": "vip"}], "exclude": []},
        "variables": {"body": {"1": {"source": "name", "fallback": "friend"}}},
        "media": {},
        "pace_per_second": 20.0,
        "ends_after_seconds": int(ENDS_AFTER[kind].total_seconds()),
        "created_at": now,
        "updated_at": now,
    }
    if status in {CampaignStatus.ACTIVE, CampaignStatus.PAUSED, CampaignStatus.ENDED}:
        given["started_at"] = now
    if status is CampaignStatus.PAUSED:
        given |= {"pause_reason": PauseReason.OPERATOR, "paused_at": now}
    campaign = Campaign(number=number, template=template, status=status, kind=kind, **(given | values))
    session.add(campaign)
    session.flush()
    return campaign


def make_recipient(
    session: Session,
    campaign: Campaign,
    contact: Contact,
    *,
    state: RecipientState = RecipientState.QUEUED,
    reason: NotSent | None = None,
    now: datetime = NOW,
    **values: Any,
) -> Recipient:
    """The contact in the campaign, as a launch would have left it."""
    given: dict[str, Any] = {"person_key": contact.person_key, "source_values": {}, "due_at": now, "queued_at": now}
    recipient = Recipient(
        campaign_id=campaign.id, contact_id=contact.id, state=state, reason=reason, **(given | values)
    )
    session.add(recipient)
    session.flush()
    return recipient


def make_lane(session: Session, number: Number | None = None, *, now: datetime = NOW) -> Lane:
    """A sender's lease, alive at `now`."""
    expires_at = now + timedelta(seconds=LEASE_SECONDS)
    number_id = number.id if number else None
    lane = Lane(number_id=number_id, host="here", pid=1, started_at=now, beat_at=now, expires_at=expires_at)
    session.add(lane)
    session.flush()
    return lane
