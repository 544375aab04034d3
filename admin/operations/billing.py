"""Manages rate cards and the balance, and estimates and recounts what campaigns cost, for command line and panel."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations.answers import free_answers
from admin.operations.rate_file import RateFile, read_rate_file
from jobs.campaigns import spending as spend
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.audience.reach import estimate_reach
from models.billing.amount import read_amount, read_currency, show_amount
from models.billing.balance import Balance, BalanceState, read_balance, set_balance
from models.billing.estimate import Estimate, estimate_cost, estimate_started
from models.billing.known_sums import known_sums
from models.billing.price_groups import price_groups
from models.billing.rate_cards import day_of, newest_card, read_prices, save_card
from models.campaigns.maximum_price import campaign_price_cap
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.billing import RateCard, Spending
from models.tables.campaign import Campaign, get_campaign


def load_rates(rt: Runtime, path: Path, actor: str) -> dict[str, Any]:
    """Store the rate card in a file, valid from now on; return `id`, `currency`, `prices` (their count) and `source`.

    Raises OperatorError if a row is wrong or the balance has another currency.
    """
    return save_rates(rt, read_rate_file(path), path.name, actor)


@retry_conflicts
def save_rates(rt: Runtime, file: RateFile, source: str, actor: str) -> dict[str, Any]:
    """Store a rate card that was read; the result is that of `load_rates`.

    Raises OperatorError if the balance has another currency.
    """
    now = utcnow()
    with rt.database.write() as session:
        balance = read_balance(session, is_locked=True)
        if balance is not None and balance.currency != file.currency:
            raise OperatorError(
                "{source}: the prices are in {currency} and the balance in {currency_2}; turn it off first",
                source=source,
                currency=file.currency,
                currency_2=balance.currency,
            )
        card_id = save_card(session, file.currency, file.prices, source=source, now=now, actor=actor)
        record_audit(
            session, now, actor, AuditAction.LOAD, "rate_card", card_id, source=source, prices=len(file.prices)
        )
    return {"id": card_id, "currency": file.currency, "prices": len(file.prices), "source": source}


def show_rates(rt: Runtime) -> dict[str, Any]:
    """The newest rate card with all its prices; `is_current` marks those of today. Raises OperatorError if none was loaded."""
    today = day_of(utcnow())
    with rt.database.read() as session:
        card = newest_card(session)
        if card is None:
            raise OperatorError("no rate card is loaded, so every price is unknown: flask rates load FILE")
        prices = read_prices(session, card.id)
    rows = [
        {
            "country": country,
            "category": category,
            "amount": show_amount(amount),
            "valid_from": since.isoformat(),
            "is_current": since == max((day for day, _ in dated if day <= today), default=None),
        }
        for (country, category), dated in sorted(prices.rows.items())
        for since, amount in dated
    ]
    return {
        "id": card.id,
        "currency": card.currency,
        "source": card.source,
        "loaded_at": card.loaded_at.isoformat(),
        "loaded_by": card.loaded_by,
        "rates": rows,
    }


@retry_conflicts
def set_budget(rt: Runtime, amount: str, currency: str, actor: str) -> dict[str, Any]:
    """Set the balance that may be spent from now on, and return `show_budget`.

    Raises OperatorError if `amount` is no amount or the rate card has another currency.
    """
    micro, code = read_amount(amount), read_currency(currency)
    now = utcnow()
    # What was charged until now must not be charged to the new balance.
    spend.recount_spending(rt, now, since=now - spend.WATCHED_FOR)
    spend.recount_answers(rt, now)
    with rt.database.write() as session:
        set_balance(session, micro, code, now, actor)
    return show_budget(rt)


@retry_conflicts
def turn_budget_off(rt: Runtime, actor: str) -> None:
    """Remove the balance, so that nothing limits spending. Raises OperatorError if none is set."""
    with rt.database.write() as session:
        balance = read_balance(session, is_locked=True)
        if balance is None:
            raise OperatorError("no balance is set")
        set_balance(session, None, balance.currency, utcnow(), actor)


def show_budget(rt: Runtime) -> dict[str, Any]:
    """The balance and what campaigns used of it, as `balance_json`."""
    with rt.database.read() as session:
        return balance_json(read_balance(session))


def balance_json(balance: Balance | None) -> dict[str, Any]:
    """The public form of a balance; `{"is_on": False}` if none is set."""
    if balance is None:
        return {"is_on": False}
    return {
        "is_on": True,
        "currency": balance.currency,
        "amount": show_amount(balance.amount),
        "charged": show_amount(balance.charged),
        "reserved": show_amount(balance.reserved),
        "free": show_amount(balance.free),
        "used_pct": balance.used_pct,
        "state": balance.state.value,
    }


def budget_notice(rt: Runtime) -> str | None:
    """A sentence for the panel while the balance is low; None if it is not, or none is set."""
    with rt.database.read() as session:
        return spending_notice(read_balance(session))


def spending_notice(balance: Balance | None) -> str | None:
    """The sentence of `budget_notice` for a balance that was read."""
    if balance is None or balance.state is BalanceState.OK:
        return None
    return (
        f"{balance.used_pct:g} % of the balance of {balance.show(balance.amount)} is charged or held back; "
        f"{balance.show(max(0, balance.free))} are free."
    )


def recent_spending(rt: Runtime, limit: int = 20) -> list[dict[str, Any]]:
    """What the newest campaigns were charged and reserve.

    `currency` is None if there was no rate card at their start, `charged` and `reserved` are None where they are unknown.
    """
    query = (
        select(Spending, Campaign.name, Campaign.kind, RateCard.currency)
        .join(Campaign, Campaign.id == Spending.campaign_id)
        .outerjoin(RateCard, RateCard.id == Spending.card_id)
        .where(Campaign.deleted_at.is_(None))
        .order_by(Spending.campaign_id.desc())
        .limit(limit)
    )
    with rt.database.read() as session:
        rows = [(*row, known_sums(session, row.Spending)) for row in session.execute(query)]
    return [
        {
            "id": spending.campaign_id,
            "name": name,
            "kind": kind.value,
            "currency": currency,
            "charged": _shown(sums.charged),
            "reserved": _shown(sums.reserved),
            "unpriced": spending.unpriced,
            "untold": spending.untold,
        }
        for spending, name, kind, currency, sums in rows
    ]


def recount_spending(rt: Runtime) -> dict[str, Any]:
    """Count every campaign's sums again, and those of answers.

    `changed` lists the ids of the campaigns whose stored sums differed, `changed_months` the months (2026-11) of answers.
    """
    now = utcnow()
    return {"changed": spend.recount_spending(rt, now), "changed_months": spend.recount_answers(rt, now)}


def estimate_campaign(rt: Runtime, campaign_id: int) -> dict[str, Any]:
    """What a campaign may cost, and `spent` and `prices` (what Meta said of them) for one that was started.

    `answers` says how many service messages of its number are still free this month, and what one costs beyond them.

    It reads the database alone, and eligibility as of now. Raises CampaignNotFoundError if there is none, OperatorError if it is
    not complete.
    """
    now = utcnow()
    with rt.database.read() as session:
        campaign = get_campaign(session, campaign_id)
        spending = session.get(Spending, campaign_id)
        if spending:
            estimate = _estimate_of_started(session, campaign, spending, now)
        else:
            estimate = _estimate_of_ready(session, campaign, now)
        return {"id": campaign_id, **estimate, "balance": balance_json(read_balance(session))}


def _estimate_of_ready(session: Session, campaign: Campaign, now: datetime) -> dict[str, Any]:
    if campaign.template is None or campaign.number is None or not campaign.audience.get("include"):
        raise OperatorError(
            "campaign {campaign_id}: it needs a number, a template and an audience to be estimated",
            campaign_id=campaign.id,
        )
    reach = estimate_reach(session, campaign, now)
    cost = estimate_cost(
        session, campaign.template.category, reach.areas or {}, now, campaign_price_cap(session, campaign)
    )
    return estimate_json(session, campaign, cost, now)


def _estimate_of_started(session: Session, campaign: Campaign, spending: Spending, now: datetime) -> dict[str, Any]:
    groups = price_groups(session, spending.campaign_id)
    prices = [asdict(group) | {"cost": _shown(group.cost)} for group in groups]
    estimate = estimate_json(session, campaign, estimate_started(session, spending), now)
    return estimate | {"spent": _spent_json(session, spending), "prices": prices}


def estimate_json(session: Session, campaign: Campaign, cost: Estimate, now: datetime) -> dict[str, Any]:
    """The public form of a campaign that was not started, with what answers to it cost: they are charged apart."""
    answers = None
    if campaign.number_id is not None:
        answers = free_answers(session, campaign.number_id, now) | {"prices": cost.answer_prices()}
    return cost.to_json() | {"spent": None, "prices": [], "answers": answers}


def spent_by(rt: Runtime, campaign_id: int) -> dict[str, Any] | None:
    """What a campaign has cost so far, as `spent` of `estimate_campaign`; None if it was not started."""
    with rt.database.read() as session:
        spending = session.get(Spending, campaign_id)
        return None if spending is None else _spent_json(session, spending)


def _spent_json(session: Session, spending: Spending) -> dict[str, Any]:
    sums = known_sums(session, spending)
    return {
        "charged": _shown(sums.charged),
        "reserved": _shown(sums.reserved),
        "billed": spending.billed,
        "unpriced": spending.unpriced,
        "untold": spending.untold,
        "counted_at": spending.counted_at.isoformat() if spending.counted_at else None,
    }


def _shown(amount: int | None) -> str | None:
    return None if amount is None else show_amount(amount)
