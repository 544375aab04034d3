"""Messages that are edited or revoked."""

from sqlalchemy.orm import Session

from models.events.types import Sender
from models.tables.number import Number
from tests.support.inbound_messages import at, recorded, store, stored


def test_an_edit_changes_the_stored_message_whichever_came_first(session: Session, number: Number) -> None:
    store(session, recorded("edit"))
    store(session, recorded("text"))
    assert stored(session, "text").body == "When do you close?"
    store(session, recorded("edit", wamid="e2", at=at(30), text="an older edit"))
    assert stored(session, "text").body == "When do you close?"


def test_a_revoked_message_keeps_nothing_of_its_content(session: Session, number: Number) -> None:
    store(session, recorded("text"), recorded("edit"), recorded("revoke"))
    message = stored(session, "text")
    assert (message.body, message.payload, stored(session, "edit").body) == (None, {"revoked": True}, None)


def test_nobody_revokes_anothers_message(session: Session, number: Number) -> None:
    store(session, recorded("text"))
    store(session, recorded("revoke", sender=Sender("34600000099")))
    assert stored(session, "text").body == "When do you open?"
