"""Rows of one person in every table that is guarded, and a search for what names them in all tables."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from models.conversations.flow_versions import save_flow
from models.privacy.store import PersonLink
from models.privacy.tables import TABLES
from models.tables import metadata
from models.tables.contact import Contact
from models.tables.conversation import Conversation
from models.tables.flow import FlowSession, FlowVersion, SessionStatus
from models.tables.number import Number
from models.tables.order import Order
from models.tables.tag import ContactList, Tag
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.past_person import DIGITS

WORDS = (DIGITS, "alice", "secret", "shoe", "es.alice")


@dataclass(frozen=True, slots=True)
class Written:
    """Ids that rows of the person need."""

    contact_id: int
    conversation_id: int
    number_id: int
    portfolio_id: int
    campaign_id: int
    tag_id: int
    list_id: int
    flow_version_id: int
    session_id: int
    order_id: int
    recipient_id: int

    @classmethod
    def of(cls, session: Session, contact_id: int) -> "Written":
        """Make what is missing."""
        number = session.scalars(select(Number)).one()
        chat = session.scalars(select(Conversation).where(Conversation.contact_id == contact_id)).one()
        save_flow(session, "spring", "name: spring", {}, NOW, "ana@example.com")
        version = session.scalars(select(FlowVersion)).one()
        tag, group = Tag(name="guarded", created_at=NOW), ContactList(name="guarded", created_at=NOW)
        walk = FlowSession(
            contact_id=contact_id, number_id=number.id, flow_version_id=version.id, status=SessionStatus.ENDED,
            state={"answers": "secret"}, started_at=NOW, updated_at=NOW, ended_at=NOW,
        )  # fmt: skip
        order = Order(
            shop="x", external_id="1", contact_id=contact_id, number="1", total_milli=1, currency="EUR", placed_at=NOW,
            items=[], created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        session.add_all([tag, group, walk, order])
        campaign = make_campaign(session, number)
        person = session.get_one(Contact, contact_id)
        recipient = make_recipient(session, make_campaign(session, number), person, person_key="x:earlier")
        session.flush()
        return cls(
            contact_id, chat.id, number.id, number.waba.portfolio_id, campaign.id, tag.id, group.id, version.id, walk.id,
            order.id, recipient.id,
        )  # fmt: skip


def write_everywhere(session: Session, past: Written) -> set[str]:
    """Insert a row of the person into every table that is guarded; return the names."""
    links = {
        PersonLink.CONTACT: past.contact_id, PersonLink.CONVERSATION: past.conversation_id, PersonLink.SESSION: past.session_id,
        PersonLink.ORDER: past.order_id,
    }  # fmt: skip
    given: dict[str, dict[str, Any]] = {
        "action": {"kind": "timer", "state": "pending", "payload": {"words": "secret"}, "attempts": 0, "due_at": NOW},
        "message": {
            "direction": "in", "state": "received", "type": "text", "body": "secret 1", "payload": {"from": DIGITS}, "at": NOW,
            "wamid": f"wamid.{DIGITS}",
        },
        "flow_session": {
            "number_id": past.number_id, "flow_version_id": past.flow_version_id, "status": "active",
            "state": {"answers": "secret"}, "version": 1, "started_at": NOW,
        },
        "unread_reply": {"since": NOW, "latest_at": NOW},
        "possible_opt_out": {"message_id": 1, "since": NOW, "latest_at": NOW},
        "conversation_control": {"responder": "other", "at": NOW, "rank": 1, "summary": "secret"},
        "case": {"status": "waiting", "reason": "secret", "opened_by": "bot", "opened_at": NOW},
        "engagement": {"person_key": f"wa:{DIGITS}0", "campaign_id": past.campaign_id},
        "recipient": {
            "campaign_id": past.campaign_id, "person_key": f"wa:{DIGITS}", "state": "queued", "queued_at": NOW,
            "source_values": {"a": "secret"}, "wamid": f"wamid.{DIGITS}",
        },
        "recipient_try": {
            "recipient_id": past.recipient_id, "campaign_id": past.campaign_id, "attempt": 1, "again_at": NOW, "failures": 0,
            "state": "unsure", "wamid": f"wamid.{DIGITS}.1", "error_msg": "secret", "detail": "secret",
        },
        "consent_event": {"after": "subscribed", "at": NOW, "source": "form of Alice", "proof": "secret", "actor": "x"},
        "bought": {"kind": "brand", "name": "secret"},
        "order_refund": {
            "shop": "x", "order_external_id": "1", "external_id": "1", "amount_milli": 1, "currency": "EUR", "refunded_at": NOW,
        },
        "conversion": {
            "model": "last_touch", "campaign_id": past.campaign_id, "recipient_id": past.recipient_id, "touch": "read",
            "touched_at": NOW, "within_days": 1, "has_value": True, "ordered_at": NOW, "currency": "EUR", "total_milli": 1,
            "refunded_milli": 0,
        },
        "contact_order": {
            "shop": "x", "external_id": "2", "number": "secret", "total_milli": 1, "currency": "EUR", "placed_at": NOW,
            "items": [{"title": "secret"}],
        },
        "contact_tag": {"tag_id": past.tag_id, "value": "secret"},
        "list_member": {"list_id": past.list_id},
        "contact_identity": {"portfolio_id": past.portfolio_id, "bsuid": "ES.alice.2"},
        "former_id": {"key": f"wa:{DIGITS}9", "shown": f"+{DIGITS}9", "was_whatsapp": True},
        "former_value": {"kind": "field", "name": "name", "value": "Alice"},
    }  # fmt: skip
    written = set()
    for store in reversed(TABLES):
        if store.guarded is None:
            continue
        table = metadata.tables[store.name]
        if store.guarded.link is PersonLink.ORDER and not session.get(Order, past.order_id):
            written.add(store.name)  # there is nothing left to write to
            continue
        values = given[store.name] | {store.guarded.link.value: links[store.guarded.link]}
        values |= {name: NOW for name in ("created_at", "updated_at") if name in table.c and name not in values}
        session.execute(insert(table).values(values))
        written.add(store.name)
    return written


def found_words(session: Session) -> list[str]:
    """What names the person in any table: `table: word`."""
    return found_words_of(session, WORDS)


def found_words_of(session: Session, words: Sequence[str]) -> list[str]:
    """The same of these words, in lower case."""
    return [
        f"{table.name}: {word}"
        for table in metadata.sorted_tables
        for row in session.execute(select(table)).mappings()
        for word in words
        if word in json.dumps(dict(row), default=str).casefold()
    ]
