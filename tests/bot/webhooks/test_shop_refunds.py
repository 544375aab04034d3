"""Refunds in a shop's webhooks: what counts as paid back, and the order's worth."""

from typing import Any

import pytest
from sqlalchemy import select

from bot.webhooks.shop_refunds import read_refund
from models.tables.order_refund import OrderRefund
from tests.support.shop_rig import Shop, later, order

ORDER = 820982911946154508


def refund(*transactions: dict[str, Any], **values: Any) -> dict[str, Any]:
    given = {"id": 929361462, "order_id": ORDER, "created_at": later(3), "transactions": list(transactions)}
    return given | values


def paid(amount: str, **values: Any) -> dict[str, Any]:
    return {"kind": "refund", "status": "success", "amount": amount, "currency": "USD"} | values


@pytest.mark.parametrize(
    ("body", "milli"),
    [
        (refund(paid("41.94")), 41_940),
        (refund(paid("1"), paid("2.50"), paid("9", currency="EUR")), 3_500),
        (refund(paid("1", status="failure"), paid("2", status="pending")), None),
        (refund(paid("5", kind="sale")), None),
        (refund(paid("-1")), None),
        (refund(), None),
        (refund(paid("1"), id=None), None),
        (refund(paid("1"), order_id=None), None),
        (refund(paid("1"), created_at="yesterday"), None),
        ({"transactions": "x"}, None),
    ],
)
def test_what_was_paid_back_in_one_currency_is_read(body: dict[str, Any], milli: int | None) -> None:
    found = read_refund(body)
    assert (found.amount_milli if found else None) == milli


def test_a_refund_is_kept_once_whether_it_comes_alone_or_with_its_order_and_before_it_too(shop: Shop) -> None:
    def stored() -> list[tuple[str, int, bool]]:
        with shop.rt.database.read() as session:
            rows = session.scalars(select(OrderRefund).order_by(OrderRefund.id))
            return [(row.external_id, row.amount_milli, row.order_id is not None) for row in rows]

    shop.tells("refunds/create", refund(paid("10")))
    assert stored() == [("929361462", 10_000, False)]
    shop.tells("orders/create", order())
    assert stored() == [("929361462", 10_000, True)]
    within = refund(paid("10"), order_id=None)
    other = refund(paid("398"), order_id=None, id=7)
    shop.tells("orders/updated", order(updated_at=later(4), current_total_price="0.00", refunds=[within, other]))
    assert stored() == [("929361462", 10_000, True), ("7", 398_000, True)]
    (row,) = shop.orders()
    assert (row.total_milli, row.gross_milli) == (0, 398_000)
    assert shop.letters() == 0
