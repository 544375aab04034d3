"""The installation's balance: what may be spent, held back at the start of a campaign, and never promised twice.

Off until an amount is set. Whoever takes from it locks its row first, so two starts at once see each other's reservation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models.billing.amount import show_amount
from models.billing.rate_cards import day_of, newest_card, plain_category, prices_in_force, read_prices
from models.billing.spending import total_price
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.billing import BUDGET_ID, Budget, RateCard, Spending
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.template import Template

MARKS = (80, 90, 100)
"""Per cent of the balance that are told when they are reached."""
ACTOR = "budget"


class BalanceState(StrEnum):
    """How much of the balance is charged or held back."""

    OK = "ok"
    OVER_80 = "over_80"
    OVER_90 = "over_90"
    USED_UP = "used_up"


class InsufficientBalanceError(OperatorError):
    """The balance does not cover it."""


WARN_FROM = MARKS[0]


@dataclass(frozen=True, slots=True)
class Balance:
    """As of now, in millionths. `charged` counts from when the balance was set."""

    currency: str
    amount: int
    charged: int
    reserved: int
    leaving: int

    @property
    def free(self) -> int:
        """Not charged and not held back; below zero where the balance was lowered, or Meta billed more than the card says."""
        return self.amount - self.charged - self.reserved

    def pct_with(self, need: int) -> float:
        """How much of it would be charged or held back with `need` more."""
        taken = self.charged + self.reserved + need
        return round(100 * taken / self.amount, 1) if self.amount else 100.0

    @property
    def used_pct(self) -> float:
        """How much of it is charged or held back."""
        return self.pct_with(0)

    @property
    def state(self) -> BalanceState:
        """Which mark was reached."""
        states = (BalanceState.OK, BalanceState.OVER_80, BalanceState.OVER_90, BalanceState.USED_UP)
        return states[sum(self.used_pct >= mark for mark in MARKS)]

    def show(self, micro: int) -> str:
        """An amount with the currency."""
        return f"{show_amount(micro)} {self.currency}"


def read_balance(session: Session, *, is_locked: bool = False) -> Balance | None:
    """The balance, or None where none is set. Locked, nobody else reserves until this transaction ends."""
    budget = session.get(Budget, BUDGET_ID, with_for_update=is_locked or None, populate_existing=True)
    if budget is None or budget.amount is None:
        return None
    reserved, leaving, charged = _taken(session, budget.currency)
    return Balance(budget.currency, budget.amount, charged - budget.charged_before, reserved, leaving)


def set_balance(session: Session, amount: int | None, currency: str, now: datetime, actor: str) -> None:
    """From now on so much may be charged; None: the balance is off. Refused where the rate card has another currency."""
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
    budget.charged_before = _taken(session, currency)[2]
    detail = {} if amount is None else {"amount": show_amount(amount), "currency": currency}
    record_audit(
        session, now, actor, AuditAction.TURN_OFF if amount is None else AuditAction.SET, "budget", BUDGET_ID, **detail
    )


def reserve_amount(session: Session, campaign_id: int, areas: Mapping[str | None, int], now: datetime) -> None:
    """Hold back what a campaign that starts may cost for so many people, in the transaction of its start.

    BalanceShort where so much is not free. Without a balance the campaign's rate card is noted all the same.
    """
    query = select(Template.category).join(Campaign, Campaign.template_id == Template.id)
    category = session.scalar(query.where(Campaign.id == campaign_id)) or ""
    balance = read_balance(session, is_locked=True)
    prices = prices_in_force(session)
    need = total_price(prices, areas.items(), category, day_of(now))
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
        )
    )
    session.flush()


def freeze_price(
    session: Session,
    campaign_id: int,
    areas: Callable[[], Sequence[tuple[str | None, int]]],
    *,
    is_last: bool,
) -> str | None:
    """Add the price of a launch's slice. With the last, what is held back becomes the price of everybody who was queued.

    The detail of a pause, where the audience grew since the start and the balance does not cover that: the caller then pauses the
    campaign in this transaction, before anybody is sent to.
    """
    spending = session.get(Spending, campaign_id, populate_existing=True)
    if spending is None or spending.card_id is None:
        return None
    prices = read_prices(session, spending.card_id)
    spending.frozen += total_price(prices, areas(), spending.category, day_of(spending.priced_at))
    lack = spending.frozen - spending.reserved
    if not is_last:
        return None
    balance = read_balance(session, is_locked=True) if lack > 0 else None
    is_short = balance is not None and balance.currency == prices.currency and lack > balance.free
    detail = f"More people than at the start: {shortage(balance, lack)}" if balance is not None and is_short else None
    spending.reserved = spending.frozen
    return detail


def shortage(balance: Balance, need: int) -> str:
    """Why the balance does not cover it, for the operator."""
    if balance.free <= 0:
        return (
            f"the balance of {balance.show(balance.amount)} is used up ({balance.used_pct:g} % with what is held back)."
        )
    return (
        f"it may cost {balance.show(need)} and of the balance of {balance.show(balance.amount)} only "
        f"{balance.show(balance.free)} are free."
    )


def is_covered(session: Session, campaign_id: int, need: int) -> tuple[str | None, str | None]:
    """What blocks and what is to be known, as (blocking, warning) lines for the preflight; both None where no balance is set.

    A campaign that was started holds its part already: it is blocked only where more is promised than there is.
    """
    balance = read_balance(session)
    if balance is None:
        return None, None
    is_started = session.get(Spending, campaign_id) is not None
    if balance.charged >= balance.amount or balance.free < (0 if is_started else max(need, 1)):
        text = shortage(balance, 0 if is_started else need)
        return text[0].upper() + text[1:], None
    pct = balance.pct_with(0 if is_started else need)
    if pct < WARN_FROM:
        return None, None
    text = f"{pct:g} % of the balance of {balance.show(balance.amount)} would be charged or held back."
    return None, text


def mark_reached(session: Session, now: datetime) -> int | None:
    """A mark that the balance passed and nobody was told of yet: told with this, and noted in the audit. None: nothing new."""
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
    if balance.charged >= balance.amount:
        return True
    left = balance.amount - balance.charged - balance.leaving
    return balance.free < 0 and left <= _burn(session) * look_seconds


def _burn(session: Session) -> float:
    """What the active campaigns may send in a second at their pace and their average price."""
    query = (
        select(Campaign, Spending)
        .join(Spending, Spending.campaign_id == Campaign.id)
        .where(Campaign.status == CampaignStatus.ACTIVE, Spending.eligible > 0)
    )
    return sum(
        (campaign.pace_per_second or (campaign.pace_per_hour or 0) / 3600) * spending.frozen / spending.eligible
        for campaign, spending in session.execute(query)
    )


def _taken(session: Session, currency: str) -> tuple[int, int, int]:
    """(reserved, leaving, charged) over all campaigns that are priced in this currency."""
    total: list[ColumnElement[int]] = [
        func.coalesce(func.sum(column), 0) for column in (Spending.reserved, Spending.leaving, Spending.charged)
    ]  # whole numbers, though PostgreSQL's sum of them is a decimal
    query = select(*total).join(RateCard, RateCard.id == Spending.card_id).where(RateCard.currency == currency)
    reserved, leaving, charged = (int(value) for value in session.execute(query).one())
    return reserved, leaving, charged
