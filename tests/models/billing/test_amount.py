"""Amounts of money, read and shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.amount import read_amount, show_amount
from models.errors import OperatorError


@given(st.integers(min_value=0, max_value=10**15))
def test_an_amount_that_is_shown_reads_as_itself(micro: int) -> None:
    assert read_amount(show_amount(micro)) == micro


@pytest.mark.parametrize("text", ["", "-1", "1e3", "0.0000001", "1,5", "nan", "inf", "１", "9" * 12, True, None, "0x1"])
def test_what_is_no_plain_amount_is_refused(text: object) -> None:
    with pytest.raises(OperatorError, match="allowed"):
        read_amount(text)


def test_an_amount_has_two_decimals_and_as_many_more_as_it_needs() -> None:
    assert [show_amount(micro) for micro in (0, 61_500, 1_000_000, -2_500_000, 1)] == [
        "0.00",
        "0.0615",
        "1.00",
        "-2.50",
        "0.000001",
    ]
    assert read_amount(0.00006) == 60, "YAML hands over floats"
