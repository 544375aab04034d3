"""Deletes rows whose retention is over, in slices: chat messages, recipients of deleted campaigns, hashes, flow sessions.

Each function deletes one slice and returns its number of rows, so that no transaction is long.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, insert_into
from models.tables.campaign import Campaign
from models.tables.click import Click
from models.tables.conversation import (
    PHONE_APP_AUTHOR,
    RESPONDER_AUTHOR,
    Direction,
    Message,
    MessageState,
    PurgedWamid,
    wamid_hash,
)
from models.tables.engagement import Engagement
from models.tables.flow import Action, FlowSession, FunnelStep
from models.tables.recipient import Recipient
from models.tables.recipient_opt_out import RecipientOptOut
from models.tables.recipient_tap import RecipientTap
from models.tables.recipient_try import RecipientTry
from models.tables.setting import read_setting

SLICE = 500
WINDOWS = 4
"""Old rows have low ids: only this many slices from the lowest id are searched, so that a search without results is cheap."""
REPEATED_FOR = timedelta(days=8)
"""Meta may deliver a webhook again for up to seven days: the hash of a purged message's id is stored for that time."""
TOLD_BY_META = (PHONE_APP_AUTHOR, RESPONDER_AUTHOR)
"""Authors of outbound messages that came as webhooks, which Meta may repeat too."""
MIN_DAYS = 30
"""The messaging limit, frequency caps and late statuses need a deleted campaign's rows for at least this long."""


def purge_messages(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Delete chat messages that are older than the setting `keep_messages_days`."""
    before = now - timedelta(days=int(read_setting(session, "keep_messages_days")))
    oldest_ids = select(Message.id).order_by(Message.id).limit(limit * WINDOWS).scalar_subquery()
    old = session.execute(
        select(Message.id, Message.wamid, Message.direction, Message.author)
        .where(
            Message.id.in_(oldest_ids),
            Message.at < before,
            Message.state.not_in((MessageState.QUEUED, MessageState.SENDING)),
        )
        .where(or_(Message.direction == Direction.OUT, Message.handled_at.is_not(None)))
        .order_by(Message.id)
        .limit(limit)
    ).all()
    if not old:
        return 0
    told = [row for row in old if row.direction is Direction.IN or row.author in TOLD_BY_META]
    store_hashes(session, [row.wamid for row in told if row.wamid], now)
    ids = [row.id for row in old]
    session.execute(
        update(Action).where(Action.after_message_id.in_(ids)).values(after_message_id=None), execution_options=NO_SYNC
    )
    session.execute(delete(Message).where(Message.id.in_(ids)), execution_options=NO_SYNC)
    return len(ids)


def purge_deleted_campaigns(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Delete recipients of campaigns that were deleted longer ago than the retention of messages, and at least 30 days."""
    days = max(MIN_DAYS, int(read_setting(session, "keep_messages_days")))
    deleted_campaigns = select(Campaign.id).where(Campaign.deleted_at < now - timedelta(days=days))
    ids = session.scalars(select(Recipient.id).where(Recipient.campaign_id.in_(deleted_campaigns)).limit(limit)).all()
    if not ids:
        return 0
    people = select(Recipient.person_key).where(Recipient.id.in_(ids))
    statements: Sequence[Any] = (
        delete(FunnelStep).where(FunnelStep.recipient_id.in_(ids)),
        delete(RecipientOptOut).where(RecipientOptOut.recipient_id.in_(ids)),
        delete(RecipientTap).where(RecipientTap.recipient_id.in_(ids)),
        delete(Click).where(Click.recipient_id.in_(ids)),
        delete(RecipientTry).where(RecipientTry.recipient_id.in_(ids)),
        update(Message).where(Message.recipient_id.in_(ids)).values(recipient_id=None),
        update(FlowSession).where(FlowSession.recipient_id.in_(ids)).values(recipient_id=None),
        delete(Engagement).where(Engagement.campaign_id.in_(deleted_campaigns), Engagement.person_key.in_(people)),
        delete(Recipient).where(Recipient.id.in_(ids)),
    )
    for statement in statements:
        session.execute(statement, execution_options=NO_SYNC)
    return len(ids)


def purge_hashes(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Delete the hashes of purged messages once Meta does not deliver them again."""
    expired = select(PurgedWamid.hash).where(PurgedWamid.expires_at <= now).limit(limit).scalar_subquery()
    result: Any = session.execute(delete(PurgedWamid).where(PurgedWamid.hash.in_(expired)), execution_options=NO_SYNC)
    return int(result.rowcount)


def purge_flow_sessions(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Delete flow sessions that ended before the retention of messages and have no messages left, with their actions."""
    before = now - timedelta(days=int(read_setting(session, "keep_messages_days")))
    is_old = and_(FlowSession.ended_at.is_not(None), FlowSession.ended_at < before)
    is_used = exists().where(Message.session_id == FlowSession.id)
    oldest_ids = select(FlowSession.id).order_by(FlowSession.id).limit(limit * WINDOWS).scalar_subquery()
    query = select(FlowSession.id).where(FlowSession.id.in_(oldest_ids), is_old, ~is_used)
    ids = session.scalars(query.order_by(FlowSession.id).limit(limit)).all()
    if not ids:
        return 0
    session.execute(delete(Action).where(Action.session_id.in_(ids)), execution_options=NO_SYNC)
    session.execute(delete(FlowSession).where(FlowSession.id.in_(ids)), execution_options=NO_SYNC)
    return len(ids)


def store_hashes(session: Session, wamids: Sequence[str], now: datetime) -> None:
    """Keep the hashes of these ids, so that a message that Meta delivers again is recognised without its id."""
    if wamids:
        rows = [{"hash": wamid_hash(wamid), "expires_at": now + REPEATED_FOR} for wamid in wamids]
        statement = insert_into(session, PurgedWamid).values(rows).on_conflict_do_nothing(index_elements=["hash"])
        session.execute(statement)
