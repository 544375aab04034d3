"""Stores and reads what was charged by month, country, category and currency: of each campaign, and of each number's answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.billing.rate_cards import plain_category
from models.db.dialect import NO_SYNC, insert_into
from models.tables.charge import UNKNOWN, AnswerCharge, CampaignCharge


class ChargeKey(NamedTuple):
    """By what charges are added up. `country` and `currency` are `UNKNOWN` where they are not known."""

    month: date
    country: str
    category: str
    currency: str


@dataclass(slots=True)
class ChargeSum:
    """A number of billed messages, and what they cost together in millionths; 0 where the currency is `UNKNOWN`."""

    messages: int = 0
    charged: int = 0


Charges = dict[ChargeKey, ChargeSum]


def add_charge(
    charges: Charges, month: date, country: str | None, category: str, amount: tuple[str, int] | None, messages: int
) -> None:
    """Add billed messages. `amount` is (currency, millionths) of all of them together, None if their price is unknown."""
    currency, charged = amount or (UNKNOWN, 0)
    key = ChargeKey(month, country or UNKNOWN, plain_category(category)[:40], currency)
    found = charges.setdefault(key, ChargeSum())
    found.messages += messages
    found.charged += charged


def campaign_charges(session: Session, campaign_id: int) -> Charges:
    """Return the stored charges of a campaign."""
    rows = session.scalars(select(CampaignCharge).where(CampaignCharge.campaign_id == campaign_id))
    return {_key(row): ChargeSum(row.messages, row.charged) for row in rows}


def store_campaign_charges(session: Session, campaign_id: int, charges: Charges) -> None:
    """Replace the charges of a campaign. The caller holds the lock on its row of `spending`."""
    session.execute(delete(CampaignCharge).where(CampaignCharge.campaign_id == campaign_id), execution_options=NO_SYNC)
    _insert(session, CampaignCharge, ({"campaign_id": campaign_id, **_values(*item)} for item in charges.items()))


def answer_charges(session: Session, month: date) -> dict[int, Charges]:
    """Return the stored charges of answers in a month, by number id."""
    charges: dict[int, Charges] = {}
    for row in session.scalars(select(AnswerCharge).where(AnswerCharge.month == month)):
        charges.setdefault(row.number_id, {})[_key(row)] = ChargeSum(row.messages, row.charged)
    return charges


def store_answer_charges(session: Session, month: date, charges: Mapping[int, Charges]) -> None:
    """Replace the charges of answers in a month."""
    session.execute(delete(AnswerCharge).where(AnswerCharge.month == month), execution_options=NO_SYNC)
    rows = [{"number_id": number_id, **_values(*item)} for number_id, of in charges.items() for item in of.items()]
    _insert(session, AnswerCharge, rows)


def _insert(session: Session, table: type[CampaignCharge | AnswerCharge], rows: Iterable[dict[str, Any]]) -> None:
    values: Sequence[dict[str, Any]] = list(rows)
    if values:
        session.execute(insert_into(session, table.__table__), values)


def _key(row: CampaignCharge | AnswerCharge) -> ChargeKey:
    return ChargeKey(row.month, row.country, row.category, row.currency)


def _values(key: ChargeKey, found: ChargeSum) -> dict[str, Any]:
    return {**key._asdict(), "messages": found.messages, "charged": found.charged}
