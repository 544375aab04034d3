"""Applies events about numbers and about the messaging limit (docs/meta.md §7.8)."""

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.events.account.update import AccountUpdate, is_newer, meta_enums, operator_text
from models.events.types import AccountChange
from models.sending.number_rate import HIGH, PHONE_APP
from models.tables.audit import AuditAction
from models.tables.number import UNLIMITED, Number

LIMIT_KEYS = (
    "max_daily_conversations_per_business", "max_daily_conversation_per_business", "max_daily_conversation_per_phone",
    "current_limit",
)  # fmt: skip
_TIER = re.compile(r"TIER_([0-9]{1,6})(K?)")
_NOT_DIGITS = re.compile(r"[^0-9]+")


def number_quality(session: Session, update: AccountUpdate) -> None:
    """Apply a messaging limit or a throughput upgrade, and have the number read from Meta."""
    number = _find_number(session, update)
    event = update.word("event")
    _apply_limit(session, update)
    if number is None:
        update.audit(session, AuditAction.NUMBER_QUALITY, "waba", update.waba.id, event=event, number="unknown")
        return
    if not is_newer(update.at, number.throughput_at):
        return
    number.throughput_at = update.at
    if event == "THROUGHPUT_UPGRADE":
        number.throughput = HIGH
    update.result.numbers.add(number.id)
    update.audit(session, AuditAction.NUMBER_QUALITY, "number", number.id, event=event)


def number_name(session: Session, update: AccountUpdate) -> None:
    """Apply Meta's decision on a display name."""
    number = _find_number(session, update)
    decision, name = update.word("decision"), update.value.get("requested_verified_name")
    if number is None:
        update.audit(session, AuditAction.NUMBER_NAME, "waba", update.waba.id, decision=decision, number="unknown")
        return
    if not is_newer(update.at, number.name_at):
        return
    number.name_at = update.at
    if decision == "APPROVED" and isinstance(name, str) and name:
        number.verified_name = name[:200]
    update.result.numbers.add(number.id)
    reason = operator_text(update.value.get("rejection_reason"))
    update.audit(
        session,
        AuditAction.NUMBER_NAME,
        "number",
        number.id,
        decision=decision,
        name=operator_text(name),
        reason=reason,
    )


def phone_numbers_of(changes: Iterable[AccountChange]) -> set[str]:
    """The phone_number_ids that the changes name in their `metadata`."""
    metadata = [change.value.get("metadata") for change in changes]
    return {str(item["phone_number_id"]) for item in metadata if isinstance(item, dict) and item.get("phone_number_id")}


def note_phone_app(session: Session, phone_number_ids: Iterable[str]) -> None:
    """Note which numbers are also used in the WhatsApp Business app: only of such a number it sends events (docs/meta.md §7.8).

    One statement for all: the app brings an event for every message.
    """
    named = sorted(set(phone_number_ids))
    if named:
        session.execute(
            update(Number)
            .where(
                Number.phone_number_id.in_(named),
                Number.throughput.is_(None) | Number.throughput.not_in([HIGH, PHONE_APP]),
            )
            .values(throughput=PHONE_APP)
        )


def capability(session: Session, update: AccountUpdate) -> None:
    """Apply the portfolio's messaging limit."""
    _apply_limit(session, update)


def security(session: Session, update: AccountUpdate) -> None:
    """Record in the audit that somebody requested or changed the PIN of two-step verification."""
    number = _find_number(session, update)
    kind, key = ("number", number.id) if number else ("waba", update.waba.id)
    update.audit(session, AuditAction.NUMBER_SECURITY, kind, key, event=update.word("event"))


def username(session: Session, update: AccountUpdate) -> None:
    """Record a change of the business's own username in the audit."""
    number = _find_number(session, update)
    kind, key = ("number", number.id) if number else ("waba", update.waba.id)
    name = operator_text(update.value.get("username"))  # may hold full stops, so it is no word of Meta's
    update.audit(session, AuditAction.NUMBER_USERNAME, kind, key, said=meta_enums(update.value), username=name)


def limit_of(value: Any) -> int | None:
    """Return the limit in unique people per 24 h, UNLIMITED (-1), or None for an unknown value; the caller then reads it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value > 0 else UNLIMITED if value == UNLIMITED else None
    if value == "TIER_UNLIMITED":
        return UNLIMITED
    tier = _TIER.fullmatch(value) if isinstance(value, str) else None
    return int(tier[1]) * (1000 if tier[2] else 1) if tier else None


def _apply_limit(session: Session, update: AccountUpdate) -> None:
    value = next((update.value[key] for key in LIMIT_KEYS if key in update.value), None)
    portfolio = update.waba.portfolio
    if value is None or not is_newer(update.at, portfolio.limit_read_at):
        return
    limit = limit_of(value)
    if limit is None:
        update.result.numbers.update(session.scalars(select(Number.id).where(Number.waba_id == update.waba.id)))
        update.audit(session, AuditAction.MESSAGING_LIMIT_UNKNOWN, "portfolio", portfolio.id, told=str(value)[:40])
        return
    before, portfolio.messaging_limit, portfolio.limit_read_at = portfolio.messaging_limit, limit, update.at
    if before != limit:
        update.audit(session, AuditAction.MESSAGING_LIMIT, "portfolio", portfolio.id, before=before, after=limit)


def _find_number(session: Session, update: AccountUpdate) -> Number | None:
    """Return the number with the digits of the event, else the account's only number, else None. Locks all of them."""
    numbers = session.scalars(
        select(Number).where(Number.waba_id == update.waba.id).order_by(Number.id).with_for_update(),
        execution_options={"populate_existing": True},
    ).all()
    digits = _NOT_DIGITS.sub("", str(update.value.get("display_phone_number") or ""))
    for number in numbers:
        if digits and _NOT_DIGITS.sub("", number.display_phone or "") == digits:
            return number
    return numbers[0] if len(numbers) == 1 else None
