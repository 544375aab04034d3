"""What goes with a message and comes back with its statuses."""

from bot.meta.callback_data import (
    button_payload,
    callback_data,
    flow_token,
    message_callback,
    read_button,
    read_flow_token,
)
from bot.webhooks.parse import parse_payload
from models.events.types import Callback, PressedButton
from tests.support.parsed import envelope


def test_callback_data_survive_the_way_there_and_back() -> None:
    for data, expected in (
        (callback_data("abc", 7, 2), Callback("abc", 7, None, 2)),
        (message_callback("abc", 7, 2), Callback("abc", None, 7, 2)),
        ("h1:abc:7", None),
        ("order=7", None),
    ):
        [found] = parse_payload(
            envelope(
                statuses=[{"id": "w", "status": "sent", "timestamp": "1795341601", "biz_opaque_callback_data": data}]
            )
        ).statuses
        assert (found.callback, found.callback_data) == (expected, data)


def test_the_button_of_a_card_says_the_card_and_old_payloads_are_read_for_ever() -> None:
    assert button_payload("abc", 7, 1, 2) == "h1b:abc:7:2:1"
    assert read_button("h1b:abc:7:2:1") == PressedButton("abc", 7, 1, 2)
    assert read_button("h1b:abc:7:1") == PressedButton("abc", 7, 1, None)
    assert read_button("h1b:abc:7:1:2:3") is None
    assert len(button_payload("x" * 32, 10**17, 10, 10)) < 128


def test_the_token_of_a_form_says_which_button_opened_it() -> None:
    assert read_flow_token(flow_token("abc", 7, 1)) == PressedButton("abc", 7, 1)
    assert (read_flow_token("unused"), read_flow_token(None), read_flow_token("h1b:abc:7:1")) == (None, None, None)
