"""What a called service repeats of a secret."""

import base64
from typing import Any
from urllib.parse import quote

import pytest

from bot.outbound.masking import MASK, Masker

KEY = 'sk live/+"7ä<1'


@pytest.mark.parametrize(
    "echo",
    [
        KEY, KEY.upper(), f"Bearer {KEY}!", quote(KEY, safe=""), base64.b64encode(KEY.encode()).decode(),
        base64.b64encode(f"user:{KEY}".encode()).decode(), base64.urlsafe_b64encode(f"ab{KEY}cd".encode()).decode(),
        KEY.encode().hex(), [KEY], {"a": {"b": [KEY]}}, {KEY: 1},
    ],
)  # fmt: skip
def test_an_echo_is_masked_however_it_is_written(echo: Any) -> None:
    masked = str(Masker([KEY]).mask(echo))
    assert MASK in masked
    for form in (
        KEY,
        KEY.upper(),
        quote(KEY, safe=""),
        KEY.encode().hex(),
        base64.b64encode(KEY.encode()).decode()[:14],
    ):
        assert form not in masked


def test_a_number_that_has_the_secret_is_masked_and_all_else_stays() -> None:
    masker = Masker(["1234"])
    assert masker.mask({"a": 912345, "b": 12.34, "c": True, "d": None, "e": "123 4"}) == {
        "a": MASK, "b": 12.34, "c": True, "d": None, "e": "123 4",
    }  # fmt: skip
    assert Masker([]).mask({"a": "1234"}) == {"a": "1234"}
