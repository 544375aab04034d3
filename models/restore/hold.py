"""Holds a database that is older than what it caused: active campaigns are paused, scheduled ones are ready again.

Who is on the way in it may have got the message since; models.restore.settle makes their rows `unsure`, in slices, and
models.restore.release lets one campaign after the other go on.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, insert_into
from models.restore.fresh_ids import skip_ids
from models.sending.epoch import raise_epoch, read_epoch
from models.stored_texts import DATABASE_RESTORED, START_HELD
from models.tables.audit import MONITOR, AuditAction, record_audit
from models.tables.browser_session import EndReason, end_sessions
from models.tables.campaign import Campaign, CampaignStatus, PauseReason, try_transition
from models.tables.database_hold import DatabaseHold, HeldCampaign, HoldCause
from models.tables.epoch import ONLY_ROW, Epoch


def cause_to_hold(epoch: int, known: int | None) -> HoldCause | None:
    """Why a database with this epoch is held; None if it is the newest that is known.

    `known` is the highest copy of the epoch outside of the database, None if there is none of this installation. A database that
    never sent anything (epoch 0) needs no copy.
    """
    if known is None:
        return HoldCause.NO_COPY if epoch > 0 else None
    return HoldCause.BEHIND if epoch < known else None


def hold_if_older(session: Session, known: int | None, now: datetime) -> bool:
    """Hold everything if the database is older than the copies, which were read before this transaction. True if it does.

    Of several that notice it at once one holds: it raises the epoch above every copy, and the others then see that.
    """
    statuses = _lock(session)
    epoch = read_epoch(session)
    cause = cause_to_hold(epoch, known)
    if cause is None:
        return False
    _hold(session, cause, statuses, known, now)
    return True


def hold_for_proof(session: Session, now: datetime) -> bool:
    """Hold everything because Meta speaks of a message that this database has not sent yet. False if it is held already."""
    statuses = _lock(session)
    if current_hold(session) is not None:
        return False
    _hold(session, HoldCause.OUTSIDE, statuses, None, now)
    return True


def current_hold(session: Session) -> DatabaseHold | None:
    """The hold that no operator released yet."""
    return session.scalar(select(DatabaseHold).where(DatabaseHold.released_at.is_(None)))


def is_held(session: Session) -> bool:
    """Whether answers and timers wait because the database is held."""
    return session.scalar(select(DatabaseHold.id).where(DatabaseHold.released_at.is_(None))) is not None


def _lock(session: Session) -> dict[int, CampaignStatus]:
    """Lock every campaign that has not ended, then the epoch, as each claim does; returns the campaigns' states."""
    rows = session.execute(
        select(Campaign.id, Campaign.status)
        .where(Campaign.status != CampaignStatus.ENDED, Campaign.deleted_at.is_(None))
        .order_by(Campaign.id)
        .with_for_update()
    ).all()
    session.execute(select(Epoch.value).where(Epoch.id == ONLY_ROW).with_for_update())
    return {row.id: row.status for row in rows}


def _hold(
    session: Session, cause: HoldCause, statuses: Mapping[int, CampaignStatus], known: int | None, now: datetime
) -> None:
    hold, epoch = current_hold(session), read_epoch(session)
    if hold is None:
        hold = DatabaseHold(cause=cause, noticed_at=now, epoch=epoch, known_epoch=known, marks_cursor=0)
        session.add(hold)
    else:  # put back once more before anybody released the first
        hold.cause, hold.noticed_at, hold.epoch, hold.known_epoch = cause, now, epoch, known
        hold.marks_cursor, hold.marks_done_at = 0, None
    session.flush()
    _note_campaigns(session, hold.id, statuses)
    _pause_live(session, now)
    for campaign_id, status in statuses.items():
        if status is CampaignStatus.SCHEDULED and try_transition(
            session, campaign_id, "unschedule", now, scheduled_at=None, note=START_HELD().stored()
        ):
            record_audit(session, now, MONITOR, AuditAction.UNSCHEDULE, "campaign", campaign_id)
    record_audit(session, now, MONITOR, AuditAction.HOLD, "database", hold.id, cause=cause.value, epoch=epoch)
    end_sessions(session, now, EndReason.RESTORED)  # one of them may have been ended since the copy was made
    skip_ids(session, now)
    raise_epoch(session, above=known or 0)


def _note_campaigns(session: Session, hold_id: int, statuses: Mapping[int, CampaignStatus]) -> None:
    """Note every campaign with its state. One that an earlier hold noted is held again."""
    for campaign_id, status in statuses.items():
        values = {"hold_id": hold_id, "status": status, "settled_at": None, "released_at": None}
        statement = insert_into(session, HeldCampaign).values(campaign_id=campaign_id, **values)
        session.execute(statement.on_conflict_do_update(index_elements=["campaign_id"], set_=values))


def _pause_live(session: Session, now: datetime) -> None:
    """Pause what is active. What is paused in the copy may have gone on since, so it waits for the same decision."""
    detail = DATABASE_RESTORED().stored()
    reason = PauseReason.DATABASE_RESTORED
    live = (CampaignStatus.ACTIVE, CampaignStatus.PAUSED)
    paused_ids = session.scalars(
        update(Campaign)
        .where(Campaign.status.in_(live), Campaign.deleted_at.is_(None))
        .values(
            status=CampaignStatus.PAUSED,
            pause_reason=reason,
            pause_detail=detail,
            paused_at=now,
            resumes_at=None,
            updated_at=now,
        )
        .returning(Campaign.id),
        execution_options=NO_SYNC,
    ).all()
    for campaign_id in sorted(paused_ids):
        about = {"reason": reason.value, "detail": detail}
        record_audit(session, now, MONITOR, AuditAction.PAUSE, "campaign", campaign_id, **about)
