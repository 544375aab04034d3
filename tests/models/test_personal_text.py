"""What identifies a person is masked in texts that outlive them."""

from typing import Any

import pytest

from models.personal_text import mask_people


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+34 600 000 001", "…"),
        ("call 0034-600-000001 now", "call … now"),
        ("34600000001@example.com", "…"),
        ("of ANA.Abel+x@Example.com, twice", "of …, twice"),
        ("ES.13491208655302741918 wrote", "… wrote"),
        ("US.ENT.abc123 wrote", "… wrote"),
        ("was +34…555", "was …"),
        ("2026-11-27T12:53:04.123456+00:00", "2026-11-27T12:53:04.123456+00:00"),
        ("until 2026-12-31 then", "until 2026-12-31 then"),
        ("2026-11-27 600 000 001", "2026-11-27 …"),
        ("Summer 2026, 20% off, v123456", "Summer 2026, 20% off, v123456"),
        ("", ""),
    ],
)
def test_numbers_addresses_and_user_ids_are_masked_and_times_stay(text: str, masked: str) -> None:
    assert mask_people(text) == masked


def test_every_text_of_a_json_is_looked_at_and_nothing_else_changes() -> None:
    data: dict[str, Any] = {
        "n": 34600000001, "yes": True, "none": None, "list": ["+34600000001", {"to": "a@b.com"}], "a@b.com": 1.5,
    }  # fmt: skip
    assert mask_people(data) == {
        "n": 34600000001, "yes": True, "none": None, "list": ["…", {"to": "…"}], "…": 1.5,
    }  # fmt: skip


def test_addresses_of_users_of_the_panel_can_stay() -> None:
    assert mask_people({"agent": "bob@example.com", "phone": "+34600000001"}, keep_e_mails=True) == {
        "agent": "bob@example.com",
        "phone": "…",
    }


def test_a_long_text_without_spaces_is_masked_at_once() -> None:
    assert mask_people("x" * 200_000) == "x" * 200_000
