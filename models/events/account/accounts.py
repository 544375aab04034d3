"""Applies account events (docs/meta.md §7.8): a restriction, a ban or a deletion stops the account's numbers at once."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.campaigns.pause import stop_numbers
from models.events.account.restrictions import Restriction, read_restriction
from models.events.account.update import AccountUpdate, is_newer, meta_enum, meta_enums, operator_text
from models.stored_texts import (
    ACCOUNT_BANNED,
    ACCOUNT_DELETED,
    ACCOUNT_REINSTATED,
    ACCOUNT_REJECTED,
    ACCOUNT_RESTRICTED,
    ACCOUNT_VIOLATION,
    NUMBER_RESTRICTED,
    RESTRICTION_HARMLESS,
)
from models.tables.audit import META, AuditAction
from models.tables.campaign import PauseReason
from models.tables.number import Number, WabaState
from models.text import Text

TERMS_SIGNED, SIGNED = "MM_LITE_TERMS_SIGNED", "TERM_OF_SERVICE_SIGNED"
"""The event that the owner signed the terms of the Marketing Messages API, and the word of Meta's for it."""
READ_NUMBERS_AFTER = frozenset(
    {"ACCOUNT_OFFBOARDED", "ACCOUNT_RECONNECTED", "PARTNER_REMOVED", "PARTNER_APP_UNINSTALLED", "APP_UNINSTALLED"}
)
"""After these events Hark may have lost or regained access to the numbers: each is read from Meta."""


def account_update(session: Session, update: AccountUpdate) -> None:
    """Apply a violation, a restriction, a ban or a deletion. Every event is recorded in the audit."""
    event = update.word("event")
    if event == "ACCOUNT_RESTRICTION":
        _account_restriction(session, update)
        return
    state, detail = _state_after(update, event)
    if state is not None and detail is not None:
        _restrict(session, update, state, detail)
    elif event == "DISABLED_UPDATE":  # reinstated: nothing resumes before the numbers were read from Meta
        _lift_restriction(session, update)
    elif event == TERMS_SIGNED:
        update.waba.marketing_terms = SIGNED
        update.waba.marketing_read_at = None  # the schedule asks Meta whether the account is onboarded now
    elif event in READ_NUMBERS_AFTER:
        update.result.numbers.update(_numbers(session, update))
    update.audit(
        session,
        AuditAction.ACCOUNT_UPDATE,
        "waba",
        update.waba.id,
        event=event,
        detail=detail and detail.stored(),
        said=meta_enums(_info(update)),
    )


def account_review(session: Session, update: AccountUpdate) -> None:
    """Apply the review of the account: a rejected one may not send."""
    decision = update.word("decision")
    if decision == "REJECTED":
        _restrict(session, update, WabaState.RESTRICTED, ACCOUNT_REJECTED())
    elif decision == "APPROVED":
        _lift_restriction(session, update)
    update.audit(session, AuditAction.ACCOUNT_REVIEW, "waba", update.waba.id, decision=decision)


def account_alert(session: Session, update: AccountUpdate) -> None:
    """Record an alert in the audit."""
    info = update.value.get("alert_info")
    words = meta_enums(info) if isinstance(info, dict) else meta_enums(update.value)
    description = operator_text(info.get("alert_description")) if isinstance(info, dict) else ""
    update.audit(session, AuditAction.ACCOUNT_ALERT, "waba", update.waba.id, description=description, said=words)


def _state_after(update: AccountUpdate, event: str) -> tuple[WabaState | None, Text | None]:
    """Return the new state of the account, or None, and the sentence for the operator."""
    if event == "ACCOUNT_VIOLATION":
        return (
            WabaState.RESTRICTED,
            ACCOUNT_VIOLATION(violation=meta_enum(_info(update).get("violation_type")) or "unnamed"),
        )
    if event == "DISABLED_UPDATE":
        ban = meta_enum(_info(update).get("waba_ban_state"))
        date = operator_text(_info(update).get("waba_ban_date"))
        if ban == "REINSTATE":
            return None, ACCOUNT_REINSTATED()
        state = WabaState.RESTRICTED if ban == "SCHEDULE_FOR_DISABLE" else WabaState.DISABLED
        return state, ACCOUNT_BANNED(ban=f"{ban} {date}".strip())
    if event == "ACCOUNT_DELETED":
        return WabaState.DISABLED, ACCOUNT_DELETED()
    return None, None


def _account_restriction(session: Session, update: AccountUpdate) -> None:
    """Apply a restriction, a warning or a lifting. What stops nothing has the numbers read, so that Meta's answer lets go."""
    restriction = read_restriction(update)
    if not restriction.harmful:
        update.result.numbers.update(_numbers(session, update))
        update.result.templates_of.add(update.waba.id)  # utility templates that are suspended become marketing
        detail = RESTRICTION_HARMLESS()
    elif restriction.named:
        detail = NUMBER_RESTRICTED(restrictions=", ".join(restriction.harmful))
        _restrict_number(session, update, restriction, detail)
    else:
        detail = ACCOUNT_RESTRICTED(restrictions=", ".join(restriction.harmful))
        _restrict(session, update, WabaState.RESTRICTED, detail, answers_go_on=restriction.answers_go_on)
    update.audit(
        session,
        AuditAction.ACCOUNT_UPDATE,
        "waba",
        update.waba.id,
        event="ACCOUNT_RESTRICTION",
        detail=detail.stored(),
        number=restriction.named,
        said=meta_enums(_info(update)),
    )


def _restrict_number(session: Session, update: AccountUpdate, restriction: Restriction, detail: Text) -> None:
    """Stop the named number alone.

    An event from before what Meta last told of it, or of a number that is not ours, stops nothing. Of two events of one second, one
    that holds answers holds them.
    """
    numbers = session.scalars(
        select(Number).where(Number.waba_id == update.waba.id).order_by(Number.id).with_for_update(),
        execution_options={"populate_existing": True},
    ).all()
    concerned = restriction.concerned(numbers)
    if not concerned:
        update.result.numbers.update(number.id for number in numbers)
    for number in concerned:
        if number.state_at is not None and update.at < number.state_at:
            update.result.numbers.add(number.id)
            continue
        former = number.stopped_reason if NUMBER_RESTRICTED.is_stored_in(number.stopped_reason) else None
        holds_answers = update.at == number.state_at and former is not None and not number.answers_go_on
        number.state_at = update.at
        session.flush()
        stop_numbers(
            session,
            [number.id],
            PauseReason.NUMBER_RESTRICTED,
            detail,
            update.now,
            META,
            former=former,
            answers_go_on=restriction.answers_go_on and not holds_answers,
        )


def _restrict(
    session: Session, update: AccountUpdate, state: WabaState, detail: Text, *, answers_go_on: bool = False
) -> None:
    waba = update.waba
    is_tie = update.at == waba.state_at and waba.state is not WabaState.DISABLED
    if not (is_newer(update.at, waba.state_at) or is_tie):
        update.result.numbers.update(_numbers(session, update))
        return
    old_reason = waba.state_reason if waba.state is not WabaState.OK else None
    waba.state, waba.state_reason, waba.state_at = state, detail.stored(), update.at
    number_ids = _numbers(session, update)
    holds_answers = is_tie and old_reason is not None and _hold_answers(session, number_ids, old_reason)
    stop_numbers(
        session,
        number_ids,
        PauseReason.NUMBER_RESTRICTED,
        detail,
        update.now,
        META,
        former=old_reason,
        answers_go_on=answers_go_on and not holds_answers,
    )


def _hold_answers(session: Session, number_ids: list[int], reason: str) -> bool:
    """Whether one of the numbers is stopped for this reason, its answers included."""
    is_held = Number.id.in_(number_ids) & (Number.stopped_reason == reason) & Number.answers_go_on.is_not(True)
    return session.scalar(select(Number.id).where(is_held).limit(1)) is not None


def _lift_restriction(session: Session, update: AccountUpdate) -> None:
    if is_newer(update.at, update.waba.state_at):
        update.waba.state_at = update.at  # so that a late, older ban is ignored
        update.result.numbers.update(_numbers(session, update))
        update.result.templates_of.add(update.waba.id)


def _numbers(session: Session, update: AccountUpdate) -> list[int]:
    return list(session.scalars(select(Number.id).where(Number.waba_id == update.waba.id).order_by(Number.id)))


def _info(update: AccountUpdate) -> dict[str, Any]:
    names = ("violation_info", "ban_info", "restriction_info", "volume_tier_info", "partner_info", "waba_info")
    return next((dict(update.value[name]) for name in names if isinstance(update.value.get(name), dict)), {})
