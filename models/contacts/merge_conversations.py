"""The chat's side of a merge: conversations, cases and walks through bot flows become the winner's."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, aliased

from models.tables.conversation import Case, CaseStatus, Conversation, Message
from models.tables.flow import Action, ActionState, FlowSession, SessionStatus

REASON = "merged with another record"


def merge_conversations(session: Session, winner_id: int, loser_id: int, now: datetime) -> None:
    """One conversation per number, at most one open case, at most one live walk per number."""
    _merge_conversations(session, winner_id, loser_id)
    _merge_cases(session, winner_id, loser_id, now)
    _merge_sessions(session, winner_id, loser_id, now)


def _merge_conversations(session: Session, winner_id: int, loser_id: int) -> None:
    mine, theirs = aliased(Conversation), aliased(Conversation)
    both = session.execute(
        select(mine, theirs)
        .join(theirs, theirs.number_id == mine.number_id)
        .where(mine.contact_id == winner_id, theirs.contact_id == loser_id)
    ).all()
    for kept, given_up in both:
        session.execute(
            update(Message)
            .where(Message.conversation_id == given_up.id)
            .values(conversation_id=kept.id)
            .execution_options(synchronize_session=False)
        )
        kept.last_inbound_at = _later(kept.last_inbound_at, given_up.last_inbound_at)
        kept.last_message_at = _later(kept.last_message_at, given_up.last_message_at)
        kept.handed_flow_id = kept.handed_flow_id or given_up.handed_flow_id
        session.flush()
        session.execute(delete(Conversation).where(Conversation.id == given_up.id))
    session.execute(update(Conversation).where(Conversation.contact_id == loser_id).values(contact_id=winner_id))


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def _merge_cases(session: Session, winner_id: int, loser_id: int, now: datetime) -> None:
    """Of two open cases the older stays open."""
    still_open = session.scalars(
        select(Case.id)
        .where(Case.contact_id.in_((winner_id, loser_id)), Case.closed_at.is_(None))
        .order_by(Case.opened_at, Case.id)
    ).all()
    if len(still_open) > 1:
        session.execute(
            update(Case)
            .where(Case.id.in_(still_open[1:]))
            .values(status=CaseStatus.RESOLVED, closed_at=now, closed_by=REASON)
        )
    session.execute(update(Case).where(Case.contact_id == loser_id).values(contact_id=winner_id))


def _merge_sessions(session: Session, winner_id: int, loser_id: int, now: datetime) -> None:
    """Of two live walks with one number the one that moved last goes on."""
    live = session.execute(
        select(FlowSession.id, FlowSession.number_id)
        .where(FlowSession.contact_id.in_((winner_id, loser_id)), FlowSession.status == SessionStatus.ACTIVE)
        .order_by(FlowSession.updated_at.desc(), FlowSession.id.desc())
    ).all()
    newest = {row.number_id: row.id for row in reversed(live)}
    ended = [row.id for row in live if newest[row.number_id] != row.id]
    if ended:
        session.execute(
            update(FlowSession)
            .where(FlowSession.id.in_(ended))
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
            .where(Action.session_id.in_(ended), Action.state.in_((ActionState.PENDING, ActionState.CLAIMED)))
            .values(state=ActionState.CANCELLED, done_at=now)
            .execution_options(synchronize_session=False)
        )
    session.execute(update(FlowSession).where(FlowSession.contact_id == loser_id).values(contact_id=winner_id))
