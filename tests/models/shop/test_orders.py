"""Orders: the newest news of each; and whose they are after a merge or a redaction."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select, text

from jobs.core.runtime import Runtime
from models.config import Settings
from models.contacts.merge import merge_contacts
from models.crypto import new_encryption_key
from models.privacy.data_export import export_person
from models.privacy.redact import redact_person
from models.segments.rule import parse_rule
from models.shop.orders import NewOrder, OrderKey, upsert_orders
from models.tables.order import Order, OrderItem
from tests.support.counting import count_matching
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact, make_order


def test_news_that_are_older_than_what_is_known_change_nothing(bare_rt: Runtime) -> None:
    with bare_rt.database.write() as session:
        contact_id = make_contact(session).id

        def tell(total: int, changed_at: datetime | None) -> tuple[int, int, int]:
            order = NewOrder(OrderKey("s", "1"), contact_id, "#1", total, "EUR", NOW, changed_at=changed_at)
            tally = upsert_orders(session, [order], NOW)
            return tally.created, tally.updated, tally.unchanged

        assert tell(1, NOW) == (1, 0, 0)
        assert tell(2, NOW - timedelta(seconds=1)) == (0, 0, 1)
        assert tell(1, NOW) == (0, 0, 1)
        assert tell(3, NOW + timedelta(seconds=1)) == (0, 1, 0)
        assert session.scalars(select(Order.total_milli)).all() == [3]


def test_a_merge_keeps_the_orders_of_both(bare_rt: Runtime) -> None:
    with bare_rt.database.write() as session:
        winner, loser = make_contact(session), make_contact(session)
        make_order(session, winner)
        make_order(session, loser, collections=["summer"])
        merge_contacts(session, winner.id, loser.id, NOW)
        rule = parse_rule(session, {"all": [{"on": "orders_count", "op": "equal", "value": 2}]})
        assert count_matching(session, rule, NOW) == 1


def test_redaction_wipes_the_orders_and_before_that_the_person_can_have_them(bare_rt: Runtime) -> None:
    with bare_rt.database.write() as session:
        contact = make_contact(session)
        make_order(session, contact, brands=["Acme"], items=[{"title": "Boots", "brand": "Acme"}])
        assert export_person(session, contact.id)["orders"][0]["items"] == [{"title": "Boots", "brand": "Acme"}]
        assert redact_person(session, contact.id, bare_rt.vault, NOW, "ana@example.com")
        assert session.scalar(select(Order.id)) is None
        assert session.scalar(select(OrderItem.order_id)) is None


def test_a_condition_on_orders_reads_one_contacts_orders_in_the_index(sqlite_url: str, tmp_path: Path) -> None:
    rt = Runtime(Settings(sqlite_url, None, tmp_path, encryption_keys=(new_encryption_key(),)))
    with rt.database.read() as session:
        plan = session.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT id FROM contact WHERE (SELECT sum(total_milli) FROM contact_order o "
                "WHERE o.contact_id = contact.id AND o.cancelled_at IS NULL AND o.currency = 'EUR') > 5"
            )
        ).all()
    assert "USING COVERING INDEX ix_contact_order_placed (contact_id=?)" in " ".join(row.detail for row in plan)
    rt.close()
