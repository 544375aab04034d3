"""Reacts to failures of accepted messages, which Meta reports by webhook; most failures of a real campaign are such.

It runs in the transaction that applies the failures, so after a crash either both are done or neither. An error that concerns
every message stops the campaign or the number as the same refusal of a send would; too many equal failures pause the campaign,
judged as a lane judges its own results. Both use the database alone. Messages from before the campaign was last resumed do not
pause it again.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.meta.error_codes import UNKNOWN, ErrorAction, ErrorRule, rule_for
from jobs.sending.effects import stop_within, suppress_within
from jobs.sending.failure_rate import WINDOW, FailureGuard, max_failure_share
from models.campaigns.cohort_pause import OF_TEMPLATE, pause_for_cohort
from models.campaigns.failures import NewFailure, RecentResult, is_any_since, last_resumed_at, recent_results
from models.campaigns.pause import pause_campaign
from models.stored_texts import DECISIVE_REPORT
from models.tables.audit import SENDER
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.recipient import Recipient
from models.text import Text

log = logging.getLogger("hark.lane")

FRESH = timedelta(minutes=10)
"""An older decisive failure does not stop anything: its cause may be solved by now."""
DECISIVE = frozenset({ErrorAction.PAUSE, ErrorAction.STOP})
NO_CODE = "no code"


@dataclass(frozen=True, slots=True)
class _CampaignState:
    """The campaign's state when the failures came. `since`: when it was last resumed. `is_plain`: everybody gets the same."""

    id: int
    number_id: int | None
    is_active: bool
    since: datetime | None
    is_plain: bool

    def counts(self, code: int) -> bool:
        """Whether a failure says something about the whole campaign: the template of one of several languages does not."""
        return self.is_plain or _rule(code).reason not in OF_TEMPLATE


def react_to_failures(session: Session, failures: Sequence[NewFailure], now: datetime) -> None:
    """React to new failures, in the caller's transaction, in the order of the campaigns' ids."""
    by_campaign: dict[int, list[NewFailure]] = defaultdict(list)
    for failure in failures:
        by_campaign[failure.campaign_id].append(failure)
    for campaign_id, of_campaign in sorted(by_campaign.items()):
        campaign = _campaign_state(session, campaign_id)
        _suppress(session, of_campaign, now)
        if not _stop_if_decisive(session, campaign, of_campaign, now) and campaign.is_active:
            _pause_if_too_many(session, campaign, of_campaign, now)


def _campaign_state(session: Session, campaign_id: int) -> _CampaignState:
    query = select(Campaign.status, Campaign.number_id, Campaign.languages).where(Campaign.id == campaign_id)
    row = session.execute(query).one()
    is_active, since = row.status is CampaignStatus.ACTIVE, last_resumed_at(session, "campaign", campaign_id)
    return _CampaignState(campaign_id, row.number_id, is_active, since, is_plain=row.languages is None)


def _rule(code: int) -> ErrorRule:
    """The rule of a code. A failure without a code has 0 here; in an answer 0 would mean an invalid token, so it is UNKNOWN."""
    return rule_for(code) if code else UNKNOWN


def _suppress(session: Session, failures: Sequence[NewFailure], now: datetime) -> None:
    for code in sorted({failure.code for failure in failures}):
        if _rule(code).suppress == "all":  # models.events.statuses.effects handles those of marketing alone
            people = [failure.contact_id for failure in failures if failure.code == code]
            suppress_within(session, people, _rule(code), now)


def _stop_if_decisive(
    session: Session, campaign: _CampaignState, failures: Sequence[NewFailure], now: datetime
) -> bool:
    """Pause the campaign or stop its number for a decisive failure; True if one did."""
    ids: dict[int, list[int]] = defaultdict(list)
    for failure in failures:
        if _rule(failure.code).action in DECISIVE and now - failure.at <= FRESH:
            ids[failure.code].append(failure.recipient_id)
    for code in sorted(ids):
        rule = _rule(code)
        detail = DECISIVE_REPORT(text=Text(rule.text), code=code, advice=Text(rule.advice))
        if rule.action is ErrorAction.STOP and campaign.number_id is not None:
            resumed_at = [
                at for at in (campaign.since, last_resumed_at(session, "number", campaign.number_id)) if at is not None
            ]
            if _is_new(session, ids[code], max(resumed_at, default=None)):
                stop_within(session, campaign.number_id, rule, detail, now)
                return True
        elif campaign.is_active and _is_new(session, ids[code], campaign.since):
            seconds = rule.pause_seconds
            resumes_at = now + timedelta(seconds=seconds) if seconds else None
            reason = rule.reason or PauseReason.FAILURE_RATE
            if reason not in OF_TEMPLATE:
                return _pause(session, campaign, reason, detail, now, resumes_at)
            if _pause_cohorts(session, campaign, ids[code], reason, detail, now, resumes_at):
                return True
    return False


def _pause_cohorts(
    session: Session,
    campaign: _CampaignState,
    recipient_ids: Sequence[int],
    reason: PauseReason,
    detail: Text,
    now: datetime,
    resumes_at: datetime | None,
) -> bool:
    """Pause the cohorts of these recipients, or the campaign where everybody gets the same; True if one was paused."""
    has_paused = False
    by_cohort: dict[int | None, list[int]] = defaultdict(list)
    query = select(Recipient.cohort_id, Recipient.id).where(Recipient.id.in_(recipient_ids))
    for cohort_id, recipient_id in session.execute(query):
        by_cohort[cohort_id].append(recipient_id)
    for cohort_id in sorted(by_cohort, key=lambda key: key or 0):
        if cohort_id is None:
            has_paused |= _pause(session, campaign, reason, detail, now, resumes_at)
        elif _is_new(session, by_cohort[cohort_id], last_resumed_at(session, "cohort", cohort_id)) and pause_for_cohort(
            session, cohort_id, reason, detail, now, SENDER, resumes_at=resumes_at
        ):
            log.warning("cohort %d of campaign %d paused: %s", cohort_id, campaign.id, reason)
            has_paused = True
    return has_paused


def _pause(
    session: Session,
    campaign: _CampaignState,
    reason: PauseReason,
    detail: Text,
    now: datetime,
    resumes_at: datetime | None = None,
) -> bool:
    is_paused = pause_campaign(session, campaign.id, reason, detail, now, SENDER, resumes_at=resumes_at)
    if is_paused:
        log.warning("campaign %d paused: %s", campaign.id, reason)
    return is_paused


def _is_new(session: Session, recipient_ids: Sequence[int], since: datetime | None) -> bool:
    return since is None or is_any_since(session, recipient_ids, since)


def _pause_if_too_many(
    session: Session, campaign: _CampaignState, failures: Sequence[NewFailure], now: datetime
) -> None:
    """Judge the messages around the new failures: around the lowest, the middle and the highest of their ids.

    Failures come some seconds after the send, some earlier than others. Of the newest messages few have failed yet; of the oldest
    that are failing now, nearly all that will fail have failed.
    """
    ids = sorted(
        failure.recipient_id
        for failure in failures
        if max_failure_share(_kind(failure.code)) is not None and campaign.counts(failure.code)
    )
    if not ids:
        return
    anchors = [(ids[-1], False), (ids[len(ids) // 2], False), (ids[0], False), (ids[0], True)]
    for recipient_id, is_later in dict.fromkeys(anchors):
        recent = recent_results(session, campaign.id, recipient_id, campaign.since, WINDOW, is_later=is_later)
        guard = _guard_of([result for result in recent if campaign.counts(result.code)])
        kind = guard.worst()
        if kind is not None:
            _pause(session, campaign, PauseReason.FAILURE_RATE, guard.explain(kind), now)
            return


def _guard_of(window: Sequence[RecentResult]) -> FailureGuard:
    guard = FailureGuard()
    for result in window:
        guard.add(_kind(result.code) if result.has_failed else "", result.said)
    return guard


def _kind(code: int) -> str:
    return str(code) if code else NO_CODE
