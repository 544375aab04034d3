"""Reads the rows of a campaign's export, one per candidate, and writes their cells."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.campaigns.campaign_type import types_of
from models.campaigns.language_figures import languages_of
from models.campaigns.recipient_error import recipient_error
from models.campaigns.taps import read_place, taps_of
from models.clicks.figures import first_clicks_of
from models.conversions.figures import MoneySum, sums_of_recipients
from models.db.dialect import literal_word
from models.form_replies import read_form
from models.segments.campaign_people import PeopleChoice
from models.stored_texts import show_stored
from models.tables.campaign import CampaignType
from models.tables.contact import Contact
from models.tables.conversation import Direction, Message
from models.tables.flow import FunnelStep
from models.tables.recipient import NOT_SENT_TEXT, Recipient
from models.tables.recipient_tap import RecipientTap
from models.tries.rows import tries_of

_CONVERSION = ("converted_at", "revenue")
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
    "type",
    "form_reply",
    "buttons",
    "language",
    "clicked_at",
    *_CONVERSION,
    "retries",
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
    "cohort_id",
)
_TIMES = ("queued_at", "delivered_at", "read_at", "replied_at")


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One candidate. `id` is the recipient's id, after which the next page begins; `cells` are in the order of COLUMNS."""

    id: int
    cells: tuple[Any, ...]


def export_rows(
    session: Session, campaign_id: int, after_id: int = 0, limit: int = 1000, *, choice: PeopleChoice | None = None
) -> list[ExportRow]:
    """The page after the recipient `after_id`, ordered by person key, of everybody or of those chosen; empty at the end."""
    chosen = choice.conditions(Recipient) if choice is not None else []
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
        .where(Recipient.campaign_id == campaign_id, Recipient.person_key > (after_key if after_id else ""), *chosen)
        .order_by(Recipient.person_key)
        .limit(limit)
    ).all()
    steps = _steps(session, [row.id for row in rows])
    kind = types_of(session, [campaign_id]).get(campaign_id)
    forms = _forms(session, [row.id for row in rows])
    taps = taps_of(session, [row.id for row in rows])
    clicked = first_clicks_of(session, [row.id for row in rows])
    bought = sums_of_recipients(session, [row.id for row in rows])
    tries = tries_of(session, [row.id for row in rows])
    language_of = _language_of_cohort(session, campaign_id)
    return [
        ExportRow(
            row.id,
            _cells(
                row,
                steps.get(row.id, {}),
                forms.get(row.id),
                taps.get(row.id, ()),
                kind,
                language_of(row.cohort_id),
                clicked.get(row.id),
            )
            + _conversion_cells(bought.get(row.id))
            + (len(tries.get(row.id, ())),),
        )
        for row in rows
    ]


def moment(at: datetime | None) -> str | None:
    """A time as the export writes it: ISO 8601, UTC, whole seconds."""
    return f"{at.isoformat(timespec='seconds')[:19]}Z" if at is not None else None


def _language_of_cohort(session: Session, campaign_id: int) -> Callable[[int | None], str | None]:
    """The language by cohort id: of a campaign of one language the same for all, those without a cohort too."""
    languages = languages_of(session, [campaign_id])[campaign_id]
    if only := next((it.language for it in languages if it.is_only), None):
        return lambda _cohort_id: only
    by_cohort = {key: it.language for it in languages for key in it.cohort_ids}
    return lambda cohort_id: None if cohort_id is None else by_cohort.get(cohort_id)


def _steps(session: Session, recipient_ids: Sequence[int]) -> dict[int, dict[str, str | None]]:
    steps: dict[int, dict[str, str | None]] = {}
    if recipient_ids:
        query = select(FunnelStep.recipient_id, FunnelStep.step, FunnelStep.at).where(
            FunnelStep.recipient_id.in_(recipient_ids)
        )
        for recipient_id, step, at in session.execute(query.order_by(FunnelStep.at, FunnelStep.id)):
            steps.setdefault(recipient_id, {})[step] = moment(at)
    return steps


def _forms(session: Session, recipient_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """The answers of the last form that each recipient sent back."""
    query = (
        select(Message.recipient_id, Message.payload)
        .where(
            Message.recipient_id.in_(recipient_ids),
            Message.direction == literal_word(Direction.IN),
            Message.type == "interactive",
            Message.button_payload.is_(None),
        )
        .order_by(Message.at, Message.id)
    )
    rows = session.execute(query) if recipient_ids else ()
    forms = ((recipient_id, read_form(payload)) for recipient_id, payload in rows)
    return {recipient_id: form for recipient_id, form in forms if recipient_id is not None and form}


def _cells(
    row: Any,
    steps: dict[str, str | None],
    form: dict[str, str] | None,
    taps: Sequence[RecipientTap],
    kind: CampaignType | None,
    language: str | None,
    clicked_at: datetime | None,
) -> tuple[Any, ...]:
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
        "failed_at": moment(row.failed_at) if row.status == "failed" else None,
        "time_per_funnel_step": json.dumps(steps, ensure_ascii=False) if steps else "{}",
        "type": kind.value if kind else None,
        "form_reply": json.dumps(form, ensure_ascii=False) if form else None,
        "language": language,
        "clicked_at": moment(clicked_at),
        "buttons": json.dumps([_tap(tap) for tap in taps], ensure_ascii=False) if taps else None,
    }
    return tuple(values[name] for name in COLUMNS[: -len(_CONVERSION) - 1])


def _conversion_cells(bought: tuple[datetime, list[MoneySum]] | None) -> tuple[Any, ...]:
    """The cells of _CONVERSION: when they first ordered, and their revenue as a JSON list of money."""
    if bought is None:
        return (None, None)
    at, revenue = bought
    return moment(at), json.dumps([money.to_json() for money in revenue]) if revenue else None


def _tap(tap: RecipientTap) -> dict[str, Any]:
    card, index = read_place(tap.place)
    return {"card": card, "index": index, "title": tap.title, "at": moment(tap.at)}


def _error(row: Any) -> tuple[str | int | None, str | None]:
    if row.reason is None:
        return recipient_error(row.status, row.error_code, row.error_msg)
    text = NOT_SENT_TEXT[row.reason]
    return row.reason.value, f"{text} ({show_stored(row.detail)})" if row.detail else text
