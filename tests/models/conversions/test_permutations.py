"""However clicks, statuses, orders and refunds arrive, the figures are the same, and a recount agrees."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from models.contacts.merge import merge_contacts
from models.conversions.derive import apply_changes, has_changes, recount_people
from models.conversions.figures import conversions_of
from models.conversions.goals import CampaignGoal
from models.shop.orders import NewOrder, OrderKey, upsert_orders
from models.shop.refunds import NewRefund, store_refunds
from models.tables.campaign import Campaign
from models.tables.contact import Contact
from models.tables.conversion import AttributionModel
from models.tables.goal import GoalEvent
from models.tables.recipient import Recipient
from tests.support import proof
from tests.support.factories.contacts import make_contact
from tests.support.factories.conversions import WEEK, at, campaign_with_goals, reached

DAY = CampaignGoal(GoalEvent.PURCHASE, 1, False)
Event = Callable[[Session], object]


@pytest.mark.sqlite_unless_proved
def test_any_order_of_arrival_makes_the_same_figures(session: Session) -> None:
    chance = proof.dice(33)
    first: list[object] = []
    for turn in range(proof.rounds(6, 60)):
        campaigns = [campaign_with_goals(session, WEEK), campaign_with_goals(session, DAY, WEEK)]
        shop, events = f"shop {turn}", list[Event]()
        for place in range(3):
            person, double = make_contact(session), make_contact(session)
            events += _of_person(session, (person.id, double.id), shop, place, campaigns)
        events += chance.sample(events, len(events) // 3)  # some come twice
        _happen(session, events, chance)
        figures = [_figures(session, campaign.id) for campaign in campaigns]
        assert _differences(session) == 0
        first = first or figures
        assert figures == first
    assert first[0] != first[1]


def _of_person(
    session: Session, records: tuple[int, int], shop: str, place: int, campaigns: Sequence[Campaign]
) -> list[Event]:
    """What happens to a person with two records: two messages with statuses, three orders, one cancelled, and refunds of two."""
    events: list[Event] = []
    for number, campaign in enumerate(campaigns):
        contact = session.get_one(Contact, records[number])
        row = reached(session, campaign, contact, delivered=None)
        events.append(_status(row.id, "delivered_at", 1 + number))
        if (place + number) % 2:
            events.append(_status(row.id, "read_at", 30 + 10 * number))
    orders = [
        NewOrder(
            OrderKey(shop, f"{place}-{number}"), records[0], "", 10_000 + place, "EUR", at(minutes), None, [], at(0)
        )
        for number, minutes in enumerate((5, 100, 3000))
    ]
    orders.append(replace(orders[2], currency="USD", cancelled_at=at(3100), changed_at=at(3100)))
    events += [_orders(order) for order in orders]
    events.append(_refunds(shop, NewRefund(f"{place}-0", "a", 1_000, "EUR", at(50))))
    events.append(_refunds(shop, NewRefund(f"{place}-0", "b", 2_000, "EUR", at(51))))
    events.append(_refunds(shop, NewRefund(f"{place}-1", "c", 10_000 + place, "EUR", at(200))))
    events.append(_merge(*records))
    return events


def _status(recipient_id: int, column: str, minutes: float) -> Event:
    time = getattr(Recipient, column)
    values = {column: func.coalesce(time, at(minutes))}
    return lambda session: session.execute(update(Recipient).where(Recipient.id == recipient_id).values(values))


def _orders(order: NewOrder) -> Event:
    return lambda session: upsert_orders(session, [order], at(0))


def _refunds(shop: str, refund: NewRefund) -> Event:
    return lambda session: store_refunds(session, shop, [refund], at(0))


def _merge(winner_id: int, loser_id: int) -> Event:
    def merge(session: Session) -> None:
        if session.get_one(Contact, loser_id, populate_existing=True).merged_into_id is None:
            merge_contacts(session, winner_id, loser_id, at(0))

    return merge


def _happen(session: Session, events: Sequence[Event], chance: random.Random) -> None:
    """All of them in a random order, with attributions between them."""
    for event in chance.sample(events, len(events)):
        event(session)
        if chance.random() < 0.2:
            apply_changes(session, limit=chance.randint(1, 5))
    while has_changes(session):
        apply_changes(session)


def _figures(session: Session, campaign_id: int) -> object:
    return [conversions_of(session, [campaign_id], model)[campaign_id] for model in AttributionModel]


def _differences(session: Session) -> int:
    count, after = 0, 0
    while (found := recount_people(session, after)) is not None:
        after, count = found.last_contact_id, count + found.differences
    return count
