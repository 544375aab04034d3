"""Makes `unsure` whose message may have left after the copy was made, slice by slice, so that no resume writes to them twice.

A status of Meta settles such a row later (models.events.statuses.apply); what stays unsure an operator sends on purpose.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, literal_word
from models.retry.due import is_due, is_temporary
from models.retry.rule import TemporaryFailure
from models.stored_texts import RESTORED
from models.tables.campaign import LIVE, Campaign, CampaignStatus
from models.tables.database_hold import HeldCampaign
from models.tables.recipient import Recipient, RecipientState
from models.tries.rows import queue_again

SLICE_SIZE = 5_000
ON_THE_WAY = or_(*(Recipient.state == literal_word(word) for word in ("queued", "sending", "held")))


def unsettled_campaigns(session: Session) -> list[int]:
    """The ids of held campaigns that were started in the copy and still have people on the way."""
    query = (
        select(HeldCampaign.campaign_id)
        .join(Campaign, Campaign.id == HeldCampaign.campaign_id)
        .where(HeldCampaign.settled_at.is_(None), HeldCampaign.status.in_(LIVE), Campaign.status.in_(LIVE))
        .order_by(HeldCampaign.campaign_id)
    )
    return list(session.scalars(query))


def settle_slice(
    session: Session,
    campaign_id: int,
    now: datetime,
    size: int = SLICE_SIZE,
    failures: Sequence[TemporaryFailure] = (),
) -> bool:
    """Make up to `size` people of a held campaign `unsure`, and count the attempt that may have been made. True: there may be more.

    A campaign that is still being launched is settled only once its last slice is written. Nothing happens to one that an
    operator released or ended meanwhile. Who failed with one of `failures` may have been tried again since the copy, and becomes
    `unsure` too; what the copy knows of the failed try is kept as an earlier one.
    """
    campaign = session.execute(
        select(Campaign.status, Campaign.launched_at).where(Campaign.id == campaign_id).with_for_update()
    ).one()
    held = session.get(HeldCampaign, campaign_id, with_for_update=True, populate_existing=True)
    if held is None or held.released_at is not None or campaign.status is not CampaignStatus.PAUSED:
        return False
    if failures:
        tried = and_(is_temporary(campaign_id, failures), is_due(failures, now))
        failed_ids = session.scalars(
            select(Recipient.id).where(tried).order_by(Recipient.id).limit(size).with_for_update()
        )
        queue_again(session, failed_ids.all(), now)  # the statement below takes them out again, as it does all who wait
    ids = session.scalars(
        select(Recipient.id)
        .where(Recipient.campaign_id == campaign_id, ON_THE_WAY)
        .order_by(Recipient.id)
        .limit(size)
        .with_for_update()
    ).all()
    detail = RESTORED().stored()
    session.execute(
        update(Recipient)
        .where(Recipient.id.in_(ids), ON_THE_WAY)
        .values(
            state=RecipientState.UNSURE,
            unsure_at=now,
            detail=detail,
            error_msg=detail,
            due_at=None,
            attempts=Recipient.attempts + 1,
        ),
        execution_options=NO_SYNC,
    )
    if len(ids) < size and campaign.launched_at is not None:
        held.settled_at = now
    return len(ids) >= size
