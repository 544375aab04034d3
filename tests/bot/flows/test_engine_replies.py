"""How the flow engine reads a reply: a press, a typed title, free text, an answer to a question."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.flows.content import token_of
from bot.flows.engine import run_step
from bot.flows.session import (
    IDLE_AFTER,
    EndSession,
    FlowState,
    OpenCase,
    ReplyEvent,
    Result,
    SetAttribute,
    SetTag,
    Start,
)
from tests.support.flow_talk import ALICE, BUTTONS, NOW, Talk, flow_of


def test_a_pressed_button_and_its_typed_title_lead_the_same_way() -> None:
    for press in (ReplyEvent("Yes", "f7:menu:yes"), ReplyEvent(" yes! "), ReplyEvent("anything", "f7:menu:yes")):
        talk = Talk(flow_of(BUTTONS))
        talk.tell(press)
        assert talk.texts() == ["How many?"]
        assert talk.session.answers == {"menu": "Yes"}


def test_an_option_without_next_follows_its_nodes_next() -> None:
    talk = Talk(flow_of(BUTTONS)).say("No")
    assert talk.texts() == ["A pity"]
    assert talk.session.ended_reason == "done"


def test_an_older_button_of_the_same_flow_leads_to_its_branch() -> None:
    talk = Talk(flow_of(BUTTONS)).say("Yes", "f7:menu:yes").say("No", "f7:menu:never")
    assert talk.texts() == ["A pity"]


def test_a_button_of_another_version_counts_by_its_title_only() -> None:
    talk = Talk(flow_of(BUTTONS)).say("Something", "f6:menu:yes")
    assert talk.texts() == ["Yes or no?"]
    assert talk.say("Yes", "f6:menu:yes").texts() == ["How many?"]


def test_a_session_can_begin_with_a_press() -> None:
    flow = flow_of(BUTTONS)
    result = run_step(flow, FlowState.begin(NOW), Start(ReplyEvent("Yes", "f7:menu:yes")), NOW, ALICE)
    assert result.session.node == "yes"


@pytest.mark.parametrize("payload", [None, "f6:menu:yes", "f7:gone:yes", "f7:menu:x", "f7"])
def test_a_session_that_begins_with_a_press_of_no_button_of_this_version_begins_at_the_start(
    payload: str | None,
) -> None:
    result = run_step(flow_of(BUTTONS), FlowState.begin(NOW), Start(ReplyEvent("Something", payload)), NOW, ALICE)
    assert result.session.node == "menu"


def test_free_text_on_buttons_is_asked_again_and_then_the_session_ends() -> None:
    talk = Talk(flow_of(BUTTONS)).say("maybe")
    assert talk.texts() == ["Yes or no?"]
    assert "header" not in talk.sent()[0]["interactive"]
    talk.say("perhaps")
    assert (talk.texts(), talk.done()) == ([], [EndSession("not_understood")])
    assert talk.session.status == "ended"


def test_otherwise_takes_free_text_at_once_unless_retries_are_asked_for() -> None:
    node = {"type": "message", "text": "Well?", "buttons": [{"title": "Yes"}], "otherwise": "other"}
    other = {"type": "handoff", "text": "A moment", "reason": "asked: {input}"}
    talk = Talk(flow_of({"menu": node, "other": other})).say("help me")
    assert talk.texts() == ["A moment"]
    assert talk.done() == [OpenCase("asked: help me"), EndSession("handed_off")]
    talk = Talk(flow_of({"menu": {**node, "retries": 1}, "other": other})).say("help me")
    assert talk.texts() == ["Well?"]


def test_an_answer_is_kept_as_answer_tag_and_attribute() -> None:
    ask = {"type": "ask", "text": "City?", "save_as": "city", "tag": "city", "attribute": "town", "next": "bye"}
    bye = {"type": "end", "text": "{answers.city} {tag.city} {attribute.town}"}
    talk = Talk(flow_of({"ask": ask, "bye": bye})).say("  Madrid ")
    assert talk.done() == [SetTag("city", "Madrid"), SetAttribute("town", "Madrid"), EndSession("done")]
    assert talk.texts() == ["Madrid Madrid Madrid"]


@pytest.mark.parametrize(
    ("fields", "good", "bad"),
    [
        (
            {"expect": "number", "min": 1, "max": 5},
            {"3": "3", "2,50": "2.5", "+ 4": "4", "٣": "3"},
            ["0", "6", "x", "1e1"],
        ),
        ({"expect": "number", "whole": True}, {"-007": "-7", "-0": "0", "5.0": "5"}, ["1.5", "1.000,5", "²"]),
        ({"expect": "email"}, {"A.b@Example.COM": "A.b@example.com"}, ["a@b", "a b@c.de", "a@b..de", "@x.de"]),
        (
            {"expect": "date", "earliest": "today", "latest": "2027-12-31"},
            {"24/12/2026": "2026-12-24", "2027-1-5": "2027-01-05", "1.2.2027": "2027-02-01"},
            ["21/11/2026", "31/02/2027", "1/1/2028", "tomorrow"],
        ),
        ({"expect": "date", "day_first": False}, {"12/24/2026": "2026-12-24"}, ["24/12/2026"]),
        ({"expect": "phone"}, {"600 333 444": "+34600333444", "+1 212 555 0123": "+12125550123"}, ["12", "call me"]),
        ({"expect": "regex", "pattern": "[A-Z]{2}[0-9]+"}, {"AB12": "AB12"}, ["AB", "xAB12"]),
        ({"expect": "text", "min_length": 2, "max_length": 4}, {"ab": "ab"}, ["a", "abcde", " ", ""]),
        (
            {"expect": "choice", "choices": [{"title": "Small", "value": "S"}, "Large"]},
            {"small.": "S", "LARGE": "Large"},
            ["Medium", "S"],
        ),
    ],
)
def test_an_answer_is_read_as_what_is_expected(fields: dict[str, Any], good: dict[str, str], bad: list[str]) -> None:
    flow = flow_of({"ask": {"type": "ask", "text": "?", "error": "No", **fields}})
    for text, kept in good.items():
        assert Talk(flow).say(text).session.answers == {"ask": kept}
    for text in bad:
        assert Talk(flow).say(text).texts() == ["No"], text


@pytest.mark.parametrize(
    ("country", "default_country", "kept"),
    [("ES", "DE", "+34600333444"), (None, "ES", "+34600333444"), ("ES", None, "+34600333444"), (None, None, None)],
)
def test_a_phone_is_completed_by_the_persons_country_before_the_houses(
    country: str | None, default_country: str | None, kept: str | None
) -> None:
    contact = replace(ALICE, country=country, default_country=default_country)
    talk = Talk(flow_of({"ask": {"type": "ask", "text": "?", "expect": "phone"}}), contact).say("600 333 444")
    assert talk.session.answers.get("ask") == kept


def test_an_ask_gives_up_after_its_retries() -> None:
    ask = {"type": "ask", "text": "Mail?", "expect": "email", "retries": 2}
    talk = Talk(flow_of({"ask": ask}))
    assert [talk.say("x").texts(), talk.say("").texts(), talk.say("x").texts()] == [["Mail?"], ["Mail?"], []]
    assert (talk.session.ended_reason, talk.last.needs_human) == ("not_understood", True)
    talk = Talk(flow_of({"ask": {**ask, "retries": 0, "otherwise": "help"}, "help": {"type": "handoff"}})).say("x")
    assert talk.done() == [OpenCase("handed over by the bot flow sample"), EndSession("handed_off")]


def test_a_session_ends_when_nothing_happened_for_a_day() -> None:
    flow = flow_of(BUTTONS)
    session = run_step(flow, FlowState.begin(NOW), Start(), NOW, ALICE).session
    result = run_step(flow, session, ReplyEvent("Yes"), NOW + IDLE_AFTER, ALICE)
    assert (result.session.status, result.session.ended_reason) == ("ended", "idle")
    assert (result.actions, result.handled) == ((EndSession("idle"),), False)
    late = run_step(flow, session, ReplyEvent("Yes"), NOW + IDLE_AFTER - timedelta(seconds=1), ALICE)
    assert late.session.node == "yes"


def test_an_ended_session_takes_nothing_more() -> None:
    flow = flow_of(BUTTONS)
    session = FlowState.begin(NOW).ended("unsubscribed", NOW)
    assert run_step(flow, session, ReplyEvent("Yes"), NOW) == Result(session, (), handled=False)


def test_a_token_names_version_node_and_key() -> None:
    token = token_of("f12:ask_size:s")
    assert token is not None
    assert (token.version, token.node, token.key) == (12, "ask_size", "s")
    assert [token_of(payload) for payload in ("", "f:a:b", "c42:optout", "f1:a", "f1:a b:c")] == [None] * 5
