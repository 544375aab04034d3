"""Every way to pause a campaign, each with the same columns and the same line in the audit; and what stops a number.

Whoever pauses calls `pause_campaign` in a transaction of theirs: operators, the sender, the monitor, the budget, and what Meta says
of a template, a number or an account.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select, true, update
from sqlalchemy.orm import Session

from models.billing.balance import ACTOR, is_used_up, read_balance
from models.tables.audit import META, AuditAction, record_audit
from models.tables.campaign import Campaign, CampaignStatus, PauseReason, try_transition
from models.tables.number import Number, Waba, WabaState

MARGIN = timedelta(minutes=5)
"""A reading may not know yet what happened just before it was asked for: what an event says of that time still counts."""


def pause_campaign(
    session: Session,
    campaign_id: int,
    reason: PauseReason,
    detail: str | None,
    now: datetime,
    actor: str,
    *,
    resumes_at: datetime | None = None,
) -> bool:
    """Pause one campaign, with a line in the audit; False if it was not active any more.

    `detail` is the sentence for the operator; None where an operator paused it. With `resumes_at` it goes on by itself then.
    """
    is_paused = try_transition(
        session,
        campaign_id,
        "pause",
        now,
        pause_reason=reason,
        pause_detail=detail,
        paused_at=now,
        resumes_at=resumes_at,
    )
    if is_paused:
        about = {"reason": reason.value} | ({"detail": detail} if detail else {})
        record_audit(session, now, actor, AuditAction.PAUSE, "campaign", campaign_id, **about)
    return is_paused


def pause_campaigns(
    session: Session, which: Any, reason: PauseReason, detail: str, now: datetime, actor: str
) -> list[int]:
    """Pause the active campaigns that `which` (a condition) selects, in the order of their ids; the ids of those that were."""
    active = session.scalars(
        select(Campaign.id).where(which, Campaign.status == CampaignStatus.ACTIVE).order_by(Campaign.id)
    ).all()
    return [campaign_id for campaign_id in active if pause_campaign(session, campaign_id, reason, detail, now, actor)]


def pause_for_template(
    session: Session, template_id: int, reason: PauseReason, detail: str, now: datetime
) -> list[int]:
    """Pause every active campaign that sends this template."""
    return pause_campaigns(session, Campaign.template_id == template_id, reason, detail, now, META)


class StopResult(NamedTuple):
    """The ids of the numbers that were not stopped before, and of the campaigns that this paused."""

    number_ids: list[int]
    campaign_ids: list[int]


def stop_numbers(
    session: Session,
    number_ids: Sequence[int],
    reason: PauseReason,
    detail: str,
    now: datetime,
    actor: str,
    *,
    former: str | None = None,
) -> StopResult:
    """Stop these numbers, replies and all, with a line in the audit for each, and pause their campaigns.

    Those that are stopped for the `former` detail are stopped for this one from now on: what lifts it lifts them too.
    """
    if former is not None:
        session.execute(
            update(Number)
            .where(Number.id.in_(number_ids), Number.stopped_reason == former)
            .values(stopped_reason=detail)
            .execution_options(synchronize_session=False)
        )
    stopped = session.scalars(
        update(Number)
        .where(Number.id.in_(number_ids), Number.stopped_at.is_(None))
        .values(stopped_at=now, stopped_reason=detail)
        .returning(Number.id)
        .execution_options(synchronize_session=False)
    ).all()
    for number_id in sorted(stopped):
        record_audit(session, now, actor, AuditAction.STOP, "number", number_id, reason=reason.value, detail=detail)
    paused = pause_campaigns(session, Campaign.number_id.in_(number_ids), reason, detail, now, actor)
    return StopResult(sorted(stopped), paused)


def lift_account(session: Session, waba: Waba, asked_at: datetime, now: datetime) -> bool:
    """Meta, asked by a GET at that time, says that the account may send; False where nothing was lifted.

    `waba` is locked and fresh: what an event said after the question stays, and what it said long before it is over. The
    numbers go on if the account is what stopped them. Its campaigns stay paused: going on is for whoever looks at them.
    """
    if waba.state_at is not None and waba.state_at > asked_at:
        return False
    waba.state_at = max(waba.state_at or asked_at - MARGIN, asked_at - MARGIN)
    if waba.state is WabaState.OK:
        return False
    reason = waba.state_reason
    waba.state, waba.state_reason = WabaState.OK, None
    session.execute(
        update(Number)
        .where(Number.waba_id == waba.id, Number.stopped_reason == reason)
        .values(stopped_at=None, stopped_reason=None)
    )
    record_audit(session, now, META, AuditAction.ACCOUNT_RELEASED, "waba", waba.id, was=reason)
    return True


def pause_overspent(session: Session, now: datetime, look_seconds: float) -> list[int]:
    """Pause what runs once the balance is used up; the ids of the campaigns.

    More may be held back than there is: the balance was lowered, or Meta bills another category. Then the campaigns go on until
    what is charged and what has left reaches the balance, less what leaves before the next look at their pace.
    """
    balance = read_balance(session)
    if balance is None or not is_used_up(session, balance, look_seconds):
        return []
    detail = f"The balance of {balance.show(balance.amount)} is used up. Raise it, then resume."
    return pause_campaigns(session, true(), PauseReason.BUDGET, detail, now, ACTOR)
