"""Pauses campaigns and stops numbers, always with the same columns and the same line in the audit.

Operators, the sender, the monitor, the budget and the handlers of Meta's account webhooks all call `pause_campaign`, each in its
own transaction.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select, true, update
from sqlalchemy.orm import Session

from models.billing.balance import ACTOR, is_used_up, read_balance
from models.stored_texts import BALANCE_USED, NUMBER_RESTRICTED
from models.tables.audit import META, AuditAction, record_audit
from models.tables.campaign import Campaign, CampaignStatus, PauseReason, try_transition
from models.tables.number import Number, Waba, WabaState
from models.text import Text

MARGIN = timedelta(minutes=5)
"""A GET may not show yet what happened just before it, so an event of that time still counts."""


def pause_campaign(
    session: Session,
    campaign_id: int,
    reason: PauseReason,
    detail: Text | None,
    now: datetime,
    actor: str,
    *,
    resumes_at: datetime | None = None,
) -> bool:
    """Pause one campaign, with a line in the audit. False if it was not active.

    `detail` is the sentence for the operator, stored by its key; None if an operator paused it. At `resumes_at` the monitor
    resumes it.
    """
    stored_detail = None if detail is None else detail.stored()
    is_paused = try_transition(
        session,
        campaign_id,
        "pause",
        now,
        pause_reason=reason,
        pause_detail=stored_detail,
        paused_at=now,
        resumes_at=resumes_at,
    )
    if is_paused:
        about = {"reason": reason.value} | ({"detail": stored_detail} if stored_detail else {})
        record_audit(session, now, actor, AuditAction.PAUSE, "campaign", campaign_id, **about)
    return is_paused


def pause_campaigns(
    session: Session, which: Any, reason: PauseReason, detail: Text, now: datetime, actor: str
) -> list[int]:
    """Pause the active campaigns that the SQL condition `which` selects, in the order of their ids; returns the paused ids."""
    active_ids = session.scalars(
        select(Campaign.id).where(which, Campaign.status == CampaignStatus.ACTIVE).order_by(Campaign.id)
    ).all()
    return [
        campaign_id for campaign_id in active_ids if pause_campaign(session, campaign_id, reason, detail, now, actor)
    ]


class StopResult(NamedTuple):
    """The ids of the numbers that were not stopped before, and of the campaigns that this paused."""

    number_ids: list[int]
    campaign_ids: list[int]


def stop_numbers(
    session: Session,
    number_ids: Sequence[int],
    reason: PauseReason,
    detail: Text,
    now: datetime,
    actor: str,
    *,
    former: str | None = None,
    answers_go_on: bool = False,
) -> StopResult:
    """Stop these numbers, with a line in the audit for each, and pause their campaigns.

    Answers stop as well unless `answers_go_on`. Numbers that are stopped already with the stored detail `former` get the new
    detail, so that they start again together with the others.
    """
    stored_detail = detail.stored()
    if former is not None:
        session.execute(
            update(Number)
            .where(Number.id.in_(number_ids), Number.stopped_reason == former)
            .values(stopped_reason=stored_detail, answers_go_on=answers_go_on)
            .execution_options(synchronize_session=False)
        )
    is_running: ColumnElement[bool] = Number.stopped_at.is_(None)
    if not answers_go_on:
        is_running |= Number.answers_go_on.is_(True) & (Number.stopped_reason != stored_detail)
    stopped_ids = session.scalars(
        update(Number)
        .where(Number.id.in_(number_ids), is_running)
        .values(stopped_at=now, stopped_reason=stored_detail, answers_go_on=answers_go_on)
        .returning(Number.id)
        .execution_options(synchronize_session=False)
    ).all()
    for number_id in sorted(stopped_ids):
        record_audit(
            session, now, actor, AuditAction.STOP, "number", number_id, reason=reason.value, detail=stored_detail
        )
    paused_ids = pause_campaigns(session, Campaign.number_id.in_(number_ids), reason, detail, now, actor)
    return StopResult(sorted(stopped_ids), paused_ids)


def lift_account(session: Session, waba: Waba, asked_at: datetime, now: datetime) -> bool:
    """Lift the restriction of an account that may send again by Meta's answer to a GET at `asked_at`. False if none was lifted.

    The caller has locked `waba` and read it fresh. An event after `asked_at` stays valid, one from before it (less MARGIN) does
    not. Numbers that the account's restriction stopped start again; its campaigns stay paused until an operator resumes them.
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


def lift_number(session: Session, number: Number, asked_at: datetime, now: datetime) -> bool:
    """Lift the restriction of one number that may send again by Meta's answer to a GET at `asked_at`. False if none was lifted.

    The caller has locked the number's account. The times count as in `lift_account`.
    """
    if number.state_at is not None and number.state_at > asked_at:
        return False
    number.state_at = max(number.state_at or asked_at - MARGIN, asked_at - MARGIN)
    if not NUMBER_RESTRICTED.is_stored_in(number.stopped_reason):
        return False
    reason, number.stopped_at, number.stopped_reason = number.stopped_reason, None, None
    record_audit(session, now, META, AuditAction.RESUME, "number", number.id, was=reason)
    return True


def pause_overspent(session: Session, now: datetime, look_seconds: float) -> list[int]:
    """Pause all active campaigns once the balance is used up; returns the paused ids.

    The reserved amount can exceed the balance if the balance was lowered or Meta bills another category. Then the campaigns
    continue until the price of charged and sent messages reaches the balance, less what they send in `look_seconds`, the time
    until the next check, at their pace.
    """
    balance = read_balance(session)
    if balance is None or not is_used_up(session, balance, look_seconds):
        return []
    detail = BALANCE_USED(balance=balance.show(balance.amount))
    return pause_campaigns(session, true(), PauseReason.BUDGET, detail, now, ACTOR)
