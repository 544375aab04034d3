"""What Meta says about an account (meta-cloud-api.md 7.8): what takes it away stops its numbers at once."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.campaigns.pause import stop_numbers
from models.events.account.update import AccountUpdate, is_newer, meta_enum, meta_enums, moment_of, operator_text
from models.stored_texts import (
    ACCOUNT_BANNED,
    ACCOUNT_DELETED,
    ACCOUNT_REINSTATED,
    ACCOUNT_REJECTED,
    ACCOUNT_RESTRICTED,
    ACCOUNT_VIOLATION,
    RESTRICTION_HARMLESS,
)
from models.tables.audit import META, AuditAction
from models.tables.campaign import PauseReason
from models.tables.number import Number, WabaState
from models.text import Text

HARMLESS = frozenset({"RESTRICTED_ADD_PHONE_NUMBER_ACTION"})
"""Restrictions that do not touch messages."""
ASKED_AGAIN = frozenset(
    {"ACCOUNT_OFFBOARDED", "ACCOUNT_RECONNECTED", "PARTNER_REMOVED", "PARTNER_APP_UNINSTALLED", "APP_UNINSTALLED"}
)
"""After these our numbers may be out of reach, or in reach again: Meta is asked about each."""


def account_update(session: Session, told: AccountUpdate) -> None:
    """A violation, a restriction, a ban, the end of the account; anything else is a line in the audit."""
    event = told.word("event")
    state, detail = _judge(told, event)
    if state is not None and detail is not None:
        _take_away(session, told, state, detail)
    elif event == "DISABLED_UPDATE":  # reinstated: the numbers are read again, and nothing resumes before
        _give_back(session, told)
    elif event in ASKED_AGAIN:
        told.result.numbers.update(_numbers(session, told))
    told.audit(
        session,
        AuditAction.ACCOUNT_UPDATE,
        "waba",
        told.waba.id,
        event=event,
        detail=detail and detail.stored(),
        said=meta_enums(_info(told)),
    )


def account_review(session: Session, told: AccountUpdate) -> None:
    """The review of the account: one that was rejected may not send."""
    decision = told.word("decision")
    if decision == "REJECTED":
        _take_away(session, told, WabaState.RESTRICTED, ACCOUNT_REJECTED())
    elif decision == "APPROVED":
        _give_back(session, told)
    told.audit(session, AuditAction.ACCOUNT_REVIEW, "waba", told.waba.id, decision=decision)


def account_alert(session: Session, told: AccountUpdate) -> None:
    """Something that an operator should read."""
    info = told.value.get("alert_info")
    said = meta_enums(info) if isinstance(info, dict) else meta_enums(told.value)
    description = operator_text(info.get("alert_description")) if isinstance(info, dict) else ""
    told.audit(session, AuditAction.ACCOUNT_ALERT, "waba", told.waba.id, description=description, said=said)


def _judge(told: AccountUpdate, event: str) -> tuple[WabaState | None, Text | None]:
    """What the account becomes, if anything, and the sentence for the operator."""
    if event == "ACCOUNT_VIOLATION":
        return (
            WabaState.RESTRICTED,
            ACCOUNT_VIOLATION(violation=meta_enum(_info(told).get("violation_type")) or "unnamed"),
        )
    if event == "ACCOUNT_RESTRICTION":
        return _judge_restriction(told)
    if event == "DISABLED_UPDATE":
        ban = meta_enum(_info(told).get("waba_ban_state"))
        date = operator_text(_info(told).get("waba_ban_date"))
        if ban == "REINSTATE":
            return None, ACCOUNT_REINSTATED()
        state = WabaState.RESTRICTED if ban == "SCHEDULE_FOR_DISABLE" else WabaState.DISABLED
        return state, ACCOUNT_BANNED(ban=f"{ban} {date}".strip())
    if event == "ACCOUNT_DELETED":
        return WabaState.DISABLED, ACCOUNT_DELETED()
    return None, None


def _judge_restriction(told: AccountUpdate) -> tuple[WabaState, Text] | tuple[None, Text]:
    given = told.value.get("restriction_info")
    restrictions = [item for item in (given if isinstance(given, list) else [given]) if isinstance(item, dict)]
    harmful = []
    for item in restrictions:
        kind = meta_enum(item.get("restriction_type")) or "UNNAMED"
        until = moment_of(item.get("expiration"))
        if kind not in HARMLESS and (until is None or until > told.now):
            harmful.append(f"{kind} until {until:%Y-%m-%d %H:%M} UTC" if until else kind)
    if restrictions and not harmful:
        return None, RESTRICTION_HARMLESS()
    return WabaState.RESTRICTED, ACCOUNT_RESTRICTED(restrictions=", ".join(harmful) or "unnamed")


def _take_away(session: Session, told: AccountUpdate, state: WabaState, detail: Text) -> None:
    waba = told.waba
    is_tie = told.at == waba.state_at and waba.state is not WabaState.DISABLED
    if not (is_newer(told.at, waba.state_at) or is_tie):
        told.result.numbers.update(_numbers(session, told))
        return
    former = waba.state_reason if waba.state is not WabaState.OK else None
    waba.state, waba.state_reason, waba.state_at = state, detail.stored(), told.at
    stop_numbers(session, _numbers(session, told), PauseReason.NUMBER_RESTRICTED, detail, told.now, META, former=former)


def _give_back(session: Session, told: AccountUpdate) -> None:
    if is_newer(told.at, told.waba.state_at):
        told.waba.state_at = told.at  # an older ban that comes late is over
        told.result.numbers.update(_numbers(session, told))
        told.result.templates_of.add(told.waba.id)


def _numbers(session: Session, told: AccountUpdate) -> list[int]:
    return list(session.scalars(select(Number.id).where(Number.waba_id == told.waba.id).order_by(Number.id)))


def _info(told: AccountUpdate) -> dict[str, Any]:
    names = ("violation_info", "ban_info", "restriction_info", "volume_tier_info", "partner_info", "waba_info")
    return next((dict(told.value[name]) for name in names if isinstance(told.value.get(name), dict)), {})
