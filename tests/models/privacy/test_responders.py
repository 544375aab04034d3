"""What is kept of other responders goes with the person, is exported, and survives a merge."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.contacts.merge import merge_contacts
from models.conversations.control import Evidence, record_control
from models.crypto import Vault, new_encryption_key
from models.privacy.data_export import export_person
from models.privacy.mentions import without_person
from models.privacy.redact import redact_person
from models.privacy.retention import purge_messages
from models.tables.conversation import Message
from models.tables.conversation_control import ConversationControl, Responder
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice
from tests.support.factories.conversations import make_conversation
from tests.support.merging import LATER, unknown_person
from tests.support.routing import echo, store_all


def test_what_another_responder_told_is_exported_and_deleted_with_the_person(session: Session) -> None:
    talk = make_conversation(session, alice(session), make_number(session))
    record_control(session, talk.id, Evidence.PASSED, NOW, NOW, role="customer_service", summary="Wants a refund")
    [row] = export_person(session, talk.contact_id)["other_responders"]
    assert (row["responder"], row["summary"]) == ("us", "Wants a refund")
    assert redact_person(session, talk.contact_id, Vault((new_encryption_key(),)), NOW, "dpo@example.com")
    assert session.scalars(select(ConversationControl)).all() == []


def test_of_two_merged_conversations_the_newer_event_tells_who_has_the_one_that_remains(session: Session) -> None:
    winner, loser = alice(session), unknown_person(session)
    numbers = [make_number(session) for _ in range(4)]
    kept = [make_conversation(session, winner, number).id for number in numbers[:3]]
    gone = [make_conversation(session, loser, number).id for number in numbers]
    record_control(session, kept[0], Evidence.TAKEN, NOW, NOW)
    record_control(session, gone[0], Evidence.PASSED, LATER, NOW)
    record_control(session, kept[1], Evidence.PASSED, LATER, NOW)
    record_control(session, gone[1], Evidence.TAKEN, NOW, NOW)
    record_control(session, gone[2], Evidence.TAKEN, NOW, NOW)
    record_control(session, gone[3], Evidence.TAKEN, NOW, NOW)
    merge_contacts(session, winner.id, loser.id, LATER)
    session.expire_all()
    rows = {row.conversation_id: row.responder for row in session.scalars(select(ConversationControl))}
    assert rows == {
        kept[0]: Responder.US, kept[1]: Responder.US, kept[2]: Responder.OTHER, gone[3]: Responder.OTHER,
    }  # fmt: skip


@pytest.mark.parametrize("field", ["standby", "smb_message_echoes"])
def test_a_payload_that_waits_loses_the_persons_events_alone(field: str) -> None:
    def payload(*phones: str) -> dict[str, Any]:
        items = [{"id": f"w{phone}", "from": phone, "to": phone, "text": {"body": "hi"}} for phone in phones]
        inner = {"standby": {"messages": items}} if field == "standby" else {"message_echoes": items}
        value = {"metadata": {"phone_number_id": "1"}, **inner}
        return {"object": "x", "entry": [{"id": "w", "changes": [{"field": field, "value": value}]}]}

    def is_alice(text: str) -> bool:
        return "34600000001" in text

    remaining = without_person(json.dumps(payload("34600000001", "34600000002")).encode(), is_alice)
    assert json.loads(remaining or b"null") == payload("34600000002")
    assert without_person(json.dumps(payload("34600000001")).encode(), is_alice) is None


def test_an_echo_that_was_purged_is_not_stored_again(session: Session) -> None:
    make_number(session, phone_number_id="106540352242922", display_phone="+1 555-078-3881")
    alice(session)
    store_all(session, echo())
    much_later = echo().message.at + timedelta(days=400)
    assert purge_messages(session, much_later) == 1
    assert store_all(session, echo(), now=much_later).repeated == 1
    assert session.scalars(select(Message)).all() == []
