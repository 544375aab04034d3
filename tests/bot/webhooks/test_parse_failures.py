"""Why Meta could not deliver: read as far as it says so."""

from typing import Any

import pytest

from bot.webhooks.parse_values import read_failure
from models.stored_texts import show_stored


@pytest.mark.parametrize(
    "errors", [None, [], {}, "no", [None], [{}], [{"code": None}], [{"code": 0}], [{"code": True}]]
)
def test_a_failure_without_errors_says_that_meta_gave_no_reason(errors: Any) -> None:
    failure = read_failure(errors)
    assert (failure.code, show_stored(failure.text)) == (None, "No reason was given.")


def test_a_failure_with_a_text_alone_has_no_code() -> None:
    assert read_failure([{"title": "Undeliverable"}]) == (None, "Undeliverable")


@pytest.mark.parametrize("code", [131026, "131026"])
def test_a_code_without_a_text_stays(code: Any) -> None:
    assert read_failure([{"code": code}]) == (131026, "")
