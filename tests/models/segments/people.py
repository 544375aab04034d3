"""People of every kind for segment rules to choose from, and the facts about each."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from models.tables.campaign import CampaignStatus
from models.tables.click import ClickKind
from models.tables.contact import Consent, Contact
from models.tables.conversation import OPTED_OUT, Direction, Message, MessageState
from models.tables.recipient import RecipientState
from models.tables.tag import AttributeType
from tests.models.segments.oracle import Facts, Ordered, Sent
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient
from tests.support.factories.clicks import make_click, make_link
from tests.support.factories.common import NOW
from tests.support.factories.contacts import join_list, make_attribute, make_contact, make_list, make_order
from tests.support.factories.conversations import find_conversation

TAG_NAMES = ("vip", "city", "it's; --")
LIST_NAMES = ("members", 'quo"te')
TEXTS = ("Madrid", "madrid", "Ma%", "a_b", "é", "'; DROP TABLE contact; --", "1", "ES", "en", "$.x")
NUMERALS = ("100", "7", "-3.5", "7.0", "007", "1e2", "0.00001", "100000000000000", "1" * 17, "-", "7.", " 7", "NaN")
NUMBERS = (-3.5, 0.0, 0.00001, 7.0, 100.0, 1e14)
DATES = tuple((NOW.date() + timedelta(days=days)).isoformat() for days in (-400, -30, -1, 0, 5))
ATTRIBUTES = {
    "shop": AttributeType.TEXT,
    "spent": AttributeType.NUMBER,
    "birthday": AttributeType.DATE,
    "member": AttributeType.BOOLEAN,
    "$.odd name'": AttributeType.TEXT,
    "country": AttributeType.TEXT,
    "email": AttributeType.TEXT,
}
POOLS: dict[AttributeType, tuple[Any, ...]] = {
    AttributeType.TEXT: TEXTS,
    AttributeType.NUMBER: NUMBERS,
    AttributeType.DATE: DATES,
    AttributeType.BOOLEAN: ("true", "false"),
}
COLLECTIONS, BRANDS = ("summer", "Summer", "it's; --"), ("Acme", "Ma%", "é")
MOMENTS = tuple(NOW - timedelta(days=days, hours=hours) for days in (0, 1, 30, 400) for hours in (0, 1))


class People:
    """Random contacts in the database, and what is known of each by its id."""

    def __init__(self, session: Session, number: int) -> None:
        self.session = session
        self.random = random.Random(7)
        self.facts: dict[int, Facts] = {}
        for name, kind in ATTRIBUTES.items():
            if name not in {"country", "email"}:
                make_attribute(session, name, type=kind)
        make_contact(session, tags=dict.fromkeys(TAG_NAMES), merged_into_id=None)
        self.lists = [make_list(session, name) for name in LIST_NAMES]
        ours = make_number(session)
        self.campaigns = [
            make_campaign(session, ours, status=CampaignStatus.ENDED, name=f"Past {place}") for place in (1, 2)
        ]
        self.number = ours
        self.links = {campaign.id: make_link(session, campaign) for campaign in self.campaigns}
        for _ in range(number):
            self._add()
        for campaign in self.campaigns:  # a rule names only campaigns that were launched
            contact = self._add()
            self._send(contact, campaign.id)

    def _maybe(self, pool: tuple[Any, ...]) -> Any:
        return self.random.choice(pool) if self.random.random() < 0.6 else None

    def _add(self) -> Contact:
        custom = {name: self._maybe(POOLS[kind]) for name, kind in ATTRIBUTES.items()}
        country, email = custom.pop("country"), custom.pop("email")
        attributes = {name: value for name, value in custom.items() if value is not None}
        tags = {name: self._maybe((*TEXTS, *NUMERALS, "")) for name in TAG_NAMES if self.random.random() < 0.5}
        consent = self.random.choice([item for item in Consent if item is not Consent.REDACTED])
        language, last = self._maybe(("en", "es", "")), self._maybe(MOMENTS)
        contact = make_contact(
            self.session,
            consent=consent,
            tags=tags,
            country=country[:2] if country else None,
            email=email,
            language=language,
            last_inbound_at=last,
            attributes=attributes,
        )
        lists = [item for item in self.lists if self.random.random() < 0.5]
        for item in lists:
            join_list(self.session, item, contact)
        fields = attributes | {
            "country": contact.country,
            "email": email,
            "language": language,
            "phone": contact.phone,
        }
        self.facts[contact.id] = Facts(
            consent=consent.value,
            fields=fields,
            tags=tags,
            lists=frozenset(item.name for item in lists),
            last_inbound_at=last,
            orders=tuple(self._order(contact) for _ in range(self.random.choice((0, 0, 1, 2, 3)))),
        )
        for campaign in self.campaigns:
            if self.random.random() < 0.6:
                self._send(contact, campaign.id)
        return contact

    def _send(self, contact: Contact, campaign_id: int) -> None:
        facts = self.facts[contact.id]
        if any(row.campaign_id == campaign_id for row in facts.campaigns):
            return
        state = self.random.choice([RecipientState.ACCEPTED, RecipientState.ACCEPTED, RecipientState.REFUSED])
        moment = self.random.choice(MOMENTS)
        is_accepted = state is RecipientState.ACCEPTED
        times: dict[str, Any] = {
            name: moment if is_accepted and self.random.random() < 0.4 else None
            for name in ("delivered_at", "read_at", "failed_at")
        }
        times["accepted_at"] = moment if is_accepted else None
        times["replied_at"] = moment if is_accepted and self.random.random() < 0.3 else None
        code = self.random.choice((131026, 131049, None)) if times["failed_at"] or not is_accepted else None
        campaign = next(item for item in self.campaigns if item.id == campaign_id)
        row = make_recipient(self.session, campaign, contact, state=state, claimed_at=moment, error_code=code, **times)
        has_failed = not is_accepted or (
            times["failed_at"] is not None and not times["read_at"] and not times["delivered_at"]
        )
        pressed = is_accepted and self.random.random() < 0.3
        if pressed:
            self._press(contact, row.id)
        elif is_accepted and self.random.random() < 0.3:
            self._press(contact, row.id, route=OPTED_OUT)
        clicked = is_accepted and self.random.random() < 0.3
        if clicked or self.random.random() < 0.2:
            kind = ClickKind.PERSON if clicked else ClickKind.PREVIEW
            make_click(self.session, self.links[campaign_id], row, kind)
        sent = Sent(
            campaign_id,
            times["accepted_at"],
            moment,
            times["delivered_at"],
            times["read_at"],
            times["replied_at"],
            has_failed,
            code,
            pressed,
            clicked,
        )
        self.facts[contact.id] = replace(facts, campaigns=(*facts.campaigns, sent))

    def _order(self, contact: Contact) -> Ordered:
        pick = self.random.choice
        total = Decimal(pick(("0", "10", "19.99", "20", "33.333", "100")))
        collections, brands = self.random.sample(COLLECTIONS, pick((0, 1, 2))), self.random.sample(BRANDS, pick((0, 1)))
        moment = pick(MOMENTS) + timedelta(minutes=pick((-1, 0, 0, 1)))
        order = Ordered(
            total, pick(("EUR", "MXN")), moment, self.random.random() < 0.2, frozenset(collections), frozenset(brands)
        )
        make_order(
            self.session,
            contact,
            total=total,
            currency=order.currency,
            placed_at=moment,
            cancelled_at=NOW if order.is_cancelled else None,
            collections=collections,
            brands=brands,
        )
        return order

    def _press(self, contact: Contact, recipient_id: int, route: str | None = None) -> None:
        conversation = find_conversation(self.session, contact, self.number)
        self.session.add(
            Message(
                conversation_id=conversation.id,
                direction=Direction.IN,
                state=MessageState.RECEIVED,
                type="button",
                at=NOW,
                recipient_id=recipient_id,
                button_payload="c1:more",
                route=route,
            )
        )
        self.session.flush()
