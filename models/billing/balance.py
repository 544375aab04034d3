"""Keeps the installation's balance: the amount that may be spent, of which each campaign reserves its price when it starts.

There is no limit until an amount is set. A reservation locks the balance's row first, so that two campaigns that start at once
cannot reserve the same money.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models.billing.amount import show_amount
from models.billing.answers import charged_answers
from models.billing.price_cap import PriceCap, cap_of
from models.billing.rate_cards import day_of, newest_card, plain_category, prices_in_force, read_prices
from models.billing.spending import total_price
from models.errors import OperatorError
from models.stored_texts import AUDIENCE_GREW, BALANCE_TOO_SMALL, BALANCE_USED_UP
from models.tables.audit import AuditAction, record_audit
from models.tables.billing import BUDGET_ID, Budget, RateCard, Spending
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.template import Template
from models.text import Text

MARKS = (80, 90, 100)
"""Percentages of the balance at which the operator is warned."""
ACTOR = "budget"


class BalanceState(StrEnum):
    """The highest of MARKS that the charged and reserved part of the balance has reached."""

    OK = "ok"
    OVER_80 = "over_80"
    OVER_90 = "over_90"
    USED_UP = "used_up"


class InsufficientBalanceError(OperatorError):
    """The balance does not cover the campaign's price."""


WARN_FROM = MARKS[0]


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance and its use, in millionths of `currency`, by campaigns and by answers of bots and agents.

    `charged` counts from when the balance was set; `leaving` is the part of `reserved` for messages that
    may have been sent.
    """

    currency: str
    amount: int
    charged: int
    reserved: int
    leaving: int

    @property
    def free(self) -> int:
        """Neither charged nor reserved. Negative if the balance was lowered, or Meta billed more than the rate card says."""
        return self.amount - self.charged - self.reserved

    def pct_with(self, need: int) -> float:
        """The percentage that would be charged or reserved with `need` millionths more; 100.0 for a balance of 0."""
        used = self.charged + self.reserved + need
        return round(100 * used / self.amount, 1) if self.amount else 100.0

    @property
    def used_pct(self) -> float:
        """The percentage that is charged or reserved."""
        return self.pct_with(0)

    @property
    def state(self) -> BalanceState:
        """The state by `used_pct`."""
        states = (BalanceState.OK, BalanceState.OVER_80, BalanceState.OVER_90, BalanceState.USED_UP)
        return states[sum(self.used_pct >= mark for mark in MARKS)]

    def show(self, micro: int) -> str:
        """An amount of millionths as text, with the currency."""
        return f"{show_amount(micro)} {self.currency}"


def read_balance(session: Session, *, is_locked: bool = False) -> Balance | None:
    """The balance, or None if none is set. With `is_locked` nobody else can reserve until this transaction ends."""
    budget = session.get(Budget, BUDGET_ID, with_for_update=is_locked or None, populate_existing=True)
    if budget is None or budget.amount is None:
        return None
    reserved, leaving, charged = _sums(session, budget.currency)
    return Balance(budget.currency, budget.amount, charged - budget.charged_before, reserved, leaving)


def set_balance(session: Session, amount: int | None, currency: str, now: datetime, actor: str) -> None:
    """Set how much may be charged from now on, in millionths; None removes the limit.

    Raises OperatorError if the rate card has another currency.
    """
    card = newest_card(session)
    if amount is not None and card is not None and card.currency != currency:
        raise OperatorError(
            "currency={currency}: the rate card is in {currency_2}, and nothing is converted",
            currency=currency,
            currency_2=card.currency,
        )
    budget = session.get(Budget, BUDGET_ID, with_for_update=True)
    if budget is None:
        budget = Budget(id=BUDGET_ID)
        session.add(budget)
    budget.amount, budget.currency, budget.set_at, budget.set_by, budget.warned_pct = amount, currency, now, actor, 0
    budget.charged_before = _sums(session, currency)[2]
    detail = {} if amount is None else {"amount": show_amount(amount), "currency": currency}
    record_audit(
        session, now, actor, AuditAction.TURN_OFF if amount is None else AuditAction.SET, "budget", BUDGET_ID, **detail
    )


def reserve_amount(
    session: Session,
    campaign_id: int,
    areas: Mapping[str | None, int],
    now: datetime,
    cap: PriceCap | None = None,
) -> None:
    """Reserve the price of a campaign in the transaction of its start. `areas` is the number of people by price area.

    `cap` is what a message may cost at most, where its template has a maximum price.

    Without a balance the campaign's rate card and price are stored all the same. Raises InsufficientBalanceError if less than
    the price is free, or nothing.
    """
    query = select(Template.category).join(Campaign, Campaign.template_id == Template.id)
    category = session.scalar(query.where(Campaign.id == campaign_id)) or ""
    balance = read_balance(session, is_locked=True)
    prices = prices_in_force(session)
    need = total_price(prices, areas.items(), category, day_of(now), cap)
    if balance is not None and balance.free < max(need, 1):
        raise InsufficientBalanceError(
            "campaign {campaign_id}: {shortage}", campaign_id=campaign_id, shortage=shortage(balance, need)
        )
    session.add(
        Spending(
            campaign_id=campaign_id,
            card_id=prices.card_id,
            category=plain_category(category),
            priced_at=now,
            reserved=need,
            price_cap=cap.amount if cap else None,
            price_cap_currency=cap.currency if cap else None,
        )
    )
    session.flush()


def freeze_price(
    session: Session,
    campaign_id: int,
    areas: Callable[[], Sequence[tuple[str | None, int]]],
    *,
    is_last: bool,
) -> Text | None:
    """Add the price of a launch's slice. With the last slice the reservation becomes the price of all queued recipients.

    Returns the detail of a pause if the audience grew since the start and the balance does not cover that, else None. The caller
    then pauses the campaign in this transaction, before anything is sent.
    """
    spending = session.get(Spending, campaign_id, populate_existing=True)
    if spending is None or spending.card_id is None:
        return None
    prices = read_prices(session, spending.card_id)
    day, cap = day_of(spending.priced_at), cap_of(spending)
    spending.frozen += total_price(prices, areas(), spending.category, day, cap)
    growth = spending.frozen - spending.reserved
    if not is_last:
        return None
    balance = read_balance(session, is_locked=True) if growth > 0 else None
    is_short = balance is not None and balance.currency == prices.currency and growth > balance.free
    detail = AUDIENCE_GREW(shortage=shortage(balance, growth)) if balance is not None and is_short else None
    spending.reserved = spending.frozen
    return detail


def shortage(balance: Balance, need: int) -> Text:
    """Why the balance does not cover `need`, for the operator: the second half of a sentence."""
    if balance.free <= 0:
        return BALANCE_USED_UP(balance=balance.show(balance.amount), pct=f"{balance.used_pct:g}")
    return BALANCE_TOO_SMALL(
        need=balance.show(need), balance=balance.show(balance.amount), free=balance.show(balance.free)
    )


def is_covered(session: Session, campaign_id: int, need: int) -> tuple[Text | None, Text | None]:
    """(blocking, warning) sentences for the preflight, each None if it does not apply; both None if no balance is set.

    A started campaign has its reservation already, so it is blocked only if more is charged or reserved than there is.
    """
    balance = read_balance(session)
    if balance is None:
        return None, None
    is_started = session.get(Spending, campaign_id) is not None
    if balance.charged >= balance.amount or balance.free < (0 if is_started else max(need, 1)):
        text = shortage(balance, 0 if is_started else need)
        return Text(text.template[0].upper() + text.template[1:], text.values), None
    pct = balance.pct_with(0 if is_started else need)
    if pct < WARN_FROM:
        return None, None
    warning = "{pct} % of the balance of {balance} would be charged or held back."
    return None, Text(warning, {"pct": f"{pct:g}", "balance": balance.show(balance.amount)})


def mark_reached(session: Session, now: datetime) -> int | None:
    """The mark that the balance has newly reached, recorded with this call in the balance's row and in the audit; else None."""
    balance = read_balance(session, is_locked=True)
    budget = session.get(Budget, BUDGET_ID)
    if balance is None or budget is None:
        return None
    reached = max((mark for mark in MARKS if balance.used_pct >= mark), default=0)
    if reached <= budget.warned_pct:
        return None
    budget.warned_pct = reached
    record_audit(session, now, ACTOR, AuditAction.BALANCE_USED, "budget", BUDGET_ID, pct=reached)
    return reached


def is_used_up(session: Session, balance: Balance, look_seconds: float) -> bool:
    """Whether the campaigns must stop: all is charged, or more is reserved than there is and the rest is nearly spent.

    Nearly spent: the active campaigns may send the rest within `look_seconds`, the time until the next check.
    """
    if balance.charged >= balance.amount:
        return True
    rest = balance.amount - balance.charged - balance.leaving
    return balance.free < 0 and rest <= _price_per_second(session) * look_seconds


def _price_per_second(session: Session) -> float:
    """The price, in millionths, that the active campaigns may send in a second at their pace and average price."""
    query = (
        select(Campaign, Spending)
        .join(Spending, Spending.campaign_id == Campaign.id)
        .where(Campaign.status == CampaignStatus.ACTIVE, Spending.eligible > 0)
    )
    return sum(
        (campaign.pace_per_second or (campaign.pace_per_hour or 0) / 3600) * spending.frozen / spending.eligible
        for campaign, spending in session.execute(query)
    )


def _sums(session: Session, currency: str) -> tuple[int, int, int]:
    """(reserved, leaving, charged), the sums over all campaigns that are priced in this currency; charged with all answers."""
    columns: list[ColumnElement[int]] = [
        func.coalesce(func.sum(column), 0) for column in (Spending.reserved, Spending.leaving, Spending.charged)
    ]  # whole numbers, though PostgreSQL's sum of them is a decimal
    query = select(*columns).join(RateCard, RateCard.id == Spending.card_id).where(RateCard.currency == currency)
    reserved, leaving, charged = (int(value) for value in session.execute(query).one())
    return reserved, leaving, charged + charged_answers(session, currency)
