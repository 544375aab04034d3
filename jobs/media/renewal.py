"""Uploads media again before their ids at Meta expire, for the campaigns that may still send them.

A campaign's start and its resumption upload by themselves (jobs.campaigns.media_upload); this is for what goes on for weeks, and
for what could not be uploaded then.
"""

import logging
from collections import defaultdict
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.meta.management import GraphError
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime, runtime
from jobs.core.wake_ups import RENEW_MEDIA
from jobs.media.store import MissingContentError
from jobs.media.upload import MARGIN, upload_files
from jobs.media.usage import campaign_files
from models.campaigns.pause import pause_campaign
from models.clock import utcnow
from models.errors import OperatorError
from models.stored_texts import MEDIA_NOT_RENEWED
from models.tables.audit import MONITOR
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.media import MediaHandle
from models.tables.number import Number

log = logging.getLogger("hark.media")

SENDING_STATES = (CampaignStatus.SCHEDULED, CampaignStatus.ACTIVE, CampaignStatus.PAUSED)


def wake_media_renewal(rt: Runtime, now: datetime) -> int:
    """Enqueue a renewal for every number that lacks a lasting id of a file that its campaigns send; returns how many."""
    with rt.database.read() as session:
        due = _due(session, now)
    return sum(RENEW_MEDIA.enqueue(rt.redis, number_id) for number_id in due)


def renew_media(number_id: int) -> None:
    """The job: uploads what the number's campaigns lack. If a file cannot be uploaded, the next round tries again; an active
    campaign that cannot go on without it is paused with the reason.
    """
    rt, now = runtime(), utcnow()
    RENEW_MEDIA.started(rt.redis, number_id)
    renew_for_number(rt, number_id, now)


def renew_for_number(rt: Runtime, number_id: int, now: datetime) -> None:
    """As `renew_media`, for callers that have a runtime."""
    with rt.database.read() as session:
        due = _due(session, now).get(number_id, set())
        number = session.get(Number, number_id)
    for sha256 in sorted(due):
        if number is None:
            continue
        try:
            upload_files(rt, number, {sha256}, now)
        except OperatorError as error:
            log.warning("media %s for number %d: %s", sha256[:12], number_id, error)
            if isinstance(error, MissingContentError) or (isinstance(error, GraphError) and not error.is_transient):
                _pause(rt, number_id, sha256, error, now)


def _due(session: Session, now: datetime) -> dict[int, set[str]]:
    """The files that campaigns of each number send, by the number's id, without those whose id lasts."""
    wanted: dict[int, set[str]] = defaultdict(set)
    for campaign in campaign_files(session, Campaign.status.in_(SENDING_STATES)):
        if campaign.number_id is not None:
            wanted[campaign.number_id] |= campaign.hashes
    lasting = session.execute(
        select(MediaHandle.number_id, MediaHandle.sha256).where(
            MediaHandle.media_id.is_not(None), MediaHandle.expires_at > now + MARGIN
        )
    )
    for number_id, sha256 in lasting:
        wanted[number_id].discard(sha256)
    return {number_id: hashes for number_id, hashes in wanted.items() if hashes}


@retry_conflicts
def _pause(rt: Runtime, number_id: int, sha256: str, error: OperatorError, now: datetime) -> None:
    """Pause the number's active campaigns that send the file, unless its id is still valid for a while."""
    with rt.database.write() as session:
        is_valid = session.scalar(
            select(MediaHandle.id).where(
                MediaHandle.number_id == number_id,
                MediaHandle.sha256 == sha256,
                MediaHandle.media_id.is_not(None),
                MediaHandle.expires_at > now,
            )
        )
        if is_valid is not None:
            return
        active = campaign_files(session, Campaign.number_id == number_id, Campaign.status == CampaignStatus.ACTIVE)
        for campaign in reversed(active):  # by id, as everybody who locks several
            if sha256 in campaign.hashes:
                detail = MEDIA_NOT_RENEWED(why=str(error))
                pause_campaign(session, campaign.id, PauseReason.MEDIA_REFUSED, detail, now, MONITOR)
