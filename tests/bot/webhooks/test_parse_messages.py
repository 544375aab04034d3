"""Messages of people, as they are read."""

import json
from typing import Any

import pytest

from bot.webhooks.parse import parse_payload
from models.events.types import PressedButton
from tests.support.parsed import message
from tests.support.paths import WEBHOOKS


def _pressed(title: str, payload: str) -> dict[str, Any]:
    reply = {"type": "button_reply", "button_reply": {"id": payload, "title": title}}
    return {"type": "interactive", "interactive": reply}


def _filled(answers: dict[str, str], body: str = "Sent") -> dict[str, Any]:
    reply = {"name": "flow", "body": body, "response_json": json.dumps(answers)}
    return {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("message_text", "When do you open?"), ("message_template_button", "Tell me more"), ("message_reply_button", "Yes"),
        ("message_list_row", "Row"), ("message_form", "size: M"), ("message_image", "my order"), ("message_sticker", None),
        ("message_location", "Puerta del Sol"), ("message_contacts", "Bob Builder"), ("message_order", "gift wrap please"),
        ("message_reaction", "😮"), ("message_reaction_removed", None), ("message_edit", "When do you close?"),
        ("message_interactive_lost", None), ("message_future_type", None), ("message_username", "olá"),
    ],
)  # fmt: skip
def test_the_text_is_what_a_person_reads(name: str, text: str | None) -> None:
    assert message(name).text == text


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("message_quote", "wamid.campaign"), ("message_reaction", "wamid.campaign"), ("message_forwarded", None),
        ("message_frequently_forwarded", None),
        ("message_edit", "wamid.in.message_text"), ("message_revoke", "wamid.in.message_text"), ("message_text", None),
    ],
)  # fmt: skip
def test_the_context_is_the_message_it_is_about(name: str, context: str | None) -> None:
    assert message(name).context_wamid == context


def test_a_pressed_template_button_names_its_recipient_even_without_a_context() -> None:
    found = message("message_template_button_without_context")
    assert (found.pressed, found.context_wamid) == (PressedButton("inst", 1, 1), None)


def test_a_stop_is_read_from_words_and_buttons() -> None:
    assert [message(f"message_{kind}").word for kind in ("stop", "template_button_stop", "text")] == [
        "stop",
        "stop",
        None,
    ]


def test_the_sender_is_known_by_what_the_webhook_shows() -> None:
    alice = message("message_text").sender
    assert (alice.wa_id, alice.bsuid, alice.name) == ("34600000001", "ES.13491208655302741918", "Alice")
    maria = message("message_username").sender
    assert (maria.wa_id, maria.bsuid, maria.username) == (None, "BR.13491208655302741918", "maria.silva")


def test_a_changed_number_says_where_the_person_moved() -> None:
    moved = message("message_number_change").moved_to
    assert moved is not None
    assert (moved.wa_id, moved.bsuid) == ("34600000091", "ES.2200000000000000000")
    assert message("message_identity_change").moved_to is None
    by_bsuid = message("message_number_change_bsuid").moved_to
    assert by_bsuid is not None
    assert (by_bsuid.wa_id, by_bsuid.bsuid) == (None, "ES.2200000000000000000")


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "unknown"},
        {"type": "unknown", "errors": [{"code": 131051, "title": "Unsupported message type"}]},
        {"type": "image", "errors": [{"code": 131051}]},
        {"type": None},
    ],
)
def test_what_meta_could_not_pass_on_is_unsupported(changed: dict[str, Any]) -> None:
    payload = json.loads((WEBHOOKS / "message_text.json").read_bytes())
    payload["entry"][0]["changes"][0]["value"]["messages"][0] |= changed
    assert [found.type for found in parse_payload(json.dumps(payload).encode()).inbound] == ["unsupported"]


def test_a_changed_user_id_needs_no_sender() -> None:
    found = message("message_user_id_change")
    assert (found.type, found.is_user_id_change, found.sender.wa_id) == ("system", True, None)
    assert (found.sender.bsuid, found.sender.parent_bsuid) == ("ES.13491208655302741918", "ES.ENT.13")
    assert found.moved_to is not None
    assert (found.moved_to.bsuid, found.moved_to.parent_bsuid) == ("ES.2200000000000000000", "ES.ENT.22")
    assert not message("message_number_change").is_user_id_change


@pytest.mark.parametrize("missing", ["user_id", "previous_user_id"])
def test_a_changed_user_id_without_both_ids_is_kept_as_a_failure(missing: str) -> None:
    payload = json.loads((WEBHOOKS / "message_user_id_change.json").read_bytes())
    del payload["entry"][0]["changes"][0]["value"]["messages"][0]["system"][missing]
    parsed = parse_payload(json.dumps(payload).encode())
    assert (parsed.inbound, len(parsed.broken)) == ([], 1)


def test_a_changed_number_without_a_sender_is_found_by_the_previous_user_id() -> None:
    payload = json.loads((WEBHOOKS / "message_user_id_change.json").read_bytes())
    system = payload["entry"][0]["changes"][0]["value"]["messages"][0]["system"]
    system |= {"type": "user_changed_number", "wa_id": "34600000091"}
    [found] = parse_payload(json.dumps(payload).encode()).inbound
    assert (found.sender.wa_id, found.sender.bsuid) == (None, "ES.13491208655302741918")
    assert found.moved_to is not None
    assert (found.moved_to.wa_id, found.is_user_id_change) == ("34600000091", False)


@pytest.mark.parametrize(
    ("content", "word", "is_doubtful"),
    [
        ({"type": "text", "text": {"body": "stop it please now"}}, None, True),
        ({"type": "text", "text": {"body": "STOP"}}, "stop", False),
        ({"type": "image", "image": {"id": "1", "caption": "please stop with these"}}, None, True),
        ({"type": "button", "button": {"text": "Stop promos", "payload": "Stop promos"}}, "stop", True),
        ({"type": "button", "button": {"text": "Leave it", "payload": "x"}}, None, False),
        (_pressed("Unsubscribe", "f3:menu:u"), None, True),
        (_pressed("Start", "f3:hello:go"), None, False),
        (_filled({"comment": "stop sending me these"}), None, True),
        (_filled({"comment": "fine"}), None, False),
        (_filled({}, body="Stop"), None, False),
    ],
)
def test_a_human_is_asked_where_words_or_buttons_may_mean_a_stop(
    content: dict[str, Any], word: str | None, is_doubtful: bool
) -> None:
    payload = json.loads((WEBHOOKS / "message_text.json").read_bytes())
    item = payload["entry"][0]["changes"][0]["value"]["messages"][0]
    item.pop("text")
    item.update(content)
    [found] = parse_payload(json.dumps(payload).encode()).inbound
    assert (found.word, found.may_mean_stop, found.confirms) == (word, is_doubtful, False)
