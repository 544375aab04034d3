"""Queues what may be tried again, slice by slice: `try_again` for an operator, `queue_by_rules` for the schedule.

Each slice is a transaction of its own. A process that dies in between has queued a part; the next call does the rest.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select

from bot.meta.error_codes import TEMPORARY
from jobs.core.clock_check import may_take_irreversible_steps
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.core.shutdown import SHUTDOWN
from models.campaigns.unsure import resend_unsure
from models.clock import utcnow
from models.errors import OperatorError
from models.retry.due import RetryFigures, has_due, retry_figures
from models.retry.queue import QueuedSlice, queue_slice
from models.retry.rule import has_rule_now
from models.tables.audit import MONITOR, AuditAction, record_audit
from models.tables.campaign import LIVE, Campaign, get_campaign
from models.tables.recipient import NotSent
from models.text import Text

log = logging.getLogger("hark.monitor")

ROUND_SLICES = 40
"""Slices of one campaign that one round of the schedule queues at most: others have their turn."""


@dataclass(slots=True)
class Retried:
    """What a call did. `left_out`: people who may not be written to now, by reason. `shortage`: the balance stopped it."""

    queued: int = 0
    left_out: Counter[NotSent] = field(default_factory=Counter)
    waiting: int = 0
    """People whose wait is not over."""
    shortage: Text | None = None

    def sentences(self) -> list[str]:
        """What happened, for the operator."""
        lines = [Text("{queued} queued once more.", {"queued": self.queued}).translated()]
        if people := self.left_out.total():
            template = "{people} may not be written to now: their consent, an open case, the frequency cap or another campaign."
            lines.append(Text(template, {"people": people}).translated())
        if self.waiting:
            template = "{people} wait: they failed too recently."
            lines.append(Text(template, {"people": self.waiting}).translated())
        if self.shortage is not None:
            lines.append(Text("Then it stopped: {shortage}", {"shortage": self.shortage}).translated())
        return lines


def retry_counts(rt: Runtime, campaign_id: int) -> RetryFigures:
    """How many temporary failures of the campaign are due now, and how many wait."""
    with rt.database.read() as session:
        return retry_figures(session, campaign_id, TEMPORARY, utcnow())


def try_again(rt: Runtime, campaign_id: int, actor: str, *, only: str = "temporary") -> Retried:
    """Queue the campaign's temporary failures that are due, or with `only="unsure"` the unsure messages, once more.

    Raises OperatorError if the campaign is neither active nor paused, or the balance covers nobody.
    """
    now = utcnow()
    with rt.database.read() as session:
        _check_running(get_campaign(session, campaign_id))
    if only == "unsure":
        return Retried(queued=_resend(rt, campaign_id, now, actor))
    result = _queue(rt, campaign_id, now, actor, lambda: False)
    if result.shortage is not None and not result.queued:
        raise OperatorError("campaign {campaign_id}: {shortage}", campaign_id=campaign_id, shortage=result.shortage)
    result.waiting = retry_counts(rt, campaign_id).waiting
    return result


def queue_by_rules(rt: Runtime, now: datetime) -> None:
    """Queue what the rules of the running campaigns allow now. A clock that is wrong queues nobody too early."""
    with rt.database.read() as session:
        query = select(Campaign).where(
            Campaign.status.in_(LIVE), Campaign.retry.is_not(None), Campaign.deleted_at.is_(None)
        )
        running = [
            campaign.id for campaign in session.scalars(query.order_by(Campaign.id)) if has_rule_now(campaign, now)
        ]
        due = [campaign_id for campaign_id in running if has_due(session, campaign_id, TEMPORARY, now)]
    if not due or not may_take_irreversible_steps(rt):
        return
    for campaign_id in due:
        result = _queue(rt, campaign_id, now, MONITOR, SHUTDOWN.is_set, by_rule=True)
        if result.queued:
            log.info("campaign %d: %d people are tried again", campaign_id, result.queued)
        if result.shortage is not None:
            log.warning("campaign %d: the balance does not cover another try", campaign_id)


def _queue(
    rt: Runtime, campaign_id: int, now: datetime, actor: str, is_stopped: Callable[[], bool], *, by_rule: bool = False
) -> Retried:
    result, after_id = Retried(), 0
    slices = 0
    while not is_stopped() and not (by_rule and slices >= ROUND_SLICES):
        one = _queue_slice(rt, campaign_id, now, actor, after_id, by_rule)
        slices += 1
        result.queued += one.queued
        result.left_out += one.left_out
        result.shortage = one.shortage
        if one.last_id is None:
            break
        after_id = one.last_id
    return result


@retry_conflicts
def _queue_slice(rt: Runtime, campaign_id: int, now: datetime, actor: str, after_id: int, by_rule: bool) -> QueuedSlice:
    with rt.database.write() as session:
        campaign = session.get(Campaign, campaign_id)
        if by_rule and (campaign is None or not has_rule_now(campaign, now)):
            return QueuedSlice(is_running=False)
        one = queue_slice(
            session,
            campaign_id,
            TEMPORARY,
            now,
            after_id=after_id,
            by_rule=by_rule,
            person_hashes=rt.vault.person_hashes,
        )
        if one.queued:
            record_audit(session, now, actor, AuditAction.RETRY, "campaign", campaign_id, count=one.queued)
        return one


@retry_conflicts
def _resend(rt: Runtime, campaign_id: int, now: datetime, actor: str) -> int:
    with rt.database.write() as session:
        return resend_unsure(session, campaign_id, None, now, actor)


def _check_running(campaign: Campaign) -> None:
    if campaign.status not in LIVE:
        raise OperatorError(
            "campaign {campaign_id}: it is {status}; trying again is possible from: {allowed}",
            campaign_id=campaign.id,
            status=campaign.status,
            allowed=", ".join(LIVE),
        )
