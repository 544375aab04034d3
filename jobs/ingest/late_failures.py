"""Failures of messages that Meta had taken: they come by webhook, and most of a real campaign's do.

They are heeded in the transaction that applies them, so whoever dies leaves either both or neither. What concerns everybody
stops the campaign or the number as the same refusal would have; too many that are alike pause the campaign, judged as a lane
judges its own answers. Both look at rows alone. What was sent before somebody let the campaign go on stops it no more.
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
from models.campaigns.failures import NewFailure, RecentResult, is_any_since, last_resumed_at, recent_results
from models.campaigns.pause import pause_campaign
from models.tables.audit import SENDER
from models.tables.campaign import Campaign, CampaignStatus, PauseReason

log = logging.getLogger("hark.lane")

FRESH = timedelta(minutes=10)
"""A decisive failure that is older stops nothing any more: somebody may have mended what it was about."""
DECISIVE = frozenset({ErrorAction.PAUSE, ErrorAction.STOP})
NO_CODE = "no code"


@dataclass(frozen=True, slots=True)
class _Stood:
    """A campaign as it stood when the failures came."""

    id: int
    number_id: int | None
    is_active: bool
    since: datetime | None


def react_to_failures(session: Session, failures: Sequence[NewFailure], now: datetime) -> None:
    """What follows from new failures, in the caller's transaction, in the order of the campaigns' ids."""
    found: dict[int, list[NewFailure]] = defaultdict(list)
    for failure in failures:
        found[failure.campaign_id].append(failure)
    for campaign_id, of_campaign in sorted(found.items()):
        stood = _stood(session, campaign_id)
        _suppress(session, of_campaign, now)
        if not _heed_decisive(session, stood, of_campaign, now) and stood.is_active:
            _heed_many(session, stood, of_campaign, now)


def _stood(session: Session, campaign_id: int) -> _Stood:
    row = session.execute(select(Campaign.status, Campaign.number_id).where(Campaign.id == campaign_id)).one()
    is_active = row.status is CampaignStatus.ACTIVE
    return _Stood(campaign_id, row.number_id, is_active, last_resumed_at(session, "campaign", campaign_id))


def _rule(code: int) -> ErrorRule:
    """A failure that Meta gives no code for says nothing of the token, which is what the code 0 means in an answer."""
    return rule_for(code) if code else UNKNOWN


def _suppress(session: Session, failures: Sequence[NewFailure], now: datetime) -> None:
    for code in sorted({failure.code for failure in failures}):
        if _rule(code).suppress == "all":  # of marketing alone, models.events.statuses.effects knows
            people = [failure.contact_id for failure in failures if failure.code == code]
            suppress_within(session, people, _rule(code), now)


def _heed_decisive(session: Session, stood: _Stood, failures: Sequence[NewFailure], now: datetime) -> bool:
    """Whether one of them paused the campaign or stopped its number."""
    ids: dict[int, list[int]] = defaultdict(list)
    for failure in failures:
        if _rule(failure.code).action in DECISIVE and now - failure.at <= FRESH:
            ids[failure.code].append(failure.recipient_id)
    for code in sorted(ids):
        rule = _rule(code)
        detail = f"{rule.text} (Meta's error {code}) {rule.advice}".strip()
        if rule.action is ErrorAction.STOP and stood.number_id is not None:
            moments = [
                at for at in (stood.since, last_resumed_at(session, "number", stood.number_id)) if at is not None
            ]
            if _is_new(session, ids[code], max(moments, default=None)):
                stop_within(session, stood.number_id, rule, detail, now)
                return True
        elif stood.is_active and _is_new(session, ids[code], stood.since):
            return _pause(session, stood, rule.reason or PauseReason.FAILURE_RATE, detail, now)
    return False


def _pause(session: Session, stood: _Stood, reason: PauseReason, detail: str, now: datetime) -> bool:
    is_paused = pause_campaign(session, stood.id, reason, detail, now, SENDER)
    if is_paused:
        log.warning("campaign %d paused: %s", stood.id, reason)
    return is_paused


def _is_new(session: Session, recipient_ids: Sequence[int], since: datetime | None) -> bool:
    return since is None or is_any_since(session, recipient_ids, since)


def _heed_many(session: Session, stood: _Stood, failures: Sequence[NewFailure], now: datetime) -> None:
    """Judge the messages around the new failures: around the lowest, the middle and the highest of their ids.

    Failures come some seconds after the sending, early ones before others. Of the newest messages few have failed yet, of the
    oldest that are failing now nearly all that will have.
    """
    ids = sorted(failure.recipient_id for failure in failures if max_failure_share(_kind(failure.code)) is not None)
    if not ids:
        return
    places = [(ids[-1], False), (ids[len(ids) // 2], False), (ids[0], False), (ids[0], True)]
    for recipient_id, is_later in dict.fromkeys(places):
        guard = _judged(recent_results(session, stood.id, recipient_id, stood.since, WINDOW, is_later=is_later))
        kind = guard.worst()
        if kind is not None:
            _pause(session, stood, PauseReason.FAILURE_RATE, guard.explain(kind), now)
            return


def _judged(window: Sequence[RecentResult]) -> FailureGuard:
    guard = FailureGuard()
    for fate in window:
        guard.add(_kind(fate.code) if fate.has_failed else "", fate.said)
    return guard


def _kind(code: int) -> str:
    return str(code) if code else NO_CODE
