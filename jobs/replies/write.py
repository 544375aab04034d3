"""Writes the plans of replies, for many conversations in one transaction."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Row, insert, or_, select, update
from sqlalchemy.orm import Session

from bot.flows.session import RemoveTag, SetAttribute, SetTag
from bot.router import Route
from jobs.replies.plan import ReplyPlan
from jobs.replies.tracked_links import track_links
from models.contacts.consent import opt_out
from models.contacts.field_values import FieldValueError
from models.contacts.tagging import put_attribute, put_tag, remove_tag
from models.conversations.cases import open_case, open_cases
from models.conversations.claim import mark_handled
from models.conversations.control import answered_elsewhere
from models.conversations.flow_sessions import NewSession, SessionSave, begin_sessions, pass_steps, save_sessions
from models.conversations.messages import BOT, NewMessage, drop_bot_messages, queue_messages
from models.conversations.unread import mark_unread
from models.db.dialect import NO_SYNC
from models.errors import HarkError
from models.stored_texts import SAID_STOP
from models.tables.conversation import Conversation, Message, MessageState
from models.tables.flow import OPEN_ACTION, Action, ActionState

log = logging.getLogger("hark.answer")

UNSURE_COUNTS_AFTER = timedelta(seconds=60)
SETTLED = (MessageState.ACCEPTED, MessageState.UNSURE, MessageState.REFUSED, MessageState.NOT_SENT)


class StaleSessionError(HarkError):
    """The session, the message, the case or the responder changed since it was read: nothing of the batch may be written."""


def write_plans(session: Session, plans: Sequence[ReplyPlan], now: datetime, *, link_base: str | None = None) -> None:
    """Write the plans, each of a different conversation. With `link_base` the links of bot flows are tracked.

    The conversations are locked, by the lease that the caller renewed. Raises StaleSessionError if a session, a message, a case
    or a responder changed since it was read: the caller must roll back.
    """
    _check_responders(session, plans)
    _end_sessions(session, plans, now)
    sessions = _write_sessions(session, plans, now)
    _mark_handled(session, plans, now)
    for plan in plans:
        _finish_inputs(session, plan, now)
    if link_base is not None:
        track_links(session, plans, link_base, now)
    _write_messages(session, plans, sessions, now)
    steps = [(plan.recipient_id, name) for plan in plans if plan.recipient_id for name in plan.steps]
    pass_steps(session, steps, now)
    for plan in plans:
        _write_person(session, plan, now)
    mark_unread(session, [plan.context.conversation_id for plan in plans if _is_left_to_people(plan)], now)


def settled_waits(
    session: Session, message_ids: Iterable[int] | None = None
) -> Sequence[Row[int, MessageState, datetime | None]]:
    """(action id, message state, unsure_at) of the timers that have not started although their message is settled.

    Only of these messages; with None of all messages.
    """
    query = (
        select(Action.id, Message.state, Message.unsure_at)
        .join(Message, Message.id == Action.after_message_id)
        .where(OPEN_ACTION, Action.due_at.is_(None), Message.state.in_(SETTLED))
    )
    if message_ids is not None:
        query = query.where(Action.after_message_id.in_(list(message_ids)))
    return session.execute(query).all()


def begin_waits(session: Session, waits: Sequence[Row[int, MessageState, datetime | None]], now: datetime) -> None:
    """Start these timers: at once if the message was accepted or failed, a minute after it became unsure."""
    for row in waits:
        due_at = (row.unsure_at or now) + UNSURE_COUNTS_AFTER if row.state is MessageState.UNSURE else now
        session.execute(
            update(Action).where(Action.id == row.id, Action.due_at.is_(None)).values(due_at=due_at),
            execution_options=NO_SYNC,
        )


def _check_responders(session: Session, plans: Sequence[ReplyPlan]) -> None:
    """A bot that planned its reply before an agent or another responder took the conversation does not write it."""
    now_open = open_cases(session, {plan.context.contact_id for plan in plans})
    elsewhere = answered_elsewhere(session, [plan.context.conversation_id for plan in plans])
    for context in (plan.context for plan in plans):
        is_elsewhere = context.conversation_id in elsewhere
        if now_open.get(context.contact_id) != context.case_id or is_elsewhere != context.is_elsewhere:
            raise StaleSessionError


def _end_sessions(session: Session, plans: Sequence[ReplyPlan], now: datetime) -> None:
    """End the sessions whose plan says so. First of all: a contact has one active session with a number."""
    saves = []
    for plan in plans:
        live = plan.context.live
        if plan.ends is not None and live is not None:
            state = live.state | {"status": "ended", "ended_reason": plan.ends, "waiting_for": None, "awaiting": None}
            saves.append(SessionSave(live.id, live.version, state, plan.ends))
    if not save_sessions(session, saves, now):
        raise StaleSessionError


def _write_sessions(session: Session, plans: Sequence[ReplyPlan], now: datetime) -> dict[int, int]:
    """Store new and changed sessions; returns the session id by conversation id."""
    new_sessions: list[tuple[int, NewSession]] = []
    session_saves: list[tuple[int, SessionSave]] = []
    for plan in plans:
        context, flow_state = plan.context, plan.flow_state
        if flow_state is None:
            continue
        if plan.begins_version_id is not None:
            new = NewSession(
                context.contact_id,
                context.number_id,
                plan.begins_version_id,
                plan.recipient_id,
                flow_state.to_json(),
                flow_state.ended_reason,
            )
            new_sessions.append((context.conversation_id, new))
        elif context.live is not None and plan.saves:
            live = context.live
            session_saves.append(
                (
                    context.conversation_id,
                    SessionSave(live.id, live.version, flow_state.to_json(), flow_state.ended_reason),
                )
            )
    if not save_sessions(session, [save for _, save in session_saves], now):
        raise StaleSessionError
    ids = begin_sessions(session, [new for _, new in new_sessions], now)
    return {key: save.id for key, save in session_saves} | {
        key: new for (key, _), new in zip(new_sessions, ids, strict=True)
    }


def _is_left_to_people(plan: ReplyPlan) -> bool:
    """Whether nothing took the message, no bot flow either that had it: agents find it in the inbox."""
    untaken = {Route.NOTHING, Route.FAILED, Route.ELSEWHERE}
    return (plan.handled is not None and plan.handled.route in untaken) or plan.needs_human


def _mark_handled(session: Session, plans: Sequence[ReplyPlan], now: datetime) -> None:
    handled = [
        (plan.context.message.id, str(plan.handled.route), plan.handled.reason)
        for plan in plans
        if plan.handled is not None and plan.context.message is not None
    ]
    if not mark_handled(session, handled, now):
        raise StaleSessionError


def _finish_inputs(session: Session, plan: ReplyPlan, now: datetime) -> None:
    """Finish the inputs other than messages, an action or a hand-over, and drop the queue after a STOP."""
    if plan.action is not None:
        state = ActionState.CANCELLED if plan.is_action_stale else ActionState.DONE
        # A session that ended with this step has already cancelled its actions, including this one.
        session.execute(
            update(Action)
            .where(Action.id == plan.action.id, or_(OPEN_ACTION, Action.done_at == now))
            .values(state=state, done_at=now),
            execution_options=NO_SYNC,
        )
    key = plan.context.conversation_id
    if plan.handed_flow_id is not None:
        session.execute(
            update(Conversation)
            .where(Conversation.id == key, Conversation.handed_flow_id == plan.handed_flow_id)
            .values(handed_flow_id=None),
            execution_options=NO_SYNC,
        )
    if plan.drops_queue:
        drop_bot_messages(session, [key], SAID_STOP(), now)


def _write_messages(session: Session, plans: Sequence[ReplyPlan], sessions: Mapping[int, int], now: datetime) -> None:
    """Queue the messages, and insert the sessions' timers and calls."""
    queued = [(plan, content, tag) for plan in plans for content, tag in plan.messages]
    ids = queue_messages(
        session,
        [
            NewMessage(
                plan.context.conversation_id,
                content,
                session_id=sessions.get(plan.context.conversation_id) if tag is not None else None,
                recipient_id=plan.recipient_id if tag is not None else None,
            )
            for plan, content, tag in queued
        ],
        now,
    )
    tagged = {(plan.context.conversation_id, tag): key for (plan, _, tag), key in zip(queued, ids, strict=True)}
    rows = [
        {
            "session_id": sessions[plan.context.conversation_id],
            "kind": new.kind,
            "state": ActionState.PENDING,
            "payload": new.payload,
            "after_message_id": tagged[plan.context.conversation_id, new.after_tag] if new.after_tag else None,
            "due_at": new.due_at,
            "created_at": now,
        }
        for plan in plans
        if plan.flow_state is not None and plan.flow_state.status == "active"
        for new in plan.actions
    ]
    if rows:
        session.execute(insert(Action), rows)


def _write_person(session: Session, plan: ReplyPlan, now: datetime) -> None:
    """Apply the plan's plans of the contact: tags, attributes, opt-out, case."""
    context = plan.context
    for trait in plan.traits:
        _write_trait(session, context.contact_id, trait, now)
    if plan.unsubscribes:
        opt_out(session, context.contact_id, now, "bot flow", f"conversation {context.conversation_id}")
    if plan.case_reason is not None:
        open_case(
            session,
            context.contact_id,
            now,
            opened_by=BOT,
            reason=plan.case_reason,
            number_id=context.number_id,
        )


def _write_trait(session: Session, contact_id: int, trait: SetTag | RemoveTag | SetAttribute, now: datetime) -> None:
    """Set or remove a tag or attribute. A value that is not valid is skipped, and the flow continues."""
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
