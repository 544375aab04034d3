"""Schedules campaigns, changes when they end and sends tests of them, for panel, commands, API and MCP.

Start, pause, resume and end are in jobs.campaigns, since the chat and the schedule call them too. Each function that changes a
campaign raises CampaignNotFoundError if there is none, and TransitionError if its state does not allow the change.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations.campaigns import COPIED_COLUMNS
from jobs.campaigns.start import start_campaign
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.restore.watch import hold_if_restored, keep_epoch
from models.campaigns.missing import missing_parts, refuse_draft, shown_parts
from models.clock import utcnow
from models.contacts.lookup import ContactNotFoundError, require_contact_with_phone
from models.contacts.phone import NotAPhoneError, mask_phone
from models.errors import OperatorError
from models.restore.release import check_start
from models.sending.epoch import raise_epoch
from models.tables.audit import AuditAction, record_audit
from models.tables.campaign import (
    ENDS_AFTER,
    LIVE,
    Campaign,
    CampaignKind,
    CampaignStatus,
    TransitionError,
    get_campaign,
    transition,
)

MAX_TEST_PHONES = 20
MAX_DAYS = 366


@retry_conflicts
def schedule_campaign(rt: Runtime, campaign_id: int, at: datetime, per_hour: float | None, actor: str) -> datetime:
    """Schedule the start at `at`, with the pace `per_hour` if given; return the time in UTC.

    Raises OperatorError if `at` has no offset, is past or too far ahead, or the pace is out of range.
    """
    if at.tzinfo is None:
        raise OperatorError(
            "at={at}: the offset is missing; allowed is such as 2026-11-22T10:00:00+01:00", at=at.isoformat()
        )
    if per_hour is not None and not 0 < per_hour <= 3_600_000:
        raise OperatorError("per-hour={per_hour:g}: allowed is a pace above 0, at most 3600000", per_hour=per_hour)
    at, now = at.astimezone(UTC), utcnow()
    if at <= now:
        raise OperatorError("at={at}: allowed is a time that is still to come", at=at.isoformat())
    if (at - now).days > MAX_DAYS:
        raise OperatorError("at={at}: allowed is a time within {max_days} days", at=at.isoformat(), max_days=MAX_DAYS)
    pace = {} if per_hour is None else {"pace_per_hour": float(per_hour), "pace_per_second": None}
    with suppress(RedisError):  # the lane looks again, before it claims anybody
        hold_if_restored(rt, now)
    with rt.database.write() as session:
        check_start(session, campaign_id, is_after_restore=False)
        refuse_draft(session, campaign_id)
        transition(session, campaign_id, "schedule", now, scheduled_at=at, note=None, **pace)
        record_audit(session, now, actor, AuditAction.SCHEDULE, "campaign", campaign_id, at=at.isoformat())
        epoch = raise_epoch(session)
    keep_epoch(rt, epoch)
    return at


@retry_conflicts
def unschedule_campaign(rt: Runtime, campaign_id: int, actor: str) -> None:
    """Cancel the schedule: the campaign is ready again."""
    now = utcnow()
    with rt.database.write() as session:
        transition(session, campaign_id, "unschedule", now, scheduled_at=None)
        record_audit(session, now, actor, AuditAction.UNSCHEDULE, "campaign", campaign_id)


@retry_conflicts
def change_end(rt: Runtime, campaign_id: int, ends_after_seconds: int, actor: str) -> None:
    """Set how long after its last message it ends by itself; allowed while it runs.

    Raises OperatorError if the time is not between one minute and a year.
    """
    if not 60 <= ends_after_seconds <= 366 * 86_400:
        raise OperatorError(
            "ends_after_seconds={ends_after_seconds}: allowed are one minute to a year",
            ends_after_seconds=ends_after_seconds,
        )
    now = utcnow()
    with rt.database.write() as session:
        campaign = get_campaign(session, campaign_id)
        if campaign.status is CampaignStatus.ENDED:
            raise TransitionError("campaign {campaign_id}: it has ended", campaign_id=campaign_id)
        campaign.ends_after_seconds, campaign.updated_at = ends_after_seconds, now
        record_audit(session, now, actor, AuditAction.CHANGE_END, "campaign", campaign_id, seconds=ends_after_seconds)


def send_test(rt: Runtime, campaign_id: int, phones: Sequence[str], actor: str) -> int:
    """Send the campaign to these contacts as a separate test campaign, on the same path; return the test's id.

    Raises OperatorError if a phone belongs to no contact or the preflight blocks the test, which is then deleted again.
    """
    test_id = create_test(rt, campaign_id, phones, actor)
    try:
        start_campaign(rt, test_id, utcnow(), actor)
    except OperatorError:
        _delete_test(rt, test_id)
        raise
    return test_id


@retry_conflicts
def _delete_test(rt: Runtime, test_id: int) -> None:
    with rt.database.write() as session:
        session.get_one(Campaign, test_id).deleted_at = utcnow()


@retry_conflicts
def create_test(rt: Runtime, campaign_id: int, phones: Sequence[str], actor: str) -> int:
    """Create a test campaign to these contacts, ready to start; return its id.

    Raises OperatorError if a phone belongs to no contact or the campaign is not complete.
    """
    now = utcnow()
    if not 1 <= len(phones) <= MAX_TEST_PHONES:
        raise OperatorError("to: allowed are 1 to {max_test_phones} phones", max_test_phones=MAX_TEST_PHONES)
    with rt.database.write() as session:
        original = get_campaign(session, campaign_id)
        contact_phones = [_phone_of_contact(rt, session, phone) for phone in phones]
        test = Campaign(
            name=original.name or f"Campaign {campaign_id}",
            kind=CampaignKind.TEST,
            tests_id=campaign_id if original.kind is CampaignKind.REAL else original.tests_id,
            audience={"include": [{"contact": phone} for phone in dict.fromkeys(contact_phones)]},
            ends_after_seconds=int(ENDS_AFTER[CampaignKind.TEST].total_seconds()),
            created_by=actor,
            created_at=now,
            updated_at=now,
            **{name: getattr(original, name) for name in COPIED_COLUMNS},
        )
        if missing := missing_parts(session, test):
            raise OperatorError(
                "campaign {campaign_id}: it is not complete: {missing}",
                campaign_id=campaign_id,
                missing=shown_parts(missing),
            )
        test.status = CampaignStatus.READY
        session.add(test)
        session.flush()
        record_audit(session, now, actor, AuditAction.TEST, "campaign", campaign_id, test=test.id)
        return test.id


def tests_of(rt: Runtime, campaign_id: int) -> list[int]:
    """The ids of a campaign's running tests. The panel offers to end them before a start, since they occupy their contacts."""
    with rt.database.read() as session:
        return list(
            session.scalars(
                select(Campaign.id).where(
                    Campaign.tests_id == campaign_id,
                    Campaign.status.in_(LIVE),
                    Campaign.deleted_at.is_(None),
                )
            )
        )


def _phone_of_contact(rt: Runtime, session: Session, phone: str) -> str:
    try:
        contact = require_contact_with_phone(session, phone, rt.settings.default_country)
    except NotAPhoneError as error:
        raise OperatorError("to: {error}", error=error) from None
    except ContactNotFoundError as error:
        raise OperatorError("to: {error}; a test goes to contacts alone", error=error) from None
    if contact.phone is None:
        raise OperatorError(
            "to={mask_phone}: this contact's phone cannot be written to ({phone_problem})",
            mask_phone=mask_phone(phone),
            phone_problem=contact.phone_problem,
        )
    return contact.phone
