"""Values as the text of template parameters."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.templates.parameters import as_text, parameter_problem


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ana\nRuiz", "Ana Ruiz"),
        ("Ana \r\n  Ruiz\n", "Ana Ruiz"),
        ("Ana\tRuiz", "Ana Ruiz"),
        ("Ana\u2028Ruiz\x0bB", "Ana Ruiz B"),
        ("Ana     Ruiz", "Ana Ruiz"),
        ("Ana    Ruiz", "Ana    Ruiz"),
        (True, "yes"),
        (3.0, "3"),
        (None, ""),
    ],
)
def test_a_value_is_written_as_meta_takes_it(value: Any, text: str) -> None:
    assert as_text(value) == text


@given(st.text(alphabet=st.sampled_from("a \n\r\t\x0b\u2028\u00a0"), max_size=60))
def test_no_value_is_refused_for_its_white_space(value: str) -> None:
    assert not as_text(value) or parameter_problem(as_text(value)) is None
