"""What staff text to the number."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.chatops import ChatCommand, Confirmation, question, read_command, read_confirmation, stats_answer

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/campaigns", ChatCommand("campaigns")),
        ("/stats 12", ChatCommand("stats", 12)),
        (" /Pause #12 ", ChatCommand("pause", 12)),
        ("/resume 7", ChatCommand("resume", 7)),
        ("/end 7", ChatCommand("end", 7)),
        ("/end", ChatCommand("help")),
        ("/stats twelve", ChatCommand("help")),
        ("/drop 12", ChatCommand("help")),
        ("/pause 12; /end 12", ChatCommand("help")),
        ("pause 12", None),
        ("", None),
        (None, None),
    ],
)
def test_commands_are_read(text: str | None, command: ChatCommand | None) -> None:
    assert read_command(text) == command


def test_a_question_s_buttons_bring_back_what_was_asked() -> None:
    body = question("end", 12, "Spring", NOW)
    ids = [button["reply"]["id"] for button in body["interactive"]["action"]["buttons"]]
    soon = NOW + timedelta(minutes=1)
    assert [read_confirmation(payload, soon) for payload in ids] == [
        Confirmation("end", 12, False),
        Confirmation(None, 12, False),
    ]
    assert "cannot be undone" in body["interactive"]["body"]["text"]


def test_a_confirmation_is_good_for_five_minutes() -> None:
    body = question("pause", 12, "Spring", NOW)
    payload = body["interactive"]["action"]["buttons"][0]["reply"]["id"]
    late = read_confirmation(payload, NOW + timedelta(minutes=6))
    assert late is not None
    assert late.is_expired


@pytest.mark.parametrize("payload", ["f1:node:key", "ops:start:12:0", "ops:end:12", None, "ops:end:12:1x"])
def test_other_payloads_are_no_confirmation(payload: str | None) -> None:
    assert read_confirmation(payload, NOW) is None


def test_figures_are_told_in_a_few_lines() -> None:
    numbers = ("eligible", "queued", "sending", "sent", "delivered", "read", "replied", "failed", "unsure", "held")
    stats = {"id": 12, "name": "Spring", "status": "active", "outcome": None, "not_sent": {"engaged": 2, "no_tags": 1}}
    stats |= dict.fromkeys(numbers, 5) | dict.fromkeys(("received_pct", "read_pct", "replied_pct"), 50.0)
    text = stats_answer(stats)["text"]["body"]
    assert text.startswith("12 Spring: active\n")
    assert "not sent 3" in text
    assert "delivered 5 (50.0 %)" in text
    assert "failed 5, unsure 5, held 5" in text


def test_a_share_of_nobody_is_told_as_a_dash() -> None:
    numbers = ("eligible", "queued", "sending", "sent", "delivered", "read", "replied", "failed", "unsure", "held")
    stats = {"id": 12, "name": "Spring", "status": "active", "outcome": None, "not_sent": {}}
    stats |= dict.fromkeys((*numbers, "received_pct", "read_pct", "replied_pct"), 0)
    text = stats_answer(stats)["text"]["body"]
    assert "delivered 0 (–)\nread 0 (–), replied 0 (–)" in text
