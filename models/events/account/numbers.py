"""What Meta says about numbers and about what an account may do (docs/meta.md §7.8)."""

import re
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.events.account.update import AccountUpdate, is_newer, meta_enums, operator_text
from models.tables.audit import AuditAction
from models.tables.number import UNLIMITED, Number

LIMIT_KEYS = (
    "max_daily_conversations_per_business", "max_daily_conversation_per_business", "max_daily_conversation_per_phone",
    "current_limit",
)  # fmt: skip
_TIER = re.compile(r"TIER_([0-9]{1,6})(K?)")
_NOT_DIGITS = re.compile(r"[^0-9]+")


def number_quality(session: Session, told: AccountUpdate) -> None:
    """A limit, a throughput, or a word of older versions. The number is read from Meta in any case."""
    number = _find(session, told)
    event = told.word("event")
    _learn_limit(session, told)
    if number is None:
        told.audit(session, AuditAction.NUMBER_QUALITY, "waba", told.waba.id, event=event, number="unknown")
        return
    if not is_newer(told.at, number.throughput_at):
        return
    number.throughput_at = told.at
    if event == "THROUGHPUT_UPGRADE":
        number.throughput = "HIGH"
    told.result.numbers.add(number.id)
    told.audit(session, AuditAction.NUMBER_QUALITY, "number", number.id, event=event)


def number_name(session: Session, told: AccountUpdate) -> None:
    """The decision on a name."""
    number = _find(session, told)
    decision, name = told.word("decision"), told.value.get("requested_verified_name")
    if number is None:
        told.audit(session, AuditAction.NUMBER_NAME, "waba", told.waba.id, decision=decision, number="unknown")
        return
    if not is_newer(told.at, number.name_at):
        return
    number.name_at = told.at
    if decision == "APPROVED" and isinstance(name, str) and name:
        number.verified_name = name[:200]
    told.result.numbers.add(number.id)
    reason = operator_text(told.value.get("rejection_reason"))
    told.audit(
        session,
        AuditAction.NUMBER_NAME,
        "number",
        number.id,
        decision=decision,
        name=operator_text(name),
        reason=reason,
    )


def capability(session: Session, told: AccountUpdate) -> None:
    """The portfolio's messaging limit."""
    _learn_limit(session, told)


def security(session: Session, told: AccountUpdate) -> None:
    """Somebody asked for the PIN of two-step verification, or changed it: nobody's business but the operator's."""
    number = _find(session, told)
    kind, key = ("number", number.id) if number else ("waba", told.waba.id)
    told.audit(session, AuditAction.NUMBER_SECURITY, kind, key, event=told.word("event"))


def username(session: Session, told: AccountUpdate) -> None:
    """The business's own username."""
    number = _find(session, told)
    kind, key = ("number", number.id) if number else ("waba", told.waba.id)
    told.audit(session, AuditAction.NUMBER_USERNAME, kind, key, said=meta_enums(told.value))


def limit_of(value: Any) -> int | None:
    """Unique people in 24 h, -1 without a limit; None for what we do not know, which is then asked for."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value > 0 else UNLIMITED if value == UNLIMITED else None
    if value == "TIER_UNLIMITED":
        return UNLIMITED
    tier = _TIER.fullmatch(value) if isinstance(value, str) else None
    return int(tier[1]) * (1000 if tier[2] else 1) if tier else None


def _learn_limit(session: Session, told: AccountUpdate) -> None:
    given = next((told.value[key] for key in LIMIT_KEYS if key in told.value), None)
    portfolio = told.waba.portfolio
    if given is None or not is_newer(told.at, portfolio.limit_read_at):
        return
    limit = limit_of(given)
    if limit is None:
        told.result.numbers.update(session.scalars(select(Number.id).where(Number.waba_id == told.waba.id)))
        told.audit(session, AuditAction.MESSAGING_LIMIT_UNKNOWN, "portfolio", portfolio.id, told=str(given)[:40])
        return
    before, portfolio.messaging_limit, portfolio.limit_read_at = portfolio.messaging_limit, limit, told.at
    if before != limit:
        told.audit(session, AuditAction.MESSAGING_LIMIT, "portfolio", portfolio.id, before=before, after=limit)


def _find(session: Session, told: AccountUpdate) -> Number | None:
    """By its digits; an account's only number needs none."""
    numbers = session.scalars(
        select(Number).where(Number.waba_id == told.waba.id).order_by(Number.id).with_for_update(),
        execution_options={"populate_existing": True},
    ).all()
    shown = _NOT_DIGITS.sub("", str(told.value.get("display_phone_number") or ""))
    for number in numbers:
        if shown and _NOT_DIGITS.sub("", number.display_phone or "") == shown:
            return number
    return numbers[0] if len(numbers) == 1 else None
