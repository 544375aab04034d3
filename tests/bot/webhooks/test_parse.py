"""Payloads of Meta: read as far as they can be."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.webhooks.parse import parse_payload
from bot.webhooks.parse_values import BadEventError
from models.clock import from_unix
from models.events.types import Callback, Failure, Pricing, Status
from tests.support.parsed import envelope, recorded, status
from tests.support.paths import WEBHOOKS

NAMES = sorted(path.stem for path in WEBHOOKS.glob("*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_body_is_read_without_a_broken_item(name: str) -> None:
    found = recorded(name)
    assert found.broken == []
    assert found.size + found.ignored >= 1


def test_a_status_has_all_that_meta_says() -> None:
    assert status("status_sent") == Status(
        "wamid.campaign", "sent", from_unix(1795341601), "106540352242922", "h1:inst:1:1", Callback("inst", 1, None, 1),
        "34600000001", "ES.13491208655302741918", None, Pricing("marketing", "regular", True),
    )  # fmt: skip
    assert status("status_sent_v23") == status("status_sent")
    text = "This message was not delivered to maintain healthy ecosystem engagement."
    assert status("status_failed").failure == Failure(131049, text)
    assert status("status_played").status == "read"
    assert status("status_username").recipient_id is None


def test_a_batch_keeps_every_status() -> None:
    assert [found.status for found in recorded("status_batch").statuses] == ["read", "sent", "delivered", "delivered"]


def test_unknown_statuses_and_other_objects_are_counted_and_skipped() -> None:
    assert (
        recorded("status_unknown").ignored,
        recorded("other_object").ignored,
        recorded("message_group").ignored,
        recorded("status_group").ignored,
    ) == (1, 1, 1, 1)


def test_one_broken_item_takes_no_other_along() -> None:
    good = {"id": "w1", "status": "sent", "timestamp": "1795341601"}
    broken = [
        {},
        "x",
        good | {"id": 7},
        good | {"timestamp": "soon"},
        good | {"id": "x" * 301},
        good | {"timestamp": None},
    ]
    found = parse_payload(envelope(statuses=[*broken[2:], good], messages=[{"id": "m"}, None]))
    assert ([item.wamid for item in found.statuses], len(found.broken)) == (["w1"], 6)
    assert found.broken[0] == "entry[0].changes[0].statuses[0]: its id is missing or too long"


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_webhook_is_said_to_be_none(raw: bytes) -> None:
    with pytest.raises(BadEventError):
        parse_payload(raw)


def test_what_no_database_takes_is_taken_out() -> None:
    raw = envelope(
        messages=[
            {"id": "m", "from": "34600000001", "timestamp": "1795341601", "type": "text", "text": {"body": "a\x00b"}}
        ]
    )
    raw = raw.replace(b'"m"', b'"m\\ud83d"')
    [found] = parse_payload(raw).inbound
    assert (found.text, found.wamid) == ("ab", "m?")


def test_times_come_as_text_as_numbers_and_in_milliseconds() -> None:
    for time in ("1795341601", 1795341601, 1795341601000, "1795341601000", 1795341601.0):
        [found] = parse_payload(envelope(statuses=[{"id": "w", "status": "sent", "timestamp": time}])).statuses
        assert found.at == from_unix(1795341601)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
KEYS = [
    "id", "status", "timestamp", "type", "from", "text", "button", "interactive", "context", "errors", "pricing", "profile",
    "biz_opaque_callback_data", "reaction", "edit", "revoke", "system", "group_id", "contacts", "wa_id", "user_id", "image",
]  # fmt: skip
ITEM = st.dictionaries(
    st.sampled_from(KEYS), JSON | st.sampled_from(["sent", "failed", "edit", "system", "contacts", "1795341601"])
)


@given(st.lists(ITEM | JSON, max_size=3), st.lists(ITEM | JSON, max_size=3), JSON)
def test_nothing_that_meta_could_send_raises(statuses: list[Any], messages: list[Any], contacts: Any) -> None:
    found = parse_payload(envelope(statuses=statuses, messages=messages, contacts=contacts))
    assert found.size + found.ignored + len(found.broken) >= len(statuses) + len(messages)
