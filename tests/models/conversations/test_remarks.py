"""Reactions, edits and deletions belong to the message that they are about."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.conversations.remarks import Reaction, is_shown_at_another, reactions_to
from models.tables.conversation import Direction, Message
from models.tables.number import Number
from tests.support.factories.campaigns import make_number
from tests.support.factories.contacts import alice
from tests.support.inbound_messages import at, recorded, sent_to, store
from tests.support.routing import echo, store_all


def the_number(session: Session) -> Number:
    return make_number(session, phone_number_id="106540352242922", display_phone="+1 555-078-3881")


def lines(session: Session) -> list[str]:
    """The types of the messages that have a line of their own."""
    return list(session.scalars(select(Message.type).where(~is_shown_at_another()).order_by(Message.at, Message.id)))


def test_what_is_about_a_stored_message_has_no_line_of_its_own(session: Session) -> None:
    the_number(session)
    text = recorded("text")
    store(session, text)
    for name in ("reaction", "edit", "revoke"):
        store(session, recorded(name, wamid=name, context_wamid=text.wamid))
    assert lines(session) == ["text"]


def test_what_is_about_nothing_that_is_stored_keeps_its_line(session: Session) -> None:
    the_number(session)
    for name in ("reaction", "edit", "revoke"):
        store(session, recorded(name, wamid=name, context_wamid="wamid.unknown"))
    assert sorted(lines(session)) == ["edit", "reaction", "revoke"]


def test_an_edit_or_a_deletion_of_the_other_sides_message_keeps_its_line(session: Session) -> None:
    the_number(session)
    store_all(session, echo())
    for name in ("reaction", "edit", "revoke"):
        store(session, recorded(name, wamid=name, context_wamid="wamid.echo"))
    assert sorted(lines(session)) == ["edit", "revoke", "text"]


def test_the_newest_reaction_of_each_side_counts_in_whatever_order_they_come(session: Session) -> None:
    the_number(session)
    text = recorded("text")
    store(session, text)
    about = {"context_wamid": text.wamid}
    store(session, recorded("reaction", wamid="newer", at=at(20), text="👍", **about))
    store(session, recorded("reaction", wamid="older", at=at(10), text="😮", **about))
    ours = echo(wamid="ours", type="reaction", text="🙏", **about)
    store_all(session, ours)
    talk = session.scalars(select(Message.conversation_id)).first()
    assert talk is not None
    assert text.wamid is not None
    assert sorted(reactions_to(session, talk, [text.wamid])[text.wamid]) == [
        Reaction("👍", False), Reaction("🙏", True),
    ]  # fmt: skip
    store(session, recorded("reaction_removed", wamid="gone", at=at(30), **about))
    assert reactions_to(session, talk, [text.wamid]) == {text.wamid: [Reaction("🙏", True)]}
    assert reactions_to(session, talk, []) == {}


def test_a_reaction_to_a_campaigns_message_belongs_to_it(session: Session) -> None:
    number = the_number(session)
    sent_to(session, number, alice(session), at(-60))
    store(session, recorded("reaction", context_wamid="wamid.campaign"))
    assert lines(session) == []
    [message] = session.scalars(select(Message))
    assert message.direction is Direction.IN
    assert reactions_to(session, message.conversation_id, ["wamid.campaign"]) == {
        "wamid.campaign": [Reaction(message.body or "", False)]
    }
