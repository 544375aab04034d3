"""The number that a person shares when they are asked for it, and numbers that may be anybody's."""

from typing import Any

import pytest

from bot.webhooks.shared_phone import read_shared_wa_id


def shared(*phones: dict[str, Any], origin: str | None = "contact_request", on_card: bool = True) -> dict[str, Any]:
    card: dict[str, Any] = {"phones": list(phones)} | ({"origin": origin} if on_card and origin else {})
    return {"type": "contacts", "contacts": [card]} | ({} if on_card else {"origin": origin})


@pytest.mark.parametrize(
    ("phone", "wa_id"),
    [
        ({"phone": "+55 11 98765-4321", "wa_id": "5511987654321"}, "5511987654321"),
        ({"phone": "5511987654321", "wa_id": "551187654321", "type": "CELL"}, "551187654321"),
        ({"phone": "+55 11 98765-4321"}, "5511987654321"),
        ({"phone": "5511987654321"}, "5511987654321"),
        ({"phone": "+34600000001"}, "34600000001"),  # a person of Brazil with a number of Spain
        ({"phone": "11987654321"}, None),  # without its calling code it would be somebody's in the United States
        ({"phone": "34600000001"}, None),
        ({"phone": "not a number"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("on_card", [True, False])
def test_a_shared_number_is_read_where_it_is_certain(phone: dict[str, Any], wa_id: str | None, on_card: bool) -> None:
    assert read_shared_wa_id(shared(phone, on_card=on_card), "BR.1") == wa_id


@pytest.mark.parametrize("origin", ["other", None, "something_new"])
def test_a_contact_that_was_passed_on_is_not_the_senders(origin: str | None) -> None:
    assert read_shared_wa_id(shared({"wa_id": "5511987654321"}, origin=origin), "BR.1") is None


def test_the_origin_of_the_card_wins() -> None:
    item = shared({"wa_id": "5511987654321"}, origin="other") | {"origin": "contact_request"}
    assert read_shared_wa_id(item, "BR.1") is None


def test_of_several_numbers_none_is_taken() -> None:
    one, other = {"wa_id": "5511987654321"}, {"wa_id": "5511987650000"}
    assert read_shared_wa_id(shared(one, other), "BR.1") is None
    assert read_shared_wa_id(shared(one, {"phone": "+5511987654321"}), "BR.1") == "5511987654321"
    twice = shared(one)
    twice["contacts"] *= 2
    assert read_shared_wa_id(twice, "BR.1") is None


@pytest.mark.parametrize("item", [{}, {"type": "contacts"}, {"type": "contacts", "contacts": [7]}, {"type": "text"}])
def test_a_message_without_a_shared_contact_has_no_number(item: dict[str, Any]) -> None:
    assert read_shared_wa_id(item, None) is None
