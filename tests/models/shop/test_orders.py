"""Orders: from a file, once, the newest news of each; and whose they are after a merge or a redaction."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select, text

from jobs.core.runtime import Runtime
from jobs.imports.orders import import_orders
from jobs.imports.reader import BadFileError
from jobs.imports.result import ImportResult
from models.config import Settings
from models.contacts.merge import merge_contacts
from models.crypto import new_encryption_key
from models.privacy.data_export import export_person
from models.privacy.redact import redact_person
from models.segments.rule import parse_rule
from models.shop.orders import NewOrder, OrderKey, upsert_orders
from models.tables.order import Order, OrderItem, OrderItemKind
from tests.support.cli_app import open_shell
from tests.support.counting import count_matching
from tests.support.factories import ALICE_PHONE, BOB_PHONE, NOW, alice, bob, make_contact, make_order

HEADER = "order_id,phone,total,currency,placed_at,number,product,collection,brand,quantity\n"
FILE = (
    HEADER
    + f"1,{ALICE_PHONE},59.90,EUR,2026-11-20T10:00:00+01:00,#1001,Boots,winter;sale,Acme,2\n"
    + "1,,,,,,Laces,,,1\n"
    + f"2,{ALICE_PHONE},0,eur,2026-11-21,#1002,,,,\n"
)


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime(
        Settings(database_url=database_url, redis_url=None, var_dir=tmp_path, encryption_keys=(new_encryption_key(),))
    )
    with made.database.write() as session:
        alice(session)
        bob(session)
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "orders.csv"


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return result.created, result.updated, result.unchanged, result.refused_total


def orders(rt: Runtime) -> dict[str, Order]:
    with rt.database.read() as session:
        return {order.external_id: order for order in session.scalars(select(Order).order_by(Order.id))}


def bought(rt: Runtime) -> set[tuple[OrderItemKind, str]]:
    with rt.database.read() as session:
        return {(row.kind, row.name) for row in session.execute(select(OrderItem.kind, OrderItem.name))}


def test_a_file_of_orders_is_taken_once(rt: Runtime, file: Path) -> None:
    file.write_text(FILE)
    assert counts(import_orders(rt, file, dry_run=True)) == (2, 0, 0, 0)
    assert orders(rt) == {}
    assert counts(import_orders(rt, file)) == (2, 0, 0, 0)
    first = orders(rt)["1"]
    assert (first.number, first.total_milli, first.currency) == ("#1001", 59_900, "EUR")
    assert first.placed_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert first.items == [
        {"title": "Boots", "collection": ["winter", "sale"], "brand": "Acme", "quantity": 2},
        {"title": "Laces", "quantity": 1},
    ]
    kinds = OrderItemKind
    assert bought(rt) == {(kinds.COLLECTION, "winter"), (kinds.COLLECTION, "sale"), (kinds.BRAND, "Acme")}
    assert counts(import_orders(rt, file)) == (0, 0, 2, 0)
    assert counts(import_orders(rt, file, dry_run=True)) == (0, 0, 2, 0)


def test_the_columns_have_other_names_and_a_semicolon_goes_with_a_decimal_comma(rt: Runtime, file: Path) -> None:
    file.write_text(f"Pedido;Tel;Importe;Moneda;Fecha;Notas\n1;{ALICE_PHONE};1234,5;EUR;2026-11-21;x\n")
    names = {
        "Pedido": "order_id",
        "Tel": "phone",
        "Importe": "total",
        "Moneda": "currency",
        "Fecha": "placed_at",
        "Notas": "",
    }
    assert counts(import_orders(rt, file, columns=names)) == (1, 0, 0, 0)
    assert orders(rt)["1"].total_milli == 1_234_500


def test_a_changed_order_is_updated_and_takes_its_things_along(rt: Runtime, file: Path) -> None:
    file.write_text(FILE)
    import_orders(rt, file)
    file.write_text(FILE.replace("Acme", "Bolt").replace(ALICE_PHONE, BOB_PHONE, 1).replace("59.90", "60"))
    would = import_orders(rt, file, dry_run=True)
    assert would.changes == [{"line": 2, "what": "total 59.90 → 60.00; whose it is; the things in it"}]
    assert counts(import_orders(rt, file)) == (0, 1, 1, 0)
    assert (OrderItemKind.BRAND, "Bolt") in bought(rt)
    assert (OrderItemKind.BRAND, "Acme") not in bought(rt)
    assert len({order.contact_id for order in orders(rt).values()}) == 2


def test_bad_lines_are_refused_with_their_number_and_the_others_are_taken(rt: Runtime, file: Path) -> None:
    lines = [
        f"1,{ALICE_PHONE},5,EUR,2026-11-20,,,,,",
        f",{ALICE_PHONE},5,EUR,2026-11-20,,,,,",
        "3,+34600999999,5,EUR,2026-11-20,,,,,",
        "3,,,,,,Shoe,,,1",
        f"4,{ALICE_PHONE},-5,EUR,2026-11-20,,,,,",
        f"5,{ALICE_PHONE},5,euro,2026-11-20,,,,,",
        f"6,{ALICE_PHONE},5,EUR,2026-11-20 10:00,,,,,",
        f"7,{ALICE_PHONE},5,EUR,,,,,,",
        "8,hello,5,EUR,2026-11-20,,,,,",
        f"9,{ALICE_PHONE},5,EUR,2026-11-20 10:00:00 -0500,,,,,",
        "9,,,,,,Boot,,,1",
        "9,,,,,,Shoe,,,many",
        f"1,{ALICE_PHONE},6,EUR,2026-11-20,,,,,",
        f"2,{ALICE_PHONE},5,EUR,2026-11-20 10:00:00 -0500,,,,,",
    ]
    file.write_text(HEADER + "\n".join(lines) + "\n")
    result = import_orders(rt, file)
    assert {refusal["line"]: refusal["reason"] for refusal in result.refused} == {
        3: "the order_id is missing",
        4: "no contact has this phone; import it first",
        5: "line 4 of this order was refused",
        6: "total is '-5', no amount such as 49.90",
        7: "currency is 'euro', no code such as EUR",
        8: "placed_at is '2026-11-20 10:00', no time with its offset such as 2026-03-21T10:00:00+01:00 and no day",
        9: "the placed_at is missing",
        10: "'hello' is no phone number",
        11: "line 13 of this order was refused",
        12: "line 13 of this order was refused",
        13: "quantity is 'many', no whole number",
        14: "this order stands further up too; its lines must follow each other",
    }
    assert sorted(orders(rt)) == ["1", "2"]
    assert orders(rt)["2"].placed_at == datetime(2026, 11, 20, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("order_id,phone,total,currency", "orders.csv: there is no column 'placed_at'"),
        (HEADER.strip() + ",colour", "orders.csv: the column 'colour' is not one of order_id, phone"),
    ],
)
def test_a_file_with_other_columns_is_refused_whole(rt: Runtime, file: Path, header: str, line: str) -> None:
    file.write_text(header + "\n")
    with pytest.raises(BadFileError) as refused:
        import_orders(rt, file)
    assert str(refused.value).startswith(line)


def test_the_command_prints_the_summary_and_exits_1_where_a_line_was_refused(
    tmp_path: Path, sqlite_url: str, redis: Redis, redis_url: str
) -> None:
    with open_shell(tmp_path, sqlite_url, redis_url) as shell:
        with shell.rt.database.write() as session:
            alice(session)
        file = tmp_path / "orders.csv"
        file.write_text(FILE)
        assert shell.data("orders", "import", str(file), "--dry-run")["created"] == 2
        assert shell.data("orders", "import", str(file))["created"] == 2
        file.write_text(FILE + "3,+34600999999,1,EUR,2026-11-21,,,,,\n")
        assert "1 rows were refused, the first on line 5: no contact" in shell.refused("orders", "import", str(file))


def test_news_that_are_older_than_what_is_known_change_nothing(rt: Runtime) -> None:
    with rt.database.write() as session:
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


def test_a_merge_keeps_the_orders_of_both(rt: Runtime) -> None:
    with rt.database.write() as session:
        winner, loser = make_contact(session), make_contact(session)
        make_order(session, winner)
        make_order(session, loser, collections=["summer"])
        merge_contacts(session, winner.id, loser.id, NOW)
        rule = parse_rule(session, {"all": [{"on": "orders_count", "op": "equal", "value": 2}]})
        assert count_matching(session, rule, NOW) == 1


def test_redaction_wipes_the_orders_and_before_that_the_person_can_have_them(rt: Runtime) -> None:
    with rt.database.write() as session:
        contact = make_contact(session)
        make_order(session, contact, brands=["Acme"], items=[{"title": "Boots", "brand": "Acme"}])
        assert export_person(session, contact.id)["orders"][0]["items"] == [{"title": "Boots", "brand": "Acme"}]
        assert redact_person(session, contact.id, rt.vault, NOW, "ana@example.com")
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
