"""Conversions follow orders, refunds and messages, whatever comes first, and a recount finds what is stored."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from models.contacts.merge import merge_contacts
from models.conversions.derive import apply_changes, attribute_people, has_changes, recount_people
from models.crypto import Vault, new_encryption_key
from models.db.engine import Database
from models.privacy.data_export import export_person
from models.privacy.redact import redact_person
from models.shop.orders import NewOrder, OrderKey, upsert_orders
from models.shop.refunds import NewRefund, purge_refunds, store_refunds
from models.tables.conversion import AttributionModel, Conversion, ConversionChange, Touch
from models.tables.order_refund import OrderRefund
from models.tables.recipient import Recipient
from tests.support.factories.campaigns import make_campaign
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_contact, make_order
from tests.support.factories.conversions import at, attributed, campaign_with_goals, reached, refund


def differences(session: Session) -> int:
    """What a recount of everybody finds."""
    count, after = 0, 0
    while (found := recount_people(session, after, limit=2)) is not None:
        after, count = found.last_contact_id, count + found.differences
    return count


def test_an_order_is_attributed_again_when_a_status_comes_late(session: Session) -> None:
    campaign, person = campaign_with_goals(session), alice(session)
    order = make_order(session, person, placed_at=at(100), total=30)
    assert attributed(session) == {}
    recipient = reached(session, campaign, person, delivered=None)
    assert attributed(session) == {}
    for column, touch in ((Recipient.delivered_at, Touch.DELIVERED), (Recipient.read_at, Touch.READ)):
        session.execute(update(Recipient).values({column: at(50)}))
        assert has_changes(session)
        assert attributed(session) == {order.id: (campaign.id, touch, 30_000)}
    row = session.get_one(Conversion, (order.id, AttributionModel.LAST_TOUCH))
    assert (row.recipient_id, row.touched_at, row.within_days) == (recipient.id, at(50), 1)
    assert not has_changes(session)
    assert differences(session) == 0


def test_statuses_of_a_campaign_without_goals_and_of_a_message_that_reached_nobody_note_nothing(
    session: Session,
) -> None:
    reached(session, make_campaign(session), alice(session), read=5)
    reached(session, campaign_with_goals(session), make_contact(session), delivered=None)
    session.execute(update(Recipient).values(error_msg="x", accepted_at=at(2)).where(Recipient.delivered_at.is_(None)))
    assert not has_changes(session)


def test_an_order_that_changes_or_is_cancelled_changes_its_conversion(session: Session) -> None:
    campaign, person = campaign_with_goals(session), alice(session)
    reached(session, campaign, person)

    def tell(hours: int, **values: object) -> object:
        given = {"total_milli": 50_000, "currency": "EUR", "placed_at": at(100), "number": "#1"} | values
        new = NewOrder(OrderKey("s", "1"), person.id, changed_at=NOW + timedelta(hours=hours), **given)  # type: ignore[arg-type]
        upsert_orders(session, [new], NOW)
        return [(kept[0], kept[2]) for kept in attributed(session).values()]

    assert tell(1) == [(campaign.id, 50_000)]
    assert tell(2, total_milli=40_000, gross_milli=50_000) == [(campaign.id, 40_000)]
    assert tell(3, refunded_milli=20_000) == [(campaign.id, 30_000)]
    assert tell(4, cancelled_at=at(200)) == []
    assert tell(3) == []  # it comes late
    assert tell(5, placed_at=at(-1)) == []  # before the message
    assert tell(6) == [(campaign.id, 50_000)]
    assert differences(session) == 0


def test_refunds_subtract_once_before_and_after_their_order_and_not_in_another_currency(session: Session) -> None:
    campaign, person = campaign_with_goals(session), alice(session)
    reached(session, campaign, person)
    store_refunds(session, "", [NewRefund("early", "r1", 5_000, "EUR", at(60))], at(60))
    upsert_orders(session, [NewOrder(OrderKey("", "early"), person.id, "", 30_000, "EUR", at(50))], at(70))
    [order_id] = attributed(session)
    assert attributed(session)[order_id] == (campaign.id, Touch.DELIVERED, 25_000)
    store_refunds(session, "", [NewRefund("early", "r1", 5_000, "EUR", at(60))], at(71))
    store_refunds(session, "", [NewRefund("early", "r1", 0, "EUR", at(60))], at(71))
    store_refunds(session, "", [NewRefund("early", "r2", 10_000, "EUR", at(80))], at(80))
    store_refunds(session, "", [NewRefund("early", "r3", 9_000, "USD", at(80))], at(80))
    assert attributed(session)[order_id][2] == 15_000
    assert differences(session) == 0
    store_refunds(session, "", [NewRefund("never", "r4", 9_000, "EUR", at(80))], at(80))
    assert purge_refunds(session, NOW + timedelta(days=29)) == 0
    assert purge_refunds(session, NOW + timedelta(days=31)) == 1
    assert session.scalar(select(func.count()).select_from(OrderRefund)) == 3


def test_a_merge_brings_order_and_message_together(session: Session) -> None:
    campaign, winner, loser = campaign_with_goals(session), alice(session), make_contact(session)
    reached(session, campaign, loser)
    order = make_order(session, winner, placed_at=at(100))
    assert attributed(session) == {}
    merge_contacts(session, winner.id, loser.id, NOW)
    assert attributed(session) == {order.id: (campaign.id, Touch.DELIVERED, 10_000)}
    assert differences(session) == 0


def test_redaction_takes_the_conversions_with_the_orders_and_the_person_could_have_had_them(session: Session) -> None:
    campaign, person = campaign_with_goals(session), alice(session)
    reached(session, campaign, person, read=5)
    order = make_order(session, person, placed_at=at(100))
    refund(session, order, 4)
    attributed(session)
    exported = export_person(session, person.id)
    assert [(row["campaign"], row["model"], row["touch"]) for row in exported["conversions"]] == [
        ("Spring", "first_touch", "read"),
        ("Spring", "last_touch", "read"),
    ]
    assert exported["refunds"][0]["amount_milli"] == 4_000
    assert redact_person(session, person.id, Vault((new_encryption_key(),)), NOW, "dpo")
    assert attributed(session) == {}
    assert session.scalar(select(OrderRefund.id)) is None
    assert differences(session) == 0


def test_a_purged_message_leaves_the_order_to_the_message_before(session: Session) -> None:
    former, campaign, person = campaign_with_goals(session), campaign_with_goals(session), alice(session)
    reached(session, former, person)
    newer = reached(session, campaign, person, read=5)
    order = make_order(session, person, placed_at=at(100))
    assert attributed(session)[order.id][0] == campaign.id
    session.execute(delete(Recipient).where(Recipient.id == newer.id))
    assert attributed(session)[order.id][0] == former.id
    assert differences(session) == 0


def test_a_recount_mends_what_was_changed_by_hand_and_counts_it(session: Session) -> None:
    campaign, person, other = campaign_with_goals(session), alice(session), make_contact(session)
    for somebody in (person, other):
        reached(session, campaign, somebody)
        make_order(session, somebody, placed_at=at(100))
    before = attributed(session)
    session.execute(update(Conversion).values(total_milli=1).where(Conversion.model == AttributionModel.LAST_TOUCH))
    session.execute(delete(Conversion).where(Conversion.order_id == min(before)))
    assert differences(session) == 2
    assert attributed(session) == before
    assert differences(session) == 0


def test_a_change_that_waits_is_no_difference_of_a_recount(session: Session) -> None:
    campaign, person = campaign_with_goals(session), alice(session)
    reached(session, campaign, person)
    make_order(session, person, placed_at=at(100))
    assert has_changes(session)
    assert differences(session) == 0


def test_changes_are_applied_in_turns_and_only_those_that_were_read_are_deleted(session: Session) -> None:
    campaign = campaign_with_goals(session)
    for _ in range(3):
        person = make_contact(session)
        reached(session, campaign, person)
        make_order(session, person, placed_at=at(100))
    waiting = session.scalar(select(func.count()).select_from(ConversionChange))
    assert apply_changes(session, limit=2) == 2
    assert session.scalar(select(func.count()).select_from(ConversionChange)) == (waiting or 0) - 2
    assert len(attributed(session)) == 3


def test_a_change_that_is_committed_after_a_later_one_is_found(database: Database) -> None:
    """The ids of changes are given before the commit, so on PostgreSQL a smaller one may come after a larger one."""
    if database.is_sqlite:
        pytest.skip("SQLite has one writer")
    with database.write() as session:
        campaign, slow, fast = campaign_with_goals(session), alice(session), make_contact(session)
        reached(session, campaign, slow)
        reached(session, campaign, fast)
        attributed(session)
        ids = (slow.id, fast.id)
    with Session(database.write_engine) as late:
        late.execute(update(Recipient).values(read_at=at(5)).where(Recipient.contact_id == ids[0]))
        make_order(late, late.get_one(type(slow), ids[0]), placed_at=at(100))
        with database.write() as session:
            make_order(session, session.get_one(type(fast), ids[1]), placed_at=at(100))
        with database.write() as session:
            assert len(attributed(session)) == 1
        late.commit()
    with database.write() as session:
        assert len(attributed(session)) == 2
        assert not has_changes(session)


def test_nobody_is_attributed_twice_by_the_same_facts(session: Session) -> None:
    campaign, person = campaign_with_goals(session), alice(session)
    reached(session, campaign, person)
    make_order(session, person, placed_at=at(100))
    wanted, different = attribute_people(session, [person.id])
    assert (len(wanted), len(different)) == (2, 2)
    assert attribute_people(session, [person.id]) == (wanted, set())
