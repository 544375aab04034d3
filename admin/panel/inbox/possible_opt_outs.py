"""Shows in the inbox who may want to stop, and lets an agent unsubscribe them or dismiss it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.operations.possible_opt_outs import dismiss_possible_opt_out, unsubscribe_as_meant
from admin.panel.base import PanelView, action, back
from admin.panel.inbox.moments import shown_until
from models.conversations.possible_opt_outs import find_possible_opt_out, marked_conversations
from models.tables.conversation import Message, UnreadReply
from models.tables.possible_opt_out import PossibleOptOut
from models.tables.user import Role


@dataclass(frozen=True)
class ShownPossibleOptOut:
    """The mark of a conversation. `text` is empty if the message was purged; `until` is the newest moment that the page shows."""

    text: str
    until: datetime


class PossibleOptOutRoutes(PanelView):
    """The inbox's routes that decide about a message which may ask for an end."""

    @action("/<int:conversation_id>/unsubscribe", Role.AGENT)
    def unsubscribe(self, conversation_id: int) -> ResponseReturnValue:
        """Unsubscribe the person."""
        until = shown_until()
        self.attempt("Unsubscribed.", lambda: unsubscribe_as_meant(self.rt, conversation_id, until, self.me.email))
        return back(".show", conversation_id=conversation_id)

    @action("/<int:conversation_id>/dismiss", Role.AGENT)
    def dismiss(self, conversation_id: int) -> ResponseReturnValue:
        """Dismiss the mark: the person did not mean it."""
        until = shown_until()
        self.attempt("Dismissed.", lambda: dismiss_possible_opt_out(self.rt, conversation_id, until, self.me.email))
        return back(".show", conversation_id=conversation_id)


def shown_possible_opt_out(session: Session, conversation_id: int) -> ShownPossibleOptOut | None:
    """What the chat shows of its mark; None if it has none."""
    mark = find_possible_opt_out(session, conversation_id)
    if mark is None:
        return None
    message, unread = session.get(Message, mark.message_id), session.get(UnreadReply, conversation_id)
    until = max(mark.latest_at, unread.latest_at) if unread else mark.latest_at
    return ShownPossibleOptOut((message.body if message else None) or "", until)


def marked_among(session: Session, conversation_ids: Iterable[int]) -> set[int]:
    """Those of these conversations whose person may want to stop."""
    query = marked_conversations().where(PossibleOptOut.conversation_id.in_(list(conversation_ids)))
    return set(session.scalars(query))
