"""What goes with a message and comes back with its statuses."""

from bot.meta.callback_data import callback_data, message_callback
from bot.webhooks.parse import parse_payload
from models.events.types import Callback
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
