"""Reads the rows of a campaign's export, one per candidate, and writes CSV cells that no spreadsheet runs as formulas."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.stored_texts import NO_REASON, show_stored
from models.tables.contact import Contact
from models.tables.flow import FunnelStep
from models.tables.recipient import NOT_SENT_TEXT, Recipient

COLUMNS = (
    "phone",
    "name",
    "status",
    "error_code",
    "error_msg",
    "attempts",
    "wamid",
    "queued_at",
    "sent_at",
    "delivered_at",
    "read_at",
    "replied_at",
    "failed_at",
    "time_per_funnel_step",
)
_READ = (
    "status",
    "reason",
    "detail",
    "error_code",
    "error_msg",
    "attempts",
    "wamid",
    "queued_at",
    "accepted_at",
    "sent_at",
    "delivered_at",
    "read_at",
    "replied_at",
    "failed_at",
)
_TIMES = ("queued_at", "delivered_at", "read_at", "replied_at", "failed_at")
_PLAIN_NUMBER = re.compile(r"\+[0-9]+")
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One candidate. `id` is the recipient's id, after which the next page begins; `cells` are in the order of COLUMNS."""

    id: int
    cells: tuple[Any, ...]


def export_rows(session: Session, campaign_id: int, after_id: int = 0, limit: int = 1000) -> list[ExportRow]:
    """The page after the recipient `after_id`, ordered by person key; empty at the end."""
    # Both databases page along the index of person keys, whatever their statistics of the table are.
    after_key = select(Recipient.person_key).where(Recipient.id == after_id).scalar_subquery()
    rows = session.execute(
        select(
            Recipient.id,
            *(getattr(Recipient, name) for name in _READ),
            Contact.phone,
            Contact.raw_phone,
            Contact.wa_id,
            Contact.name,
        )
        .join(Contact, Contact.id == Recipient.contact_id)
        .where(Recipient.campaign_id == campaign_id, Recipient.person_key > (after_key if after_id else ""))
        .order_by(Recipient.person_key)
        .limit(limit)
    ).all()
    steps = _steps(session, [row.id for row in rows])
    return [ExportRow(row.id, _cells(row, steps.get(row.id, {}))) for row in rows]


def csv_cell(value: Any) -> str:
    """A cell's text; a leading `'` if a spreadsheet would run it as a formula. Plain numbers such as +34600111222 get none."""
    text = "" if value is None else str(value)
    if text.lstrip(" ").startswith(_FORMULA) and not _PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def moment(at: datetime | None) -> str | None:
    """A time as the export writes it: ISO 8601, UTC, whole seconds."""
    return f"{at.isoformat(timespec='seconds')[:19]}Z" if at is not None else None


def _steps(session: Session, recipient_ids: Sequence[int]) -> dict[int, dict[str, str | None]]:
    steps: dict[int, dict[str, str | None]] = {}
    if recipient_ids:
        query = select(FunnelStep.recipient_id, FunnelStep.step, FunnelStep.at).where(
            FunnelStep.recipient_id.in_(recipient_ids)
        )
        for recipient_id, step, at in session.execute(query.order_by(FunnelStep.at, FunnelStep.id)):
            steps.setdefault(recipient_id, {})[step] = moment(at)
    return steps


def _cells(row: Any, steps: dict[str, str | None]) -> tuple[Any, ...]:
    code, message = _error(row)
    values = {name: moment(getattr(row, name)) for name in _TIMES} | {
        "phone": row.phone or (f"+{row.wa_id}" if row.wa_id else row.raw_phone),
        "name": row.name,
        "status": row.status,
        "error_code": code,
        "error_msg": message,
        "attempts": row.attempts,
        "wamid": row.wamid,
        "sent_at": moment(row.sent_at or row.accepted_at),
        "time_per_funnel_step": json.dumps(steps, ensure_ascii=False) if steps else "{}",
    }
    return tuple(values[name] for name in COLUMNS)


def _error(row: Any) -> tuple[str | int | None, str | None]:
    if row.reason is None:
        if row.error_code == 0 and not row.error_msg:  # how earlier rows keep a failure without a reason
            return None, NO_REASON().translated()
        return row.error_code, show_stored(row.error_msg) or None
    text = NOT_SENT_TEXT[row.reason]
    return row.reason.value, f"{text} ({show_stored(row.detail)})" if row.detail else text
