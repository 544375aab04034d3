"""Webhooks of other responders on the number: standby, echoes and changes of control."""

from typing import Any

import pytest

from bot.webhooks.parse import parse_payload
from models.clock import from_unix
from models.events.types import ControlChange, Sender
from models.tables.conversation import PHONE_APP_AUTHOR, RESPONDER_AUTHOR
from tests.support.parsed import envelope, recorded

TEXT: dict[str, Any] = {"id": "w", "timestamp": "1795341600", "type": "text", "text": {"body": "STOP"}}
SAID = TEXT | {"from": "34600000001"}
WRITTEN = TEXT | {"from": "15550783881", "to": "34600000001"}


@pytest.mark.parametrize("field", ["smb_message_echoes", "message_echoes"])
def test_an_echo_names_whom_it_was_written_to_and_is_no_word_of_theirs(field: str) -> None:
    [echo] = parse_payload(envelope(field, message_echoes=[WRITTEN])).echoes
    message = echo.message
    assert (message.sender, message.phone_number_id, message.text) == (Sender("34600000001"), "1", "STOP")
    assert (echo.author, message.word, message.payload) == (PHONE_APP_AUTHOR, None, WRITTEN)


def test_an_echo_to_somebody_whose_phone_is_hidden_is_found_by_their_user_id() -> None:
    hidden = {key: value for key, value in WRITTEN.items() if key != "to"} | {"to_user_id": "ES.1"}
    [echo] = parse_payload(envelope("smb_message_echoes", message_echoes=[hidden])).echoes
    assert echo.message.sender == Sender(None, "ES.1")


def test_an_echo_of_media_an_edit_and_a_deletion_keep_what_they_say() -> None:
    image, edit, revoke = (recorded(f"echo_{kind}").echoes[0].message for kind in ("image", "edit", "revoke"))
    assert (image.type, image.text) == ("image", "The green one")
    assert (edit.text, edit.context_wamid) == ("written on a phone, twice", "wamid.echo")
    assert (revoke.type, revoke.context_wamid) == ("revoke", "wamid.echo")


def test_an_echo_to_a_group_is_ignored_and_one_to_nobody_is_broken() -> None:
    found = parse_payload(
        envelope(
            "smb_message_echoes",
            message_echoes=[WRITTEN | {"recipient_type": "group", "to": "g1"}, TEXT, "x", WRITTEN],
        )
    )
    assert (found.ignored, len(found.broken), len(found.echoes)) == (1, 2, 1)
    assert found.broken[0] == "entry[0].changes[0].message_echoes[1]: its sender is missing"


@pytest.mark.parametrize(
    "value",
    [
        {"standby": {"messages": [SAID], "metadata": {"phone_number_id": "1"}}},
        {"standby": {"messages": [SAID]}},
        {"standby": [{"messages": [SAID]}, {}]},
        {"messages": [SAID]},
    ],
)
def test_a_message_on_standby_is_recognised_in_every_reported_shape(value: dict[str, Any]) -> None:
    [message] = parse_payload(envelope("standby", **value)).inbound
    assert (message.is_standby, message.word, message.sender.wa_id) == (True, "stop", "34600000001")


@pytest.mark.parametrize("value", [{}, {"standby": {}}, {"standby": []}, {"standby": {"messages": []}}, {"standby": 7}])
def test_an_empty_standby_is_counted_as_ignored(value: dict[str, Any]) -> None:
    found = parse_payload(envelope("standby", **value))
    assert (found.ignored, found.size, found.broken) == (1, 0, [])


def test_on_standby_a_stop_counts_and_a_start_or_a_yes_may_be_meant_for_another() -> None:
    words = ["STOP", "cancel", "START", "yes"]
    messages = [SAID | {"id": word, "text": {"body": word}} for word in words]
    found = parse_payload(envelope("standby", standby={"messages": messages})).inbound
    assert [(message.word, message.may_be_choice, message.confirms) for message in found] == [
        ("stop", False, False), ("stop", False, False), (None, False, False), (None, False, False),
    ]  # fmt: skip


def test_another_responder_is_the_author_of_an_echo_on_standby() -> None:
    assert [echo.author for echo in recorded("standby_echo").echoes] == [RESPONDER_AUTHOR]
    assert [status.status for status in recorded("standby_status").statuses] == ["delivered"]


def test_a_change_of_control_says_to_whom_why_and_when() -> None:
    alice = Sender("34600000001")
    assert recorded("control_passed").control == [
        ControlChange(
            "106540352242922", alice, from_unix(1795341700), True, "customer_service", "Wants her money back."
        )
    ]
    assert recorded("control_taken").control == [
        ControlChange("106540352242922", alice, from_unix(1795341650), False, "escalation", None)
    ]


def test_a_change_of_control_without_a_type_is_read_by_its_part_and_of_another_kind_is_ignored() -> None:
    value = {"sender": {"user_id": "ES.1"}, "timestamp": "1795341650"}
    [taken] = parse_payload(envelope("messaging_handovers", **value, control_taken={})).control
    assert (taken.person, taken.phone_number_id, taken.is_to_us) == (Sender(None, "ES.1"), "1", False)
    assert parse_payload(envelope("messaging_handovers", **value, type="control_lent")).ignored == 1


@pytest.mark.parametrize("missing", ["sender", "timestamp", "metadata"])
def test_a_change_of_control_without_a_person_a_time_or_a_number_is_broken(missing: str) -> None:
    value: dict[str, Any] = {
        "sender": {"phone_number": "+34600000001"}, "timestamp": "1795341650", "type": "control_taken"
    }  # fmt: skip
    assert len(parse_payload(envelope("messaging_handovers", **value | {missing: None})).broken) == 1
