"""The column `refunded` of an orders file."""

from pathlib import Path

import pytest
from sqlalchemy import select

from jobs.core.runtime import Runtime
from jobs.imports.orders import import_orders
from models.tables.order import Order
from tests.support.factories.contacts import ALICE_PHONE, alice

HEADER = "order_id,phone,total,currency,placed_at,refunded\n"


@pytest.mark.sqlite_unless_proved
def test_what_was_refunded_is_kept_beside_the_total_and_a_file_without_it_takes_it_back(
    bare_rt: Runtime, tmp_path: Path
) -> None:
    with bare_rt.database.write() as session:
        alice(session)

    def imported(header: str, *lines: str) -> tuple[list[tuple[int, int | None]], list[str]]:
        file = tmp_path / "orders.csv"
        file.write_text(header + "".join(f"{line}\n" for line in lines))
        result = import_orders(bare_rt, file)
        with bare_rt.database.read() as session:
            rows = session.execute(select(Order.total_milli, Order.refunded_milli).order_by(Order.external_id)).all()
            return [(row.total_milli, row.refunded_milli) for row in rows], [row["reason"] for row in result.refused]

    one, two = f"1,{ALICE_PHONE},59.90,EUR,2026-11-20", f"2,{ALICE_PHONE},5,EUR,2026-11-20"
    assert imported(HEADER, f"{one},10", f"{two},") == ([(59_900, 10_000), (5_000, None)], [])
    wrong = "refunded is '-1', no amount such as 49.90"
    assert imported(HEADER, f"{one},20", f"{two},-1") == ([(59_900, 20_000), (5_000, None)], [wrong])
    plain = HEADER.replace(",refunded", "")
    assert imported(plain, one) == ([(59_900, None), (5_000, None)], [])
