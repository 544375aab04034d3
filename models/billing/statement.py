"""Reads a month's statement: what was charged in it, by number, campaign, category, country and currency."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.rate_cards import SERVICE
from models.tables.answer_cost import AnswerSpending
from models.tables.campaign import Campaign, CampaignKind
from models.tables.charge import UNKNOWN, AnswerCharge, CampaignCharge
from models.tables.number import Number

PAGE = 1000


@dataclass(frozen=True, slots=True)
class StatementRow:
    """Billed messages that have all of this in common. Of answers `campaign_id`, `campaign` and `kind` are None.

    `charged` is in millionths; None, as `currency`, where the price is unknown. `country` None: unknown.
    """

    number_id: int
    number: str
    campaign_id: int | None
    campaign: str | None
    kind: CampaignKind | None
    category: str
    country: str | None
    messages: int
    currency: str | None
    charged: int | None


def statement_rows(session: Session, month: date) -> Iterator[StatementRow]:
    """Yield the rows of a month (its first day): number by number, its campaigns first, then its answers."""
    campaigns = (
        select(CampaignCharge, Campaign.name, Campaign.kind, Campaign.number_id, Number.name.label("number"))
        .join(Campaign, Campaign.id == CampaignCharge.campaign_id)
        .outerjoin(Number, Number.id == Campaign.number_id)
        .where(CampaignCharge.month == month)
        .order_by(
            Campaign.number_id,
            CampaignCharge.campaign_id,
            CampaignCharge.category,
            CampaignCharge.country,
            CampaignCharge.currency,
        )
    )
    for row in session.execute(campaigns.execution_options(yield_per=PAGE)):
        charge = row.CampaignCharge
        of = (row.number_id or 0, row.number or "", charge.campaign_id, row.name, row.kind)
        yield StatementRow(*of, *_charged(charge))
    answers = (
        select(AnswerCharge, Number.name)
        .join(Number, Number.id == AnswerCharge.number_id)
        .where(AnswerCharge.month == month)
        .order_by(AnswerCharge.number_id, AnswerCharge.category, AnswerCharge.country, AnswerCharge.currency)
    )
    for charge, number in session.execute(answers.execution_options(yield_per=PAGE)):
        yield StatementRow(charge.number_id, number, None, None, None, *_charged(charge))
    yield from _answers_without_country(session, month)


def months_with_charges(session: Session) -> list[date]:
    """Return the months in which anything was charged, newest first."""
    months: set[date] = set()
    for column in (CampaignCharge.month, AnswerCharge.month, AnswerSpending.month):
        months.update(session.scalars(select(column).distinct()))
    return sorted(months, reverse=True)


def _charged(charge: CampaignCharge | AnswerCharge) -> tuple[str, str | None, int, str | None, int | None]:
    is_known = charge.currency != UNKNOWN
    return (
        charge.category,
        charge.country or None,
        charge.messages,
        charge.currency or None,
        charge.charged if is_known else None,
    )


def _answers_without_country(session: Session, month: date) -> Iterator[StatementRow]:
    """The sums of answers that a version counted which kept no countries."""
    has_charges = select(AnswerCharge.number_id).where(AnswerCharge.month == month)
    if session.scalar(has_charges.limit(1)) is not None:
        return
    query = (
        select(AnswerSpending, Number.name)
        .join(Number, Number.id == AnswerSpending.number_id)
        .where(AnswerSpending.month == month, AnswerSpending.billed > 0)
        .order_by(AnswerSpending.number_id, AnswerSpending.currency)
    )
    for sums, name in session.execute(query):
        if sums.billed > sums.unpriced:
            yield _of_answers(sums.number_id, name, sums.billed - sums.unpriced, sums.currency, sums.charged)
        if sums.unpriced:
            yield _of_answers(sums.number_id, name, sums.unpriced, None, None)


def _of_answers(number_id: int, name: str, messages: int, currency: str | None, charged: int | None) -> StatementRow:
    return StatementRow(number_id, name, None, None, None, SERVICE, None, messages, currency, charged)
