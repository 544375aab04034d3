"""One tag in several spellings."""

import pytest

from models.contacts.tag_key import add_tag, spelling_in, tag_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("VIP", "vip"),
        (" vip ", "vip"),
        ("M\u00dcNCHEN", "mu\u0308nchen"),
        ("STRASSE", "stra\u00dfe"),
        ("\u0391\u03a3", "\u03b1\u03c2"),
    ],
)
def test_case_does_not_tell_tags_apart(one: str, other: str) -> None:
    assert tag_key(one) == tag_key(other)


@pytest.mark.parametrize(("one", "other"), [("munchen", "m\u00fcnchen"), ("vip1", "vip"), ("a b", "ab")])
def test_anything_else_tells_them_apart(one: str, other: str) -> None:
    assert tag_key(one) != tag_key(other)


def test_the_exact_spelling_goes_before_another() -> None:
    assert spelling_in({"VIP": None, "vip": None}, "vip") == "vip"
    assert spelling_in({"VIP": None}, "Vip") == "VIP"
    assert spelling_in({"VIP": None}, "gold") is None


def test_the_first_spelling_and_the_last_value_stay() -> None:
    tags: dict[str, str | None] = {}
    for name, value in (("City", None), ("city", "Madrid"), ("CITY", None), ("vip", None), ("City", "Sevilla")):
        add_tag(tags, name, value)
    assert tags == {"City": "Sevilla", "vip": None}
