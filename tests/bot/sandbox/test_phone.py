"""Ids that differ from the number."""

import pytest

from bot.sandbox.phone import canonical


@pytest.mark.parametrize(
    ("number", "wa_id"),
    [
        ("553187654321", "553187654321"),
        ("5531987654321", "553187654321"),
        ("5511987654321", "5511987654321"),
        ("525512345678", "5215512345678"),
        ("541123456789", "5491123456789"),
        ("54111523456789", "5491123456789"),
        ("34600001234", "34600001234"),
    ],
)
def test_brazil_mexico_and_argentina_have_a_canonical_id_of_their_own(number: str, wa_id: str) -> None:
    assert canonical(number) == wa_id
