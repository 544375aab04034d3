"""Builds the two statements that apply statuses to a table: one read and one guarded write.

Each fact takes its earliest time. A stored failure counts only if the row was accepted: the error of an earlier refusal or of an
unsure send is cleared when a status shows that the message was accepted after all. The row of a redacted person gets only times
and codes: a message's id holds their number, and an error's text may name them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.events.statuses.fold import StatusFacts
from models.events.statuses.price_order import PRICE_COLUMNS, is_better_price, price_values
from models.events.types import Callback
from models.privacy.redact import NAMELESS

_WAS_ACCEPTED = "r.state IN ('accepted', 'held')"
_FAILED_BEFORE = f"CASE WHEN {_WAS_ACCEPTED} THEN r.failed_at END"
_FAILS = (
    f"(v.failed_at IS NOT NULL AND (({_FAILED_BEFORE}) IS NULL OR v.failed_at < r.failed_at "
    "OR (v.failed_at = r.failed_at AND v.error_code < COALESCE(r.error_code, 2147483647))))"
)
_IS_NAMELESS = f"substr(r.person_key, 1, {len(NAMELESS)}) = '{NAMELESS}'"
_PRICES = is_better_price("r", "v")


def _earlier(column: str, value: str = "") -> str:
    value = value or column
    return f"(v.{value} IS NOT NULL AND (r.{column} IS NULL OR v.{value} < r.{column}))"


def _least(column: str, value: str = "") -> str:
    return f"{column} = CASE WHEN {_earlier(column, value)} THEN v.{value or column} ELSE r.{column} END"


_WAMID = "COALESCE(r.wamid, v.wamid)"
_ERROR = f"CASE WHEN {_FAILS} THEN v.error_msg WHEN {_WAS_ACCEPTED} THEN r.error_msg END"
_SET = [
    "state = 'accepted'",
    _least("accepted_at", "first_at"),
    _least("sent_at"),
    _least("delivered_at"),
    _least("read_at"),
    f"failed_at = CASE WHEN {_FAILS} THEN v.failed_at ELSE {_FAILED_BEFORE} END",
    f"error_code = CASE WHEN {_FAILS} THEN v.error_code WHEN {_WAS_ACCEPTED} THEN r.error_code END",
]
_SET_MESSAGE = [f"wamid = {_WAMID}", f"error_msg = {_ERROR}"]
_SAME_NAMED = ("is_billable", "cost", "cost_currency", "price_at")
_SET_PRICE = [
    "detail = CASE WHEN r.unsure_at IS NOT NULL THEN r.detail END",
    f"pricing_category = CASE WHEN {_PRICES} THEN v.category ELSE r.pricing_category END",
    f"pricing_type = CASE WHEN {_PRICES} THEN v.price_type ELSE r.pricing_type END",
    *(f"{name} = CASE WHEN {_PRICES} THEN v.{name} ELSE r.{name} END" for name in _SAME_NAMED),
]
_SET_RECIPIENT = [
    f"wamid = CASE WHEN {_IS_NAMELESS} THEN r.wamid ELSE {_WAMID} END",
    f"error_msg = CASE WHEN {_IS_NAMELESS} THEN NULL ELSE {_ERROR} END",
    "reason = NULL",
    *_SET_PRICE,
]
# Conditions under which the row changes. Meta repeats statuses, and a row that has all facts is not written again.
_CHANGES = [
    "r.state <> 'accepted'",
    _earlier("accepted_at", "first_at"),
    _earlier("sent_at"),
    _earlier("delivered_at"),
    _earlier("read_at"),
    _FAILS,
]
_CHANGES_MESSAGE = "r.wamid IS NULL"
_CHANGES_RECIPIENT = f"(r.wamid IS NULL AND NOT {_IS_NAMELESS})"
_COLUMNS = {
    "id": "bigint",
    "wamid": "text",
    "first_at": "timestamptz",
    "sent_at": "timestamptz",
    "delivered_at": "timestamptz",
    "read_at": "timestamptz",
    "failed_at": "timestamptz",
    "error_code": "integer",
    "error_msg": "text",
}


@dataclass(frozen=True)
class StatusTable:
    """The statements and columns for one table."""

    id_in: Callable[[Callback | None], int | None]
    """Returns the row id of this table in callback data, or None."""
    read: str
    only: str
    write: str
    columns: Mapping[str, str]
    values: Callable[[int, StatusFacts], tuple[Any, ...]]


def _update(table: str, assignments: list[str], changes: list[str]) -> str:
    return (
        f"UPDATE {table} AS r SET {', '.join(assignments)} FROM v "  # noqa: S608 - fixed text
        f"WHERE r.id = v.id AND (r.wamid IS NULL OR r.wamid = v.wamid) AND ({' OR '.join(changes)})"
    )


def _facts(key: int, facts: StatusFacts) -> tuple[Any, ...]:
    failure = facts.failure
    return (
        key,
        facts.wamid,
        facts.first_at,
        facts.sent_at,
        facts.delivered_at,
        facts.read_at,
        facts.failed_at,
        failure.code if failure else None,
        failure.text if failure else None,
    )


def _facts_and_price(key: int, facts: StatusFacts) -> tuple[Any, ...]:
    return (*_facts(key, facts), *price_values(facts.price, facts.final_price_at))


_HISTORY = (
    f"({_FAILED_BEFORE}) IS NOT NULL AS has_failed, "
    "(r.delivered_at IS NOT NULL OR r.read_at IS NOT NULL) AS was_received, "
    "r.unsure_at IS NOT NULL AS was_unsure"
)
RECIPIENTS = StatusTable(
    id_in=lambda callback: callback.recipient_id if callback else None,
    read=(
        "SELECT r.id, r.id AS recipient_id, r.state, r.attempts, r.wamid, r.contact_id, r.campaign_id, r.person_key, "  # noqa: S608
        f"n.phone_number_id, {_HISTORY} FROM recipient r "
        "JOIN campaign c ON c.id = r.campaign_id LEFT JOIN number n ON n.id = c.number_id"
    ),
    only="",
    write=_update("recipient", [*_SET, *_SET_RECIPIENT], [*_CHANGES, _CHANGES_RECIPIENT, _PRICES]),
    columns=_COLUMNS | PRICE_COLUMNS,
    values=_facts_and_price,
)
TRIES = StatusTable(
    id_in=lambda _callback: None,  # a recipient has several (models.events.statuses.tries)
    read=(
        "SELECT r.id, r.recipient_id, r.state, r.attempt AS attempts, r.wamid, r.contact_id, r.campaign_id, p.person_key, "  # noqa: S608
        f"n.phone_number_id, {_HISTORY} FROM recipient_try r JOIN recipient p ON p.id = r.recipient_id "
        "JOIN campaign c ON c.id = r.campaign_id LEFT JOIN number n ON n.id = c.number_id"
    ),
    only="",
    # The database itself wipes ids and texts of a redacted person (models.privacy.guards).
    write=_update("recipient_try", [*_SET, *_SET_MESSAGE, *_SET_PRICE], [*_CHANGES, _CHANGES_MESSAGE, _PRICES]),
    columns=_COLUMNS | PRICE_COLUMNS,
    values=_facts_and_price,
)
LOCK_RECIPIENTS = (
    "SELECT p.id FROM recipient p WHERE p.id IN "
    "(SELECT t.recipient_id FROM recipient_try t WHERE t.wamid IN {values}) ORDER BY p.id"
)
"""Locks the recipients of the tries with these wamids."""
MESSAGES = StatusTable(
    id_in=lambda callback: callback.message_id if callback else None,
    read=(
        "SELECT r.id, r.state, r.attempts, r.wamid, n.phone_number_id FROM message r "
        "JOIN conversation c ON c.id = r.conversation_id JOIN number n ON n.id = c.number_id"
    ),
    only="AND r.direction = 'out'",
    write=_update("message", [*_SET, *_SET_MESSAGE], [*_CHANGES, _CHANGES_MESSAGE]),
    columns=_COLUMNS,
    values=_facts,
)
