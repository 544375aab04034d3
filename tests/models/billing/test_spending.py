"""What campaigns cost, worked out from their rows: against the same said row by row, and whatever order statuses come in."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.billing.amount import MICRO
from models.billing.charges import Charges, campaign_charges
from models.billing.estimate import DeliveryShares, estimate_cost, past_delivery_shares
from models.billing.price_area import country_of
from models.billing.rate_cards import Price, Prices, prices_in_force, save_card
from models.billing.spending import (
    CountedCampaign,
    Spent,
    count_campaign,
    priced_campaigns,
    refresh_spending,
    spending_differs,
)
from models.db.engine import Database
from models.events.statuses.apply import apply_statuses
from models.events.types import Callback, Failure, Pricing, Status
from models.tables.billing import Spending
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.contact import Contact
from models.tables.recipient import NotSent, Recipient, RecipientState
from tests.support.factories.campaigns import make_campaign, make_lane, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.proof import rounds

MINE = "inst"
START, CHANGE = date(2026, 1, 1), (NOW + timedelta(days=2)).date()
CARD = [
    Price("ES", "marketing", START, 50_000),
    Price("ES", "marketing", CHANGE, 61_500),
    Price("ES", "utility", START, 20_000),
    Price("US", "marketing", START, 33_333),
    Price("*", "utility", START, 7),
]
AREAS = ["ES+346", "+346", "US+1201", "+1416", "FR+336", "", None]


def _campaign(session: Session, **values: Any) -> Campaign:
    card_id = save_card(session, "EUR", CARD, source="rates.csv", now=NOW, actor="cli")
    given: dict[str, Any] = {"status": CampaignStatus.ACTIVE, "launched_at": NOW}
    campaign = make_campaign(session, **(given | values))
    session.add(Spending(campaign_id=campaign.id, card_id=card_id, category="marketing", priced_at=NOW))
    session.flush()
    return campaign


def _count(session: Session, campaign: Campaign, now: datetime = NOW) -> CountedCampaign:
    spending = session.get_one(Spending, campaign.id)
    return count_campaign(session, spending, campaign.ended_at, now)


MOMENTS = st.one_of(
    st.none(), st.sampled_from([NOW, NOW + timedelta(days=1), NOW + timedelta(days=3), NOW + timedelta(days=40)])
)
FATES = st.fixed_dictionaries(
    {
        "state": st.sampled_from(list(RecipientState)),
        "price_area": st.sampled_from(AREAS),
        "pricing_category": st.sampled_from([None, "marketing", "utility", "UTILITY", "service"]),
        "pricing_type": st.sampled_from([None, "regular", "free_entry_point", "new_kind"]),
        "is_billable": st.sampled_from([None, True, False]),
        "delivered_at": MOMENTS,
        "read_at": MOMENTS,
        "failed_at": MOMENTS,
        "named": st.sampled_from([(None, None), (123_457, "EUR"), (1, "EUR"), (99, "USD")]),
    }
)
"""`named` is the cost that Meta named, and its currency."""


def naive(row: Recipient, prices: Prices) -> tuple[int, int, int]:
    """(reserved, charged, released) of one row, in plain words; what it might have cost is their sum."""
    country = country_of(row.price_area or "")
    held = prices.at(country, "marketing", NOW.date()) or 0
    got_at = row.delivered_at or row.read_at
    told = {"regular": True, "free_entry_point": False}
    billable = told.get(row.pricing_type or "", row.is_billable)
    if row.state in {RecipientState.NOT_SENT, RecipientState.REFUSED}:
        return 0, 0, held
    is_accepted = row.state is RecipientState.ACCEPTED
    if is_accepted and got_at and billable and row.cost_currency is not None:
        return 0, row.cost or 0 if row.cost_currency == "EUR" else 0, 0
    if is_accepted and got_at and billable:
        return 0, prices.at(country, row.pricing_category or "marketing", got_at.date()) or 0, 0
    was_answered = row.state in {RecipientState.ACCEPTED, RecipientState.HELD}
    has_failed = was_answered and row.failed_at is not None and got_at is None
    return (0, 0, held) if has_failed or billable is False else (held, 0, 0)


@settings(max_examples=rounds(40, 800), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fates=st.lists(FATES, min_size=1, max_size=12))
def test_the_sums_are_those_of_the_rows_one_by_one(sqlite_url: str, fates: list[dict[str, Any]]) -> None:
    _compare(sqlite_url, fates)


@settings(max_examples=rounds(15, 300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fates=st.lists(FATES, min_size=1, max_size=12))
def test_the_sums_are_those_of_the_rows_one_by_one_on_postgresql(
    postgres_url: str, fates: list[dict[str, Any]]
) -> None:
    _compare(postgres_url, fates)


def _compare(url: str, fates: list[dict[str, Any]]) -> None:
    with undone(url) as session:
        campaign = _campaign(session)
        lane = make_lane(session, campaign.number)
        for fate in fates:
            reason = NotSent.OPERATOR if fate["state"] is RecipientState.NOT_SENT else None
            contact = make_contact(session)
            cost, currency = fate["named"]
            values = {name: value for name, value in fate.items() if name != "named"}
            values |= {"cost": cost, "cost_currency": currency}
            make_recipient(session, campaign, contact, reason=reason, lane_id=lane.id, **values)
        prices = prices_in_force(session)
        rows = session.scalars(select(Recipient)).all()
        parts = [naive(row, prices) for row in rows]
        spent, charges = _count(session, campaign, NOW + timedelta(days=60))
        assert (spent.reserved, spent.charged) == (sum(part[0] for part in parts), sum(part[1] for part in parts))
        assert spent.eligible == sum(row.state is not RecipientState.NOT_SENT for row in rows)
        at_launch = sum(prices.at(country_of(row.price_area or ""), "marketing", NOW.date()) or 0 for row in rows)
        same_price = all(
            fate["pricing_category"] in {None, "marketing"} and fate["named"] == (None, None) for fate in fates
        )
        if same_price and all((row.delivered_at or row.read_at or NOW).date() < CHANGE for row in rows):
            released = sum(part[2] for part in parts)
            assert spent.reserved + spent.charged + released == at_launch, "nothing appears and nothing is lost"
        _compare_charges(charges, spent, rows, prices)


def _compare_charges(charges: Charges, spent: Spent, rows: Iterable[Recipient], prices: Prices) -> None:
    in_card = [found for key, found in charges.items() if key.currency == "EUR"]
    others = [found for key, found in charges.items() if key.currency != "EUR"]
    assert sum(found.charged for found in in_card) == spent.charged
    assert sum(found.messages for found in in_card + others) == spent.billed
    assert sum(found.messages for found in others) == spent.unpriced
    expected: Counter[tuple[date, str, str]] = Counter()
    for row in rows:
        got_at, told = row.delivered_at or row.read_at, {"regular": True, "free_entry_point": False}
        if row.state is RecipientState.ACCEPTED and got_at and told.get(row.pricing_type or "", row.is_billable):
            country = country_of(row.price_area or "") or ""
            expected[got_at.date().replace(day=1), country, (row.pricing_category or "marketing").lower()] += 1
    counted: Counter[tuple[date, str, str]] = Counter()
    for key, found in charges.items():
        counted[key[:3]] += found.messages
    assert counted == expected


@contextmanager
def undone(url: str) -> Iterator[Session]:
    """A session of which nothing stays, so that one database serves every example."""
    database = Database(url)
    with Session(database.write_engine) as session:
        yield session
        session.rollback()
    database.dispose()


REGULAR = Pricing("marketing", "regular", True)


def _status(row: Recipient, kind: str, at: float, pricing: Pricing | None = REGULAR) -> Status:
    failure = Failure(131026, "no") if kind == "failed" else None
    return Status(
        wamid=f"w{row.id}",
        status=kind,  # type: ignore[arg-type]
        at=NOW + timedelta(seconds=at),
        callback=Callback(MINE, recipient_id=row.id, message_id=None, attempt=1),
        phone_number_id=None,
        failure=failure,
        pricing=pricing,
    )


@settings(max_examples=rounds(25, 500), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_statuses_that_come_late_twice_or_in_disorder_charge_once(sqlite_url: str, data: st.DataObject) -> None:
    with undone(sqlite_url) as session:
        campaign = _campaign(session)
        rows = []
        for _ in range(3):
            contact = make_contact(session)
            row = make_recipient(
                session,
                campaign,
                contact,
                state=RecipientState.ACCEPTED,
                accepted_at=NOW,
                attempts=1,
                price_area="+346",
            )
            row.wamid = f"w{row.id}"
            rows.append(row)
        session.flush()
        told = [_status(rows[0], kind, at) for at, kind in enumerate(["sent", "delivered", "read"])]
        told += [_status(rows[1], "sent", 0), _status(rows[1], "failed", 5, None)]
        told.append(_status(rows[2], "sent", 0))
        deck = data.draw(st.permutations(told + told))
        size = data.draw(st.integers(1, len(deck)))
        for start in range(0, len(deck), size):
            apply_statuses(session, deck[start : start + size], NOW, MINE)
        session.expire_all()
        spent, _ = _count(session, campaign)
    assert (spent.charged, spent.reserved, spent.billed) == (50_000, 50_000, 1)


def test_the_one_who_was_delivered_is_charged_on_both_databases(database: Database) -> None:
    with database.write() as session:
        campaign = _campaign(session)
        contact = make_contact(session)
        row = make_recipient(
            session, campaign, contact, state=RecipientState.ACCEPTED, accepted_at=NOW, attempts=1, price_area="+346"
        )
    for _ in range(2):
        with database.write() as session:
            apply_statuses(session, [_status(row, "delivered", 1), _status(row, "delivered", 1)], NOW, MINE)
    with database.write() as session:
        counted = _count(session, campaign)
        refresh_spending(session, campaign.id, counted, NOW)
        late = CountedCampaign(replace(counted.spent, charged=0), {})
        refresh_spending(session, campaign.id, late, NOW - timedelta(seconds=1))  # of another process that read earlier
    with database.read() as session:
        ((spending, _),) = priced_campaigns(session)
        assert (spending.charged, spending.reserved) == (50_000, 0)
        assert not spending_differs(spending, counted.spent)
        assert campaign_charges(session, campaign.id) == counted.charges


def test_an_estimate_is_low_expected_and_high_by_country_and_counts_the_unknown(database: Database) -> None:
    with database.write() as session:
        areas: dict[str | None, int] = {"ES+346": 700, "+346": 300, "US+1201": 30, "FR+336": 5, "": 2}
        bare = estimate_cost(session, "MARKETING", areas, NOW)
        assert (bare.people, bare.unknown_people, bare.to_json()["high"]) == (1037, 1037, None), "no card, no price"
        save_card(session, "EUR", CARD, source="rates.csv", now=NOW, actor="cli")
        found = estimate_cost(session, "MARKETING", areas, NOW)
        assert [(line.country, line.people, line.price) for line in found.lines] == [
            ("ES", 1000, 50_000),
            ("US", 30, 33_333),
            ("FR", 5, None),
            (None, 2, None),
        ]
        assert found.high == 1000 * 50_000 + 30 * 33_333
        data = found.to_json()
        assert (data["low"], data["expected"], data["high"]) == ("35.699993", "45.899991", "50.99999")
        assert data["unknown_people"] == 7
        assert data["lines"][2] == {
            "country": "FR",
            "category": "marketing",
            "people": 5,
            "price": None,
            "low": None,
            "expected": None,
            "high": None,
        }
        none = estimate_cost(session, "MARKETING", {}, NOW).to_json()
        assert (none["high"], none["people"]) == ("0.00", 0)


def test_enough_campaigns_of_the_past_replace_the_assumption(database: Database) -> None:
    with database.write() as session:
        assert past_delivery_shares(session, "MARKETING") == DeliveryShares(0.7, 0.9, 0)
        for eligible, billed in ((1000, 900), (500, 250), (500, 450)):
            campaign = _campaign(session, status=CampaignStatus.ENDED)
            spending = session.get_one(Spending, campaign.id)
            spending.eligible, spending.billed, spending.charged = eligible, billed, billed * MICRO
        session.flush()
        assert past_delivery_shares(session, "MARKETING") == DeliveryShares(0.5, 0.8, 3)
        assert past_delivery_shares(session, "UTILITY").campaigns == 0
        session.execute(delete(Spending).where(Spending.campaign_id == campaign.id))
        assert past_delivery_shares(session, "MARKETING").campaigns == 0, "two are not enough"
        assert session.scalar(select(Contact.id).limit(1)) is None
