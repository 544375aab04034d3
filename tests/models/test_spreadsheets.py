"""Cells that no spreadsheet runs, and that come back as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.spreadsheets import protect, unprotect

TEXTS = st.text(max_size=20) | st.text(alphabet="'=+-@ 1\t\n", max_size=8)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Ana", "Ana"),
        ("'Ana", "'Ana"),
        ("=1+1", "'=1+1"),
        ("'=1+1", "''=1+1"),
        ("+34600111222", "+34600111222"),
        ("-5", "'-5"),
    ],
)
def test_a_text_is_protected_and_comes_back(text: str, cell: str) -> None:
    assert (protect(text), unprotect(cell)) == (cell, text)


@given(TEXTS)
def test_whatever_was_written_comes_back_unchanged(text: str) -> None:
    assert unprotect(protect(text)) == text


@given(TEXTS)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    cell = protect(text)
    assert cell in {text, f"'{text}"}
    assert not cell.lstrip(" ").startswith(("=", "-", "@", "\t", "\r"))
