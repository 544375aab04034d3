"""Writing answers: everything that one decision came to, for many conversations in one transaction."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Row, insert, or_, select, update
from sqlalchemy.orm import Session

from bot.flows.session import RemoveTag, SetAttribute, SetTag
from jobs.replies.decide import ReplyPlan
from models.contacts.consent import opt_out
from models.contacts.field_values import FieldValueError
from models.contacts.tagging import put_attribute, put_tag, remove_tag
from models.conversations.cases import open_case
from models.conversations.claim import mark_handled
from models.conversations.flow_sessions import NewSession, SessionSave, begin_sessions, pass_steps, save_sessions
from models.conversations.messages import BOT, NewMessage, queue_messages
from models.db.dialect import NO_SYNC
from models.errors import HarkError
from models.tables.conversation import Conversation, Message, MessageState
from models.tables.flow import OPEN_ACTION, Action, ActionState

log = logging.getLogger("hark.answer")

UNSURE_COUNTS_AFTER = timedelta(seconds=60)
SETTLED = (MessageState.ACCEPTED, MessageState.UNSURE, MessageState.REFUSED, MessageState.NOT_SENT)
STOPPED = "The person said STOP before this was sent."


class StaleSessionError(HarkError):
    """Somebody else moved the session or handled the message since it was read: nothing of this change may be written."""


def write_changes(session: Session, changes: Sequence[ReplyPlan], now: datetime) -> None:
    """Write all of it, of different conversations. Overtaken where something was moved meanwhile: the caller rolls back."""
    _end_sessions(session, changes, now)
    sessions = _write_sessions(session, changes, now)
    _mark_handled(session, changes, now)
    for change in changes:
        _put_away(session, change, now)
    _write_messages(session, changes, sessions, now)
    steps = [(change.recipient_id, name) for change in changes if change.recipient_id for name in change.steps]
    pass_steps(session, steps, now)
    for change in changes:
        _write_person(session, change, now)


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


def _end_sessions(session: Session, changes: Sequence[ReplyPlan], now: datetime) -> None:
    """Those that are over before anything else happens: only then can another begin."""
    saves = []
    for change in changes:
        live = change.situation.live
        if change.ends is not None and live is not None:
            state = live.state | {"status": "ended", "ended_reason": change.ends, "waiting_for": None, "awaiting": None}
            saves.append(SessionSave(live.id, live.version, state, change.ends))
    if not save_sessions(session, saves, now):
        raise StaleSessionError


def _write_sessions(session: Session, changes: Sequence[ReplyPlan], now: datetime) -> dict[int, int]:
    """New walks and moved ones; the session's id by conversation."""
    begun: list[tuple[int, NewSession]] = []
    moved: list[tuple[int, SessionSave]] = []
    for change in changes:
        situation, walk = change.situation, change.walk
        if walk is None:
            continue
        if change.begins_version_id is not None:
            new = NewSession(
                situation.contact_id,
                situation.number_id,
                change.begins_version_id,
                change.recipient_id,
                walk.to_json(),
                walk.ended_reason,
            )
            begun.append((situation.conversation_id, new))
        elif situation.live is not None and change.saves:
            live = situation.live
            moved.append(
                (situation.conversation_id, SessionSave(live.id, live.version, walk.to_json(), walk.ended_reason))
            )
    if not save_sessions(session, [save for _, save in moved], now):
        raise StaleSessionError
    ids = begin_sessions(session, [new for _, new in begun], now)
    return {key: save.id for key, save in moved} | {key: new for (key, _), new in zip(begun, ids, strict=True)}


def _mark_handled(session: Session, changes: Sequence[ReplyPlan], now: datetime) -> None:
    handled = [
        (change.situation.message.id, str(change.handled.route), change.handled.reason)
        for change in changes
        if change.handled is not None and change.situation.message is not None
    ]
    if not mark_handled(session, handled, now):
        raise StaleSessionError


def _put_away(session: Session, change: ReplyPlan, now: datetime) -> None:
    """What was taken up besides a message: an action, a hand-over, and what a STOP leaves unsent."""
    if change.action is not None:
        state = ActionState.CANCELLED if change.is_action_stale else ActionState.DONE
        # A session that ended with this very step has cancelled its actions already, this one among them.
        session.execute(
            update(Action)
            .where(Action.id == change.action.id, or_(OPEN_ACTION, Action.done_at == now))
            .values(state=state, done_at=now),
            execution_options=NO_SYNC,
        )
    key = change.situation.conversation_id
    if change.handed_flow_id is not None:
        session.execute(
            update(Conversation)
            .where(Conversation.id == key, Conversation.handed_flow_id == change.handed_flow_id)
            .values(handed_flow_id=None),
            execution_options=NO_SYNC,
        )
    if change.drops_queue:
        _drop_queue(session, key, now)


def _write_messages(session: Session, changes: Sequence[ReplyPlan], sessions: Mapping[int, int], now: datetime) -> None:
    """The messages, and what waits for them or beside them."""
    given = [(change, content, tag) for change in changes for content, tag in change.messages]
    ids = queue_messages(
        session,
        [
            NewMessage(
                change.situation.conversation_id,
                content,
                session_id=sessions.get(change.situation.conversation_id) if tag is not None else None,
                recipient_id=change.recipient_id if tag is not None else None,
            )
            for change, content, tag in given
        ],
        now,
    )
    tagged = {(change.situation.conversation_id, tag): key for (change, _, tag), key in zip(given, ids, strict=True)}
    rows = [
        {
            "session_id": sessions[change.situation.conversation_id],
            "kind": new.kind,
            "state": ActionState.PENDING,
            "payload": new.payload,
            "after_message_id": tagged[change.situation.conversation_id, new.after_tag] if new.after_tag else None,
            "due_at": new.due_at,
            "created_at": now,
        }
        for change in changes
        if change.walk is not None and change.walk.status == "active"
        for new in change.actions
    ]
    if rows:
        session.execute(insert(Action), rows)


def _write_person(session: Session, change: ReplyPlan, now: datetime) -> None:
    """What the answer changes about the person."""
    situation = change.situation
    for trait in change.traits:
        _write_trait(session, situation.contact_id, trait, now)
    if change.unsubscribes:
        opt_out(session, situation.contact_id, now, "bot flow", f"conversation {situation.conversation_id}")
    if change.case_reason is not None:
        open_case(
            session,
            situation.contact_id,
            now,
            opened_by=BOT,
            reason=change.case_reason,
            number_id=situation.number_id,
        )


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
    except FieldValueError as error:
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
