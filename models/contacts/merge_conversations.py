"""Moves conversations, cases and flow sessions to the winner of a merge."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, aliased

from models.tables.conversation import Case, CaseStatus, Conversation, Message, UnreadReply
from models.tables.conversation_control import ConversationControl
from models.tables.flow import Action, ActionState, FlowSession, SessionStatus
from models.tables.possible_opt_out import PossibleOptOut

REASON = "merged with another record"


def merge_conversations(session: Session, winner_id: int, loser_id: int, now: datetime) -> None:
    """Leave the winner with one conversation per number, at most one open case, and one active flow session per number."""
    _merge_conversations(session, winner_id, loser_id)
    _merge_cases(session, winner_id, loser_id, now)
    _merge_sessions(session, winner_id, loser_id, now)


def _merge_conversations(session: Session, winner_id: int, loser_id: int) -> None:
    winners, losers = aliased(Conversation), aliased(Conversation)
    pairs = session.execute(
        select(winners, losers)
        .join(losers, losers.number_id == winners.number_id)
        .where(winners.contact_id == winner_id, losers.contact_id == loser_id)
    ).all()
    for remaining, duplicate in pairs:
        session.execute(
            update(Message)
            .where(Message.conversation_id == duplicate.id)
            .values(conversation_id=remaining.id)
            .execution_options(synchronize_session=False)
        )
        remaining.last_inbound_at = _later(remaining.last_inbound_at, duplicate.last_inbound_at)
        remaining.last_message_at = _later(remaining.last_message_at, duplicate.last_message_at)
        remaining.handed_flow_id = remaining.handed_flow_id or duplicate.handed_flow_id
        session.flush()
        _merge_unread(session, remaining.id, duplicate.id)
        _merge_possible_opt_out(session, remaining.id, duplicate.id)
        _merge_control(session, remaining.id, duplicate.id)
        session.execute(delete(Conversation).where(Conversation.id == duplicate.id))
    session.execute(update(Conversation).where(Conversation.contact_id == loser_id).values(contact_id=winner_id))


def _merge_unread(session: Session, remaining_id: int, duplicate_id: int) -> None:
    """Move what is unread in a conversation to the one that it is merged into."""
    duplicate = session.get(UnreadReply, duplicate_id)
    if duplicate is None:
        return
    remaining = session.get(UnreadReply, remaining_id)
    if remaining is None:
        session.add(UnreadReply(conversation_id=remaining_id, since=duplicate.since, latest_at=duplicate.latest_at))
    else:
        remaining.since = min(remaining.since, duplicate.since)
        remaining.latest_at = max(remaining.latest_at, duplicate.latest_at)
    session.delete(duplicate)
    session.flush()


def _merge_possible_opt_out(session: Session, remaining_id: int, duplicate_id: int) -> None:
    """Move the mark of a message that may ask for an end; of two, the newer one's message is shown."""
    duplicate = session.get(PossibleOptOut, duplicate_id)
    if duplicate is None:
        return
    remaining = session.get(PossibleOptOut, remaining_id)
    if remaining is None:
        remaining = PossibleOptOut(conversation_id=remaining_id, since=duplicate.since, latest_at=duplicate.latest_at)
        remaining.message_id = duplicate.message_id
        session.add(remaining)
    elif duplicate.latest_at > remaining.latest_at:
        remaining.message_id, remaining.latest_at = duplicate.message_id, duplicate.latest_at
    remaining.since = min(remaining.since, duplicate.since)
    session.delete(duplicate)
    session.flush()


def _merge_control(session: Session, remaining_id: int, duplicate_id: int) -> None:
    """Of two conversations that are merged, the newer event tells who has the one that remains."""
    duplicate = session.get(ConversationControl, duplicate_id)
    if duplicate is None:
        return
    remaining = session.get(ConversationControl, remaining_id)
    if remaining is None or (remaining.at, remaining.rank) < (duplicate.at, duplicate.rank):
        told = {name: getattr(duplicate, name) for name in ("responder", "at", "rank", "role", "summary")}
        session.merge(ConversationControl(conversation_id=remaining_id, **told))
    session.delete(duplicate)
    session.flush()


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def _merge_cases(session: Session, winner_id: int, loser_id: int, now: datetime) -> None:
    """Of two open cases the older stays open. It waits if the person waits in one of them, and has the agent of either."""
    open_cases = session.execute(
        select(Case.id, Case.status, Case.agent)
        .where(Case.contact_id.in_((winner_id, loser_id)), Case.closed_at.is_(None))
        .order_by(Case.opened_at, Case.id)
    ).all()
    open_ids = [row.id for row in open_cases]
    if len(open_ids) > 1:
        waits = any(row.status is CaseStatus.WAITING for row in open_cases)
        agent = next((row.agent for row in open_cases if row.agent), None)
        session.execute(
            update(Case)
            .where(Case.id == open_ids[0])
            .values(status=CaseStatus.WAITING if waits else open_cases[0].status, agent=agent)
        )
        session.execute(
            update(Case)
            .where(Case.id.in_(open_ids[1:]))
            .values(status=CaseStatus.RESOLVED, closed_at=now, closed_by=REASON)
        )
    session.execute(update(Case).where(Case.contact_id == loser_id).values(contact_id=winner_id))


def _merge_sessions(session: Session, winner_id: int, loser_id: int, now: datetime) -> None:
    """Of two active sessions with one number, the one updated last stays active."""
    active = session.execute(
        select(FlowSession.id, FlowSession.number_id)
        .where(FlowSession.contact_id.in_((winner_id, loser_id)), FlowSession.status == SessionStatus.ACTIVE)
        .order_by(FlowSession.updated_at.desc(), FlowSession.id.desc())
    ).all()
    newest = {row.number_id: row.id for row in reversed(active)}
    ended_ids = [row.id for row in active if newest[row.number_id] != row.id]
    if ended_ids:
        session.execute(
            update(FlowSession)
            .where(FlowSession.id.in_(ended_ids))
            .values(
                status=SessionStatus.ENDED,
                ended_reason=REASON,
                ended_at=now,
                updated_at=now,
                version=FlowSession.version + 1,
            )
            .execution_options(synchronize_session=False)
        )
        session.execute(
            update(Action)
            .where(Action.session_id.in_(ended_ids), Action.state.in_((ActionState.PENDING, ActionState.CLAIMED)))
            .values(state=ActionState.CANCELLED, done_at=now)
            .execution_options(synchronize_session=False)
        )
    session.execute(update(FlowSession).where(FlowSession.contact_id == loser_id).values(contact_id=winner_id))
