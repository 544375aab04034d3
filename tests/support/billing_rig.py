"""A balance, a price for Spain, and campaigns that cost it."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.core.runtime import Runtime
from models.billing.amount import MICRO
from models.billing.balance import (
    Balance,
    read_balance,
    reserve_amount,
    set_balance,
)
from models.billing.rate_cards import Price, save_card
from models.campaigns.launch import begin_launch, launch_slice
from models.campaigns.preflight import preflight
from models.db.engine import Database
from models.tables.campaign import Campaign, CampaignStatus, transition
from models.tables.recipient import Recipient, RecipientState
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact

SPAIN = Price("ES", "marketing", date(2026, 1, 1), MICRO)
"""One each, so that people and amounts are the same number."""


def prepare_balance(session: Session, amount: int | None = None, prices: Sequence[Price] = (SPAIN,)) -> None:
    save_card(session, "EUR", prices, source="rates.csv", now=NOW, actor="cli")
    if amount is not None:
        set_balance(session, amount * MICRO, "EUR", NOW, "cli")


def make_ready(session: Session, people: int, tag: str = "vip", **values: Any) -> Campaign:
    contacts = [make_contact(session, tags={tag: None}) for _ in range(people)]
    assert len(contacts) == people
    return make_campaign(session, audience={"include": [{"tag": tag}]}, **values)


def start_one(database: Database, campaign_id: int, people: int) -> None:
    with database.write() as session:
        transition(session, campaign_id, "start", NOW, started_at=NOW)
        reserve_amount(session, campaign_id, {"+346": people}, NOW)


def launch_whole(database: Database, campaign_id: int, size: int = 20_000) -> None:
    with database.write() as session:
        token = begin_launch(session, campaign_id, NOW)
    assert token is not None
    more = True
    while more:
        with database.write() as session:
            more = launch_slice(session, campaign_id, token, NOW, size)


def balance_of(database: Database) -> Balance:
    with database.read() as session:
        found = read_balance(session)
    assert found is not None
    return found


def sums_of(database: Database) -> tuple[int, int, int]:
    """(charged, reserved, free) in whole units."""
    found = balance_of(database)
    return found.charged // MICRO, found.reserved // MICRO, found.free // MICRO


def rows_of(session: Session, campaign_id: int) -> Sequence[Recipient]:
    return session.scalars(select(Recipient).where(Recipient.campaign_id == campaign_id).order_by(Recipient.id)).all()


def deliver(row: Recipient, **values: Any) -> None:
    row.state, row.accepted_at, row.delivered_at = RecipientState.ACCEPTED, NOW, NOW
    row.pricing_category, row.pricing_type, row.is_billable = "marketing", "regular", True
    for name, value in values.items():
        setattr(row, name, value)


def preflight_keys(database: Database, campaign_id: int) -> tuple[list[str], list[str]]:
    with database.read() as session:
        found = preflight(session, campaign_id, NOW)
    money_keys = {"budget", "price_unknown"}
    return (
        [str(check.text) for check in found.blocking if check.key in money_keys],
        [str(check.text) for check in found.warnings if check.key in money_keys],
    )


def statuses_of(rt: Runtime, *campaign_ids: int) -> list[CampaignStatus]:
    with rt.database.read() as session:
        return [session.get_one(Campaign, campaign_id).status for campaign_id in campaign_ids]
