"""Calls to other systems: an http node, and a bot that lives elsewhere."""

from typing import Any

import pytest

from bot.flows.engine import run_step
from bot.flows.load import from_definition, read_flow, to_definition
from bot.flows.nodes import FlowDefinition
from bot.flows.session import (
    CallHttp,
    EndSession,
    FlowContact,
    FlowState,
    HttpResult,
    OpenCase,
    PassStep,
    ReplyEvent,
    SendMessage,
    SetAttribute,
    SetTag,
    Start,
    TimerDue,
)
from tests.support.flow_talk import ALICE, NOW, Talk, flow_of

HTTP = {
    "call": {
        "type": "http",
        "url": "https://api.test/v1/{phone}?q={name}",
        "headers": {"X-Key": "1"},
        "body": {"who": "{name}"},
        "save": {"price": "order.items.1.price", "ok": "ok", "none": "order.items.7", "deep": "order"},
        "timeout_seconds": 3,
        "next": "good",
        "failed": "bad",
    },
    "good": {"type": "end", "text": "{answers.price} {answers.ok} {answers.none|-} {answers.deep|-}"},
    "bad": {"type": "end", "text": "sorry"},
}


def test_a_call_is_an_action_and_its_result_an_input() -> None:
    talk = Talk(flow_of(HTTP))
    (call,) = talk.done()
    url = "https://api.test/v1/%2B34600111222?q=Alice%20Moore"
    assert call == CallHttp("1", "POST", url, {"X-Key": "1"}, {"who": "Alice Moore"}, 3)
    assert not talk.tell(HttpResult("2", True)).handled
    body = {"order": {"items": [{}, {"price": 9.5}]}, "ok": True}
    talk.tell(HttpResult("1", True, 200, body))
    assert talk.texts() == ["9.5 true - -"]


def test_a_call_that_fails_goes_its_own_way() -> None:
    talk = Talk(flow_of(HTTP))
    talk.tell(HttpResult("1", False, 500))
    assert talk.texts() == ["sorry"]


def test_values_cannot_climb_out_of_an_address() -> None:
    flow = flow_of({"call": {"type": "http", "url": "https://api.test/a/{name}/b", "method": "GET"}})
    for name in ("..", "../../x", "a?b#c", "@evil.test", "\r\nX: y"):
        (call,) = Talk(flow, FlowContact(name=name)).done()
        assert call.url.startswith("https://api.test/a/")
        assert call.url.endswith("/b")
        assert call.url.count("/") == 5
        assert not set(call.url) & set("?#@\r\n ")
        assert "/../" not in call.url


def test_what_no_database_takes_is_left_out_of_what_is_kept() -> None:
    ask = {"type": "ask", "text": "?", "tag": "note", "attribute": "note"}
    talk = Talk(flow_of({"ask": ask})).say(f"a\0b\ud800{'x' * 900}")
    kept = talk.session.answers["ask"]
    assert kept == f"ab?{'x' * 900}"
    assert talk.done()[:2] == [SetTag("note", kept[:500]), SetAttribute("note", kept[:500])]
    flow = external()
    session = run_step(flow, FlowState.begin(NOW), Start(ReplyEvent("\0\ud800")), NOW, ALICE).session
    assert session.last_input == "?"
    answer = {"messages": [{"text": "a\0b"}], "state": {"x": "\ud800"}}
    result = run_step(flow, session, HttpResult("1", True, 200, answer), NOW)
    assert [action.content["text"]["body"] for action in result.actions if isinstance(action, SendMessage)] == ["ab"]
    assert result.session.answers == {"x": "?"}


# ---- external -----------------------------------------------------------------------------------------------------


def external() -> FlowDefinition:
    read = read_flow("{name: mine, kind: external, url: 'https://bot.test/hook'}", "mine.yaml")
    assert read.flow is not None, read.problems
    return from_definition(to_definition(read.flow), 9)


def test_an_external_flow_posts_what_was_written_and_sends_what_is_answered() -> None:
    flow = external()
    result = run_step(flow, FlowState.begin(NOW), Start(ReplyEvent("hello")), NOW, ALICE)
    (call,) = result.actions
    assert isinstance(call, CallHttp)
    assert call.body is not None
    assert (call.url, call.signed, call.body["event"], call.body["text"]) == (
        "https://bot.test/hook",
        True,
        "start",
        "hello",
    )
    message = {"text": "Use {braces}?", "buttons": [{"title": "Yes"}]}
    body = {"messages": [message], "tags": {"hot": None}, "state": {"turn": "1"}, "steps": ["asked"]}
    result = run_step(flow, result.session, HttpResult(call.tag, True, 200, body), NOW, ALICE)
    passed, tag, sent = result.actions
    assert (passed, tag) == (PassStep("asked"), SetTag("hot", None))
    assert isinstance(sent, SendMessage)
    interactive = sent.content["interactive"]
    assert interactive["body"]["text"] == "Use {braces}?"
    assert interactive["action"]["buttons"][0]["reply"]["id"] == "f9:external:yes"
    result = run_step(flow, result.session, ReplyEvent("Yes", "f9:external:yes"), NOW, ALICE)
    (call,) = result.actions
    assert isinstance(call, CallHttp)
    assert call.body is not None
    assert (call.body["event"], call.body["payload"], call.body["state"]) == ("reply", "yes", {"turn": "1"})
    result = run_step(flow, result.session, HttpResult(call.tag, True, 200, {"handoff": "wants more"}), NOW, ALICE)
    assert result.actions == (OpenCase("wants more"), EndSession("handed_off"))


@pytest.mark.parametrize(
    "body",
    [
        [],
        "x",
        {"messages": 3},
        {"messages": ["x"]},
        {"foo": 1},
        {"messages": [{"text": "x" * 5000}]},
        {"messages": [{}]},
    ],
)
def test_an_answer_that_is_none_ends_an_external_session(body: Any) -> None:
    flow = external()
    session = run_step(flow, FlowState.begin(NOW), Start(), NOW, ALICE).session
    assert run_step(flow, session, HttpResult("1", True, 200, body), NOW).actions == (EndSession("external_failed"),)


def test_an_external_bot_may_say_nothing_or_end() -> None:
    flow = external()
    session = run_step(flow, FlowState.begin(NOW), Start(), NOW, ALICE).session
    quiet = run_step(flow, session, HttpResult("1", True, 204, None), NOW)
    assert (quiet.actions, quiet.session.waiting_for) == ((), "reply")
    assert run_step(flow, session, HttpResult("1", True, 200, {"end": True}), NOW).actions == (EndSession("done"),)
    assert run_step(flow, session, HttpResult("1", False, 500), NOW).actions == (EndSession("external_failed"),)
    assert not run_step(flow, session, HttpResult("8", True), NOW).handled
    assert not run_step(flow, session, TimerDue("1"), NOW).handled
