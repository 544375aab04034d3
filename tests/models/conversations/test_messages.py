"""What an agent writes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from models.conversations.messages import agent_message
from models.db.engine import Database
from models.errors import OperatorError
from models.tables.conversation import Message, MessageState
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_contact
from tests.support.factories.conversations import make_conversation


def test_an_agent_writes_inside_the_window(database: Database) -> None:
    with database.write() as session:
        conversation = make_conversation(session, alice(session), make_number(session))
        key = agent_message(session, conversation.id, " Good morning! ", "ann@example.com", NOW)
        message = session.get_one(Message, key)
        assert (message.state, message.body, message.author) == (
            MessageState.QUEUED,
            "Good morning!",
            "ann@example.com",
        )


@pytest.mark.parametrize("text", ["", "   ", "x" * 4097])
def test_an_agent_s_text_has_a_length(database: Database, text: str) -> None:
    with database.write() as session:
        conversation = make_conversation(session, alice(session), make_number(session))
        with pytest.raises(OperatorError, match="allowed are 1 to 4096"):
            agent_message(session, conversation.id, text, "ann@example.com", NOW)


def test_outside_the_window_an_agent_is_refused_with_one_line(database: Database) -> None:
    with database.write() as session:
        number = make_number(session)
        shut = make_conversation(session, alice(session), number, last_inbound_at=NOW - timedelta(hours=24))
        never = make_conversation(session, make_contact(session), number, last_inbound_at=None)
        for conversation in (shut, never):
            with pytest.raises(OperatorError, match="24 hours"):
                agent_message(session, conversation.id, "Hello", "ann@example.com", NOW)
        assert session.scalars(select(Message)).all() == []
