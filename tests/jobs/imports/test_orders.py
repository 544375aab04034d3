"""A file of orders: taken once, the newest news of each, and what is refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from jobs.core.runtime import Runtime
from jobs.imports.errors import BadFileError
from jobs.imports.orders import import_orders
from models.tables.order import Order, OrderItem, OrderItemKind
from tests.support.factories.contacts import ALICE_PHONE, BOB_PHONE, alice, bob
from tests.support.import_rig import counts
from tests.support.order_file import FILE, HEADER

pytestmark = pytest.mark.usefixtures("alice_and_bob")


@pytest.fixture
def alice_and_bob(bare_rt: Runtime) -> None:
    """They are contacts."""
    with bare_rt.database.write() as session:
        alice(session)
        bob(session)


@pytest.fixture
def orders_file(tmp_path: Path) -> Path:
    return tmp_path / "orders.csv"


def orders(rt: Runtime) -> dict[str, Order]:
    with rt.database.read() as session:
        return {order.external_id: order for order in session.scalars(select(Order).order_by(Order.id))}


def bought(rt: Runtime) -> set[tuple[OrderItemKind, str]]:
    with rt.database.read() as session:
        return {(row.kind, row.name) for row in session.execute(select(OrderItem.kind, OrderItem.name))}


def test_a_file_of_orders_is_taken_once(bare_rt: Runtime, orders_file: Path) -> None:
    orders_file.write_text(FILE)
    assert counts(import_orders(bare_rt, orders_file, dry_run=True)) == (2, 0, 0, 0)
    assert orders(bare_rt) == {}
    assert counts(import_orders(bare_rt, orders_file)) == (2, 0, 0, 0)
    first = orders(bare_rt)["1"]
    assert (first.number, first.total_milli, first.currency) == ("#1001", 59_900, "EUR")
    assert first.placed_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert first.items == [
        {"title": "Boots", "collection": ["winter", "sale"], "brand": "Acme", "quantity": 2},
        {"title": "Laces", "quantity": 1},
    ]
    kinds = OrderItemKind
    assert bought(bare_rt) == {(kinds.COLLECTION, "winter"), (kinds.COLLECTION, "sale"), (kinds.BRAND, "Acme")}
    assert counts(import_orders(bare_rt, orders_file)) == (0, 0, 2, 0)
    assert counts(import_orders(bare_rt, orders_file, dry_run=True)) == (0, 0, 2, 0)


def test_the_columns_have_other_names_and_a_semicolon_goes_with_a_decimal_comma(
    bare_rt: Runtime, orders_file: Path
) -> None:
    orders_file.write_text(f"Pedido;Tel;Importe;Moneda;Fecha;Notas\n1;{ALICE_PHONE};1234,5;EUR;2026-11-21;x\n")
    names = {
        "Pedido": "order_id",
        "Tel": "phone",
        "Importe": "total",
        "Moneda": "currency",
        "Fecha": "placed_at",
        "Notas": "",
    }
    assert counts(import_orders(bare_rt, orders_file, columns=names)) == (1, 0, 0, 0)
    assert orders(bare_rt)["1"].total_milli == 1_234_500


def test_a_changed_order_is_updated_and_takes_its_things_along(bare_rt: Runtime, orders_file: Path) -> None:
    orders_file.write_text(FILE)
    import_orders(bare_rt, orders_file)
    orders_file.write_text(FILE.replace("Acme", "Bolt").replace(ALICE_PHONE, BOB_PHONE, 1).replace("59.90", "60"))
    would = import_orders(bare_rt, orders_file, dry_run=True)
    assert would.changes == [{"line": 2, "what": "total 59.90 → 60.00; whose it is; the things in it"}]
    assert counts(import_orders(bare_rt, orders_file)) == (0, 1, 1, 0)
    assert (OrderItemKind.BRAND, "Bolt") in bought(bare_rt)
    assert (OrderItemKind.BRAND, "Acme") not in bought(bare_rt)
    assert len({order.contact_id for order in orders(bare_rt).values()}) == 2


def test_bad_lines_are_refused_with_their_number_and_the_others_are_taken(bare_rt: Runtime, orders_file: Path) -> None:
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
    orders_file.write_text(HEADER + "\n".join(lines) + "\n")
    result = import_orders(bare_rt, orders_file)
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
    assert sorted(orders(bare_rt)) == ["1", "2"]
    assert orders(bare_rt)["2"].placed_at == datetime(2026, 11, 20, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("order_id,phone,total,currency", "orders.csv: there is no column 'placed_at'"),
        (HEADER.strip() + ",colour", "orders.csv: the column 'colour' is not one of order_id, phone"),
    ],
)
def test_a_file_with_other_columns_is_refused_whole(
    bare_rt: Runtime, orders_file: Path, header: str, line: str
) -> None:
    orders_file.write_text(header + "\n")
    with pytest.raises(BadFileError) as refused:
        import_orders(bare_rt, orders_file)
    assert str(refused.value).startswith(line)
