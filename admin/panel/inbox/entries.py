"""Reads the list of the inbox: conversations, and the open cases of people with whom nobody has exchanged a message."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, joinedload

from admin.panel.base import PAGE_ROWS
from admin.panel.inbox.possible_opt_outs import marked_among
from models.conversations.control import answered_elsewhere
from models.conversations.possible_opt_outs import may_want_to_stop
from models.conversations.remarks import REMARKS
from models.db.dialect import literal_word
from models.tables.conversation import WINDOW, Case, CaseStatus, Conversation, Message, UnreadReply

CASE_FILTERS: dict[str, list[ColumnElement[bool]]] = {
    "open": [Case.closed_at.is_(None)],
    "waiting": [Case.closed_at.is_(None), Case.status == literal_word(CaseStatus.WAITING)],
}
"""The lists of open cases: what the address calls them, and which cases each shows."""


@dataclass(frozen=True)
class InboxEntries:
    """One page of the list. `cases` is by contact id; `last` by conversation id; `unread` holds conversation ids."""

    talks: Sequence[Conversation]
    cases: dict[int, Case]
    last: dict[int, Any]
    unread: set[int]
    may_stop: set[int]
    """The conversations whose person may want to stop."""
    elsewhere: set[int]
    """The conversations that another responder on the number has."""
    following: datetime | None
    """Older conversations are those before it; None if there are none."""
    silent: Sequence[Case]
    silent_before: int | None
    """Older cases without a conversation are those before it; None if there are none."""


def read_entries(
    session: Session, show: str, before: datetime | None, cases_before: int, now: datetime
) -> InboxEntries:
    """The conversations of the tab `show`, newest first, those before `before` if it is given.

    `cases_before` is 0, or the id of the case before which cases without a conversation are listed.
    """
    query = select(Conversation).where(Conversation.last_message_at.is_not(None))
    if show in CASE_FILTERS:
        query = query.where(exists().where(Case.contact_id == Conversation.contact_id, *CASE_FILTERS[show]))
    elif show == "unread":
        query = query.where(exists().where(UnreadReply.conversation_id == Conversation.id) | may_want_to_stop())
    elif show == "stop":
        query = query.where(may_want_to_stop())
    elif show == "window":
        query = query.where(Conversation.last_inbound_at > now - WINDOW)
    if before is not None:
        query = query.where(Conversation.last_message_at < before)
    options = (joinedload(Conversation.contact), joinedload(Conversation.number))
    query = query.options(*options).order_by(Conversation.last_message_at.desc()).limit(PAGE_ROWS + 1)
    rows = list(session.scalars(query))
    shown = rows[:PAGE_ROWS]
    open_cases = select(Case).where(Case.contact_id.in_([row.contact_id for row in shown]), Case.closed_at.is_(None))
    unread = select(UnreadReply.conversation_id).where(UnreadReply.conversation_id.in_([row.id for row in shown]))
    silent = _cases_without_words(session, show, cases_before) if show in CASE_FILTERS and before is None else []
    return InboxEntries(
        talks=shown,
        cases={case.contact_id: case for case in session.scalars(open_cases)},
        last={row.id: _last_message(session, row.id) for row in shown},
        unread=set(session.scalars(unread)),
        may_stop=marked_among(session, [row.id for row in shown]),
        elsewhere=answered_elsewhere(session, [row.id for row in shown]),
        following=shown[-1].last_message_at if len(rows) > PAGE_ROWS else None,
        silent=silent[:PAGE_ROWS],
        silent_before=silent[PAGE_ROWS - 1].id if len(silent) > PAGE_ROWS else None,
    )


def _cases_without_words(session: Session, show: str, before: int) -> list[Case]:
    """The open cases of people with whom nobody has exchanged a message, newest first: no conversation shows them."""
    talked = exists().where(Conversation.contact_id == Case.contact_id, Conversation.last_message_at.is_not(None))
    query = select(Case).where(~talked, *CASE_FILTERS[show]).options(joinedload(Case.contact))
    query = query.where(Case.id < before) if before else query
    return list(session.scalars(query.order_by(Case.id.desc()).limit(PAGE_ROWS + 1)))


def _last_message(session: Session, conversation_id: int) -> Any:
    """The newest message that is no remark about another one."""
    query = select(Message.direction, Message.body, Message.type, Message.payload)
    query = query.where(Message.conversation_id == conversation_id, Message.type.not_in(REMARKS))
    return session.execute(query.order_by(Message.at.desc(), Message.id.desc()).limit(1)).first()
