"""Calls."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.audit import Audit
from models.tables.conversation import Conversation
from models.tables.number import Number
from tests.support.account_webhooks import TOLD_AT, after, apply, audited, recorded
from tests.support.factories.contacts import alice


def test_a_call_opens_the_window_by_its_own_time_and_is_noted_without_its_content(
    session: Session, number: Number
) -> None:
    person = alice(session)
    apply(session, "calls")
    chat = session.scalars(select(Conversation)).one()
    assert (chat.contact_id, chat.number_id, chat.last_inbound_at) == (person.id, number.id, TOLD_AT)
    line = session.scalars(select(Audit)).one()
    assert (line.action, line.object_type, line.object_id) == ("call_received", "contact", str(person.id))
    assert set(line.detail) == {"number", "called_at", "meta_at"}
    chat.last_inbound_at = after(1)
    again = recorded("calls", after(0.5))
    assert apply(session, again).applied == 1
    assert chat.last_inbound_at == after(1)


@pytest.mark.parametrize("name", ["calls_ended", "calls_ours"])
def test_the_end_of_a_call_and_a_call_of_ours_open_nothing(session: Session, number: Number, name: str) -> None:
    apply(session, name)
    assert session.scalars(select(Conversation)).all() == []
    assert audited(session) == ["call_notice"]
