"""Starts a campaign: reads template and number from Meta, runs the preflight, makes the transition once, enqueues the launch.

Panel, commands and the schedule call the same function. jobs.campaigns.lifecycle pauses, resumes and ends a started campaign.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.meta.management import GraphError
from jobs.campaigns.flow_messages import flow_messages
from jobs.campaigns.launch import wake_launch
from jobs.campaigns.media_upload import upload_media
from jobs.core.clock_check import may_take_irreversible_steps
from jobs.core.conflicts import retry_conflicts, retry_conflicts_again
from jobs.core.runtime import Runtime, runtime
from jobs.core.wake_ups import START_SCHEDULED
from jobs.ingest.consumer import lag
from jobs.maintenance.marketing_sync import read_marketing_state
from jobs.maintenance.meta_sync import read_number, read_templates
from jobs.media.store import MediaStoreError
from jobs.restore.watch import hold_if_restored, keep_epoch
from models.billing.balance import reserve_amount
from models.campaigns.campaign_type import campaign_type
from models.campaigns.maximum_price import campaign_price_cap
from models.campaigns.missing import refuse_draft
from models.campaigns.preflight import Preflight, PreflightFacts, preflight
from models.campaigns.preflight_check import PreflightCheck
from models.clock import utcnow
from models.errors import OperatorError
from models.restore.release import check_start, release_campaign
from models.sending.cohorts import make_cohorts
from models.sending.epoch import raise_epoch
from models.stored_texts import START_FAILED, START_MISSED, START_MISSED_MINUTE
from models.tables.audit import AuditAction, record_audit
from models.tables.campaign import (
    Campaign,
    CampaignOutcome,
    CampaignStatus,
    check_verb,
    get_campaign,
    transition,
    try_transition,
)
from models.tables.setting import read_setting
from models.text import Text

log = logging.getLogger("hark.starting")


class MetaUnavailableError(OperatorError):
    """The Graph API, or the store of media, could not be asked just now; the same may work in a moment."""


def fresh_preflight(rt: Runtime, campaign_id: int, now: datetime) -> Preflight:
    """Run the preflight after reading template and number from Meta.

    Raises MetaUnavailableError if Meta could not be asked, OperatorError if it refuses to show them.
    """
    refresh_from_meta(rt, campaign_id, now)
    with rt.database.read() as session:
        flow = flow_messages(session, get_campaign(session, campaign_id).flow_id)
        facts = PreflightFacts.of(rt.settings, is_listening=_is_listening(rt), flow_messages=flow)
        return preflight(session, campaign_id, now, facts)


def refresh_from_meta(rt: Runtime, campaign_id: int, now: datetime) -> None:
    """Read the campaign's template and number from Meta into the database.

    Raises MetaUnavailableError if Meta could not be asked, OperatorError if it refuses to show them.
    """
    with rt.database.read() as session:
        campaign = get_campaign(session, campaign_id)
        template, number = campaign.template, campaign.number
    if template is None or number is None:
        return  # a draft: the preflight says so
    try:
        read_templates(rt, template.waba_id, now, template.name)
        read_number(rt, number.id, now)
        if number.marketing_api:
            _read_marketing_state(rt, number.waba_id, now)
    except GraphError as error:
        kind = MetaUnavailableError if error.is_transient else OperatorError
        raise kind(f"campaign {campaign_id}: Meta could not be asked about template and number: {error}") from error


def _read_marketing_state(rt: Runtime, waba_pk: int, now: datetime) -> None:
    """Where Meta does not show it to this token, the preflight goes by what is known. Raises GraphError if it may work later."""
    try:
        read_marketing_state(rt, waba_pk, now)
    except GraphError as error:
        if error.is_transient:
            raise


@retry_conflicts_again
def start_campaign(
    rt: Runtime, campaign_id: int, now: datetime, actor: str, *, is_after_restore: bool = False
) -> Preflight:
    """Start it; of several concurrent calls one does. `is_after_restore`: although it may have been sent before the database
    was put back from a copy.

    Raises HeldError if that is so and was not asked for, OperatorError if a check blocks it or it was changed meanwhile,
    TransitionError if its state does not allow a start, MetaUnavailableError if Meta could not be asked.
    """
    with suppress(RedisError):  # the lane looks again, before it claims anybody
        hold_if_restored(rt, now)
    with rt.database.read() as session:
        check_start(session, campaign_id, is_after_restore=is_after_restore)
        refuse_draft(session, campaign_id)
        check_verb(session, campaign_id, "start")
        checked_version = _version(session, campaign_id)
    result = ask_and_upload(rt, campaign_id, now)
    with rt.database.write() as session:
        version = _version(session, campaign_id, is_locking=True)
        check_start(session, campaign_id, is_after_restore=is_after_restore)
        check_verb(session, campaign_id, "start")
        if version != checked_version:
            # Asking Meta takes seconds. Only the version that the preflight checked may start, at the time it was scheduled for.
            raise OperatorError(
                "campaign {campaign_id}: it was changed while it was being checked; look at it and start again",
                campaign_id=campaign_id,
            )
        started = {"started_at": now, "outcome": CampaignOutcome.PREPARING, "note": None}
        campaign = get_campaign(session, campaign_id)
        transition(session, campaign_id, "start", now, type=campaign_type(campaign), **started)
        make_cohorts(session, campaign, now)
        cap = campaign_price_cap(session, campaign)
        reserve_amount(session, campaign_id, result.reach.areas or {}, now, cap)
        record_audit(session, now, actor, AuditAction.START, "campaign", campaign_id, eligible=result.reach.eligible)
        release_campaign(session, campaign_id, actor, now)
        epoch = raise_epoch(session)
    keep_epoch(rt, epoch)
    wake_or_log(lambda: wake_launch(rt, campaign_id), campaign_id)
    return result


def ask_and_upload(rt: Runtime, campaign_id: int, now: datetime, ignored: Collection[str] = ()) -> Preflight:
    """Prepare a campaign for sending: read from Meta, run the preflight, upload the media.

    Raises OperatorError if a check blocks it (those whose key is in `ignored` do not), MetaUnavailableError if Meta could not be
    asked.
    """
    result = fresh_preflight(rt, campaign_id, now)
    _refuse_if_blocked(campaign_id, [check for check in result.blocking if check.key not in ignored])
    upload_or_refuse(rt, campaign_id, now)
    return result


def wake_or_log(wake_up: Callable[[], object], campaign_id: int) -> None:
    """Call `wake_up`; a RedisError is only logged, since the schedule makes every lost wake-up again from the database."""
    try:
        wake_up()
    except RedisError as error:
        log.warning("campaign %d: no wake-up (%s); the schedule makes one", campaign_id, type(error).__name__)


def _version(
    session: Session, campaign_id: int, *, is_locking: bool = False
) -> tuple[datetime, datetime | None] | None:
    """The values that change with every edit, schedule and transition; None if the campaign is gone."""
    query = select(Campaign.updated_at, Campaign.scheduled_at).where(Campaign.id == campaign_id)
    row = session.execute(query.with_for_update() if is_locking else query).first()
    return None if row is None else (row.updated_at, row.scheduled_at)


def wake_scheduled(rt: Runtime, now: datetime) -> int:
    """Enqueue the start of every campaign whose scheduled time has come; return how many."""
    with rt.database.read() as session:
        due = session.scalars(
            select(Campaign.id).where(
                Campaign.status == CampaignStatus.SCHEDULED,
                Campaign.scheduled_at <= now,
                Campaign.deleted_at.is_(None),
            )
        ).all()
    if due and not may_take_irreversible_steps(rt):
        return 0
    return sum(START_SCHEDULED.enqueue(rt.redis, campaign_id) for campaign_id in due)


def start_scheduled(campaign_id: int) -> None:
    """Start the campaign at its scheduled time, or set it back to ready with the reason. This is a job; several at a time
    start the campaign once.
    """
    rt, now = runtime(), utcnow()
    START_SCHEDULED.started(rt.redis, campaign_id)
    with rt.database.read() as session:
        campaign = session.get(Campaign, campaign_id)
        grace = timedelta(seconds=float(read_setting(session, "schedule_grace_seconds")))
    if campaign is None or campaign.status is not CampaignStatus.SCHEDULED or campaign.scheduled_at is None:
        return
    late = now - campaign.scheduled_at
    if late < timedelta(0) or not may_take_irreversible_steps(rt):
        return
    if late > grace:
        _back_to_ready(rt, campaign_id, now, campaign.scheduled_at, _missed_by(late))
        return
    try:
        start_campaign(rt, campaign_id, now, "schedule")
    except MetaUnavailableError as error:
        log.warning("%s; trying again for %d min", error, _minutes(grace - late))
    except OperatorError as error:
        _back_to_ready(rt, campaign_id, now, campaign.scheduled_at, START_FAILED(why=error.text))


def _is_listening(rt: Runtime) -> bool | None:
    """Whether a consumer of webhook events sends heartbeats; None if Redis cannot be asked."""
    try:
        return lag(rt).is_alive
    except RedisError:
        return None


def _refuse_if_blocked(campaign_id: int, blocking: Sequence[PreflightCheck]) -> None:
    if blocking:
        raise OperatorError(
            "campaign {campaign_id}: {problems}",
            campaign_id=campaign_id,
            problems=" ".join(str(check.text) for check in blocking),
        )


def upload_or_refuse(rt: Runtime, campaign_id: int, now: datetime) -> None:
    """Upload the campaign's media. Raises OperatorError if one is refused, MetaUnavailableError if Meta cannot take it now."""
    try:
        upload_media(rt, campaign_id, now)
    except GraphError as error:
        kind = MetaUnavailableError if error.is_transient else OperatorError
        raise kind(
            "campaign {campaign_id}: its media could not be uploaded: {error}", campaign_id=campaign_id, error=error
        ) from error
    except MediaStoreError as error:
        raise MetaUnavailableError(
            "campaign {campaign_id}: its media could not be read: {error}", campaign_id=campaign_id, error=error
        ) from error


@retry_conflicts
def _back_to_ready(rt: Runtime, campaign_id: int, now: datetime, scheduled_at: datetime, why: Text) -> None:
    with rt.database.write() as session:
        # Only while it is still scheduled for that very moment: an operator may have moved it meanwhile.
        campaign = session.get(Campaign, campaign_id)
        if campaign is None or campaign.scheduled_at != scheduled_at:
            return
        if not try_transition(session, campaign_id, "unschedule", now, note=why.stored()):
            return  # another job started it meanwhile
        record_audit(session, now, "schedule", AuditAction.UNSCHEDULE, "campaign", campaign_id)
    log.warning("campaign %d is ready, not started: %s", campaign_id, why)


def _missed_by(late: timedelta) -> Text:
    minutes = _minutes(late)
    return START_MISSED_MINUTE() if minutes == 1 else START_MISSED(minutes=minutes)


def _minutes(length: timedelta) -> int:
    return max(1, round(length.total_seconds() / 60))
