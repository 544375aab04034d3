"""Writing answers: everything that one decision came to, for many conversations in one transaction."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, insert, or_, select, update
from sqlalchemy.orm import Session

from bot.flow_session import RemoveTag, SetAttribute, SetTag
from jobs.reply_step import Change
from models.answering import OPEN_ACTION, mark_handled
from models.attribute_values import BadValue
from models.cases import open_case
from models.chat import BOT, NewMessage, queue_messages
from models.consent import stop
from models.conversation import Conversation, Message, MessageState
from models.flow import Action, ActionState
from models.sessions import begin_session, pass_steps, save_session
from models.tagging import put_attribute, put_tag, remove_tag

log = logging.getLogger("hark.answer")

UNSURE_COUNTS_AFTER = timedelta(seconds=60)
SETTLED = (MessageState.ACCEPTED, MessageState.UNSURE, MessageState.REFUSED, MessageState.NOT_SENT)
NO_SYNC = {"synchronize_session": False}
STOPPED = "The person said STOP before this was sent."


class Overtaken(Exception):  # noqa: N818 - reads as a claim where it is caught
    """Somebody else moved the session or handled the message since it was read: nothing of this change may be written."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A session that a change belongs to, and whether it goes on."""

    session_id: int | None
    goes_on: bool


def write_change(session: Session, change: Change, now: datetime) -> None:
    """Write all of it. Overtaken where something was moved meanwhile: the caller rolls back."""
    situation = change.situation
    written = _write_session(session, change, now)
    _put_away(session, change, now)
    if change.drops_queue:
        _drop_queue(session, situation.conversation_id, now)
    _write_messages(session, change, written, now)
    if change.recipient_id is not None:
        pass_steps(session, [(change.recipient_id, name) for name in change.steps], now)
    for trait in change.traits:
        _write_trait(session, situation.contact_id, trait, now)
    if change.unsubscribes:
        stop(session, situation.contact_id, now, "bot flow", f"conversation {situation.conversation_id}")
    if change.case_reason is not None:
        open_case(
            session,
            situation.contact_id,
            now,
            opened_by=BOT,
            reason=change.case_reason,
            number_id=situation.number_id,
        )


def settled_waits(
    session: Session, message_ids: Iterable[int] | None = None
) -> Sequence[Row[int, MessageState, datetime | None]]:
    """Waits that have not begun although what became of their message is known; None looks at every message."""
    query = (
        select(Action.id, Message.state, Message.unsure_at)
        .join(Message, Message.id == Action.after_message_id)
        .where(OPEN_ACTION, Action.due_at.is_(None), Message.state.in_(SETTLED))
    )
    if message_ids is not None:
        query = query.where(Action.after_message_id.in_(list(message_ids)))
    return session.execute(query).all()


def begin_waits(session: Session, waits: Sequence[Row[int, MessageState, datetime | None]], now: datetime) -> None:
    """Let them begin: at once after an acceptance, a minute after an unsure one, which then counts as one."""
    for row in waits:
        due_at = (row.unsure_at or now) + UNSURE_COUNTS_AFTER if row.state is MessageState.UNSURE else now
        session.execute(
            update(Action).where(Action.id == row.id, Action.due_at.is_(None)).values(due_at=due_at),
            execution_options=NO_SYNC,
        )


def _write_session(session: Session, change: Change, now: datetime) -> _Written:
    live, walk = change.situation.live, change.walk
    if change.ends is not None and live is not None:
        state = live.state | {"status": "ended", "ended_reason": change.ends, "waiting_for": None, "awaiting": None}
        if not save_session(session, live.id, live.version, state, now, ended_reason=change.ends):
            raise Overtaken
    if walk is None:
        return _Written(None, False)
    if change.begins_version_id is not None:
        session_id = begin_session(
            session,
            contact_id=change.situation.contact_id,
            number_id=change.situation.number_id,
            flow_version_id=change.begins_version_id,
            recipient_id=change.recipient_id,
            state=walk.to_json(),
            ended_reason=walk.ended_reason,
            now=now,
        )
        return _Written(session_id, walk.status == "active")
    if live is None or not change.saves:
        return _Written(live.id if live else None, False)
    if not save_session(session, live.id, live.version, walk.to_json(), now, ended_reason=walk.ended_reason):
        raise Overtaken
    return _Written(live.id, walk.status == "active")


def _put_away(session: Session, change: Change, now: datetime) -> None:
    """Mark what was answered: each once, whoever tries."""
    message, action = change.situation.message, change.action
    if change.handled is not None and message is not None:
        decision = change.handled
        if not mark_handled(session, message.id, now, route=decision.route, reason=decision.reason):
            raise Overtaken
    if action is not None:
        state = ActionState.CANCELLED if change.is_action_stale else ActionState.DONE
        # A session that ended with this very step has cancelled its actions already, this one among them.
        session.execute(
            update(Action)
            .where(Action.id == action.id, or_(OPEN_ACTION, Action.done_at == now))
            .values(state=state, done_at=now),
            execution_options=NO_SYNC,
        )
    if change.handed_flow_id is not None:
        session.execute(
            update(Conversation)
            .where(
                Conversation.id == change.situation.conversation_id,
                Conversation.handed_flow_id == change.handed_flow_id,
            )
            .values(handed_flow_id=None),
            execution_options=NO_SYNC,
        )


def _write_messages(session: Session, change: Change, written: _Written, now: datetime) -> None:
    ids = queue_messages(
        session,
        [
            NewMessage(
                change.situation.conversation_id,
                content,
                session_id=written.session_id if tag is not None else None,
                recipient_id=change.recipient_id if tag is not None else None,
            )
            for content, tag in change.messages
        ],
        now,
    )
    if not written.goes_on or written.session_id is None:
        return
    by_tag = {tag: key for (_, tag), key in zip(change.messages, ids, strict=True) if tag is not None}
    rows = [
        {
            "session_id": written.session_id,
            "kind": new.kind,
            "state": ActionState.PENDING,
            "payload": new.payload,
            "after_message_id": by_tag[new.after_tag] if new.after_tag else None,
            "due_at": new.due_at,
            "created_at": now,
        }
        for new in change.actions
    ]
    if rows:
        session.execute(insert(Action), rows)


def _write_trait(session: Session, contact_id: int, trait: SetTag | RemoveTag | SetAttribute, now: datetime) -> None:
    """A value that a contact cannot have is left out: the talk goes on."""
    try:
        match trait:
            case SetTag():
                put_tag(session, contact_id, trait.name, trait.value, now)
            case RemoveTag():
                remove_tag(session, contact_id, trait.name)
            case SetAttribute():
                put_attribute(session, contact_id, trait.name, trait.value or None, now)
    except BadValue as error:
        log.warning("a bot flow gave contact %d a value it cannot have: %s", contact_id, type(error).__name__)


def _drop_queue(session: Session, conversation_id: int, now: datetime) -> None:
    session.execute(
        update(Message)
        .where(
            Message.conversation_id == conversation_id,
            Message.state == MessageState.QUEUED,
            Message.author == BOT,
        )
        .values(state=MessageState.NOT_SENT, error_msg=STOPPED, failed_at=now),
        execution_options=NO_SYNC,
    )
