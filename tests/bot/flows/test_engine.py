"""The bot flow engine: what a step does, and that no flow and no input can make it fail, run on or forget."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.flows.content import token_of
from bot.flows.engine import MAX_NODES, has_button, run_step
from bot.flows.load import from_definition, parse_flow, read_flow, to_definition
from bot.flows.nodes import FlowDefinition
from bot.flows.session import (
    IDLE_AFTER,
    Accepted,
    CallHttp,
    EndSession,
    Event,
    FlowContact,
    FlowState,
    HttpResult,
    MessageNotSent,
    OpenCase,
    PassStep,
    RemoveTag,
    ReplyEvent,
    Result,
    SendMessage,
    SetAttribute,
    SetTag,
    Start,
    StartTimer,
    TimerDue,
    Unsubscribe,
)
from tests.support.paths import EXAMPLES

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ALICE = FlowContact(name="Alice Moore", phone="+34600111222", language="en", country="ES", tags={"vip": None})


def flow_of(nodes: dict[str, Any], *, start: str | None = None, version: int = 7) -> FlowDefinition:
    definition = {"name": "sample", "start": start or next(iter(nodes)), "nodes": nodes}
    read = read_flow(json.dumps(definition), "sample.yaml")
    assert read.flow is not None, read.problems
    return from_definition(to_definition(read.flow), version)


class Talk:
    """A session that is talked through, with everything that it did."""

    def __init__(self, flow: FlowDefinition, contact: FlowContact = ALICE) -> None:
        self.flow, self.contact, self.now = flow, contact, NOW
        self.session = FlowState.begin(NOW)
        self.last = self.tell(Start())

    def tell(self, event: Event) -> Result:
        self.last = run_step(self.flow, self.session, event, self.now, self.contact)
        self.session = self.last.session
        return self.last

    def say(self, text: str, payload: str | None = None) -> "Talk":
        self.tell(ReplyEvent(text, payload, "wamid.1"))
        return self

    def sent(self) -> list[Any]:
        return [action.content for action in self.last.actions if isinstance(action, SendMessage)]

    def texts(self) -> list[str]:
        return [body["text"]["body"] if "text" in body else body["interactive"]["body"]["text"] for body in self.sent()]

    def done(self) -> list[Any]:
        return [action for action in self.last.actions if not isinstance(action, SendMessage)]


BUTTONS = {
    "menu": {
        "type": "message",
        "step": "seen",
        "text": "Choose, {first_name|you}",
        "header": "Spring",
        "footer": "Shop",
        "buttons": [{"title": "Yes", "next": "yes"}, {"title": "No", "key": "never"}],
        "error": "Yes or no?",
        "retries": 1,
        "next": "no",
    },
    "yes": {"type": "ask", "text": "How many?", "expect": "number", "min": 1, "tag": "count", "next": "bye"},
    "no": {"type": "end", "text": "A pity"},
    "bye": {"type": "end", "step": "done", "text": "{answers.yes} it is"},
}


def test_reply_buttons_are_sent_as_the_cloud_api_wants_them() -> None:
    talk = Talk(flow_of(BUTTONS))
    assert talk.sent() == [
        {
            "type": "interactive",
            "interactive": {
                "type": "button",
                "header": {"type": "text", "text": "Spring"},
                "body": {"text": "Choose, Alice"},
                "footer": {"text": "Shop"},
                "action": {
                    "buttons": [
                        {"type": "reply", "reply": {"id": "f7:menu:yes", "title": "Yes"}},
                        {"type": "reply", "reply": {"id": "f7:menu:never", "title": "No"}},
                    ]
                },
            },
        }
    ]
    assert talk.done() == [PassStep("seen")]
    assert (talk.session.node, talk.session.waiting_for) == ("menu", "reply")


def test_a_list_keeps_its_sections_and_descriptions() -> None:
    rows = [{"title": "Cut", "description": "30 min"}, {"title": "✂️"}]
    menu = {
        "button": "Open",
        "sections": [{"title": "Hair", "rows": rows}, {"title": "Other", "rows": [{"title": "Else"}]}],
    }
    talk = Talk(flow_of({"menu": {"type": "message", "text": "What?", "list": menu}}))
    assert talk.sent()[0]["interactive"]["action"] == {
        "button": "Open",
        "sections": [
            {
                "title": "Hair",
                "rows": [
                    {"id": "f7:menu:cut", "title": "Cut", "description": "30 min"},
                    {"id": "f7:menu:2", "title": "✂️"},
                ],
            },
            {"title": "Other", "rows": [{"id": "f7:menu:else", "title": "Else"}]},
        ],
    }
    talk.say("Cut", "f7:menu:cut")
    assert talk.session.answers == {"menu": "Cut"}


def test_links_media_and_text_have_their_own_bodies() -> None:
    nodes = {
        "a": {"type": "message", "text": "See https://x.test", "next": "b"},
        "b": {
            "type": "message",
            "text": "cap",
            "media": {"kind": "image", "link": "https://x.test/a.png"},
            "next": "c",
        },
        "c": {"type": "message", "media": {"kind": "document", "id": "12", "filename": "a.pdf"}, "next": "d"},
        "d": {
            "type": "message",
            "text": "Open",
            "media": {"kind": "video", "id": "13"},
            "link": {"title": "Shop", "url": "https://x.test/?q={name}&{{"},
        },
    }
    assert Talk(flow_of(nodes)).sent() == [
        {"type": "text", "text": {"body": "See https://x.test", "preview_url": True}},
        {"type": "image", "image": {"link": "https://x.test/a.png", "caption": "cap"}},
        {"type": "document", "document": {"id": "12", "filename": "a.pdf"}},
        {
            "type": "interactive",
            "interactive": {
                "type": "cta_url",
                "header": {"type": "video", "video": {"id": "13"}},
                "body": {"text": "Open"},
                "action": {
                    "name": "cta_url",
                    "parameters": {"display_text": "Shop", "url": "https://x.test/?q=Alice%20Moore&{"},
                },
            },
        },
    ]


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
    assert has_button(flow, "f7:menu:yes")
    assert not any(has_button(flow, payload) for payload in (None, "f6:menu:yes", "f7:gone:yes", "f7:menu:x", "f7"))


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


def test_an_ask_gives_up_after_its_retries() -> None:
    ask = {"type": "ask", "text": "Mail?", "expect": "email", "retries": 2}
    talk = Talk(flow_of({"ask": ask}))
    assert [talk.say("x").texts(), talk.say("").texts(), talk.say("x").texts()] == [["Mail?"], ["Mail?"], []]
    assert talk.session.ended_reason == "not_understood"
    talk = Talk(flow_of({"ask": {**ask, "retries": 0, "otherwise": "help"}, "help": {"type": "handoff"}})).say("x")
    assert talk.done() == [OpenCase("handed over by the bot flow sample"), EndSession("handed_off")]


def test_more_than_three_choices_become_a_list() -> None:
    ask = {
        "type": "ask",
        "text": "Size?",
        "expect": "choice",
        "choices": list("SMLX"),
        "button": "Sizes",
        "tag": "size",
    }
    talk = Talk(flow_of({"ask": ask}))
    action = talk.sent()[0]["interactive"]["action"]
    assert action["button"] == "Sizes"
    assert [row["id"] for row in action["sections"][0]["rows"]] == ["f7:ask:s", "f7:ask:m", "f7:ask:l", "f7:ask:x"]
    assert SetTag("size", "L") in talk.say("L", "f7:ask:l").done()


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"tag": "vip"}, True),
        ({"tag": "vip", "exists": False}, False),
        ({"tag": "city"}, False),
        ({"tag": "city", "exists": False}, True),
        ({"tag": "vip", "is": ""}, True),
        ({"attribute": "age", "at_least": 18}, True),
        ({"attribute": "age", "greater_than": "18"}, False),
        ({"attribute": "age", "less_than": "x"}, False),
        ({"attribute": "since", "at_most": "2026-01-01"}, True),
        ({"attribute": "gone", "exists": False}, True),
        ({"contact": "language", "in": ["es", "EN"]}, True),
        ({"contact": "country", "not_in": ["ES"]}, False),
        ({"contact": "name", "contains": "alice"}, True),
        ({"input": True, "is": "HOLA"}, True),
        ({"input": True, "is_not": "hola"}, False),
        ({"input": True, "matches": "^¡h.la"}, True),
        ({"all": [{"tag": "vip"}, {"not": {"tag": "vip"}}]}, False),
        ({"any": [{"not": {"tag": "vip"}}, {"tag": "vip"}]}, True),
    ],
)
def test_a_branch_asks_for_facts(when: dict[str, Any], expected: bool) -> None:
    nodes = {
        "b": {"type": "branch", "cases": [{"when": when, "next": "yes"}], "otherwise": "no"},
        "yes": {"type": "end", "text": "yes"},
        "no": {"type": "end", "text": "no"},
    }
    facts = FlowContact(
        name="Alice", language="en", country="ES", tags={"vip": None}, attributes={"age": "18", "since": "2025-03-01"}
    )
    result = run_step(flow_of(nodes), FlowState.begin(NOW), Start(ReplyEvent("¡hola!")), NOW, facts)
    sent = [action.content["text"]["body"] for action in result.actions if isinstance(action, SendMessage)]
    assert sent == ["yes" if expected else "no"]


def test_what_a_set_node_sets_is_seen_by_the_nodes_after_it() -> None:
    nodes = {
        "set": {
            "type": "set",
            "tags": {"seen": None, "who": "{first_name}"},
            "remove_tags": ["vip"],
            "attributes": {"lang": "{language}"},
            "answers": {"note": "n:{input}"},
            "unsubscribe": True,
            "next": "branch",
        },
        "branch": {"type": "branch", "cases": [{"when": {"tag": "vip"}, "next": "no"}], "otherwise": "yes"},
        "no": {"type": "end", "text": "no"},
        "yes": {"type": "end", "text": "{tag.who} {attribute.lang} {answers.note|none}"},
    }
    talk = Talk(flow_of(nodes))
    assert talk.done() == [
        SetTag("seen", None),
        SetTag("who", "Alice"),
        RemoveTag("vip"),
        SetAttribute("lang", "en"),
        Unsubscribe(),
        EndSession("done"),
    ]
    assert talk.texts() == ["Alice en n:"]


WAIT = {
    "hello": {"type": "message", "text": "Hi", "next": "wait"},
    "wait": {"type": "wait", "minutes": 2, "on_reply": "heard", "next": "later"},
    "heard": {"type": "end", "text": "I heard {input}"},
    "later": {"type": "end", "text": "Still there?"},
}


def test_a_timer_starts_only_after_the_message_was_accepted() -> None:
    talk = Talk(flow_of(WAIT))
    sent = next(action for action in talk.last.actions if isinstance(action, SendMessage))
    assert talk.session.waiting_for == "sent"
    assert not talk.tell(Accepted("99")).handled
    talk.tell(Accepted(sent.tag))
    (timer,) = talk.done()
    assert timer == StartTimer(120, timer.tag)
    assert not talk.tell(TimerDue("99")).handled
    talk.tell(TimerDue(timer.tag))
    assert talk.texts() == ["Still there?"]


def test_a_reply_during_a_wait_goes_its_own_way_and_the_timer_comes_to_nothing() -> None:
    talk = Talk(flow_of(WAIT))
    talk.tell(Accepted("1"))
    assert talk.say("me").texts() == ["I heard me"]
    assert talk.tell(TimerDue("2")) == Result(talk.session, (), handled=False)


def test_a_wait_without_message_before_it_starts_at_once_and_may_ignore_replies() -> None:
    talk = Talk(
        flow_of({"wait": {"type": "wait", "seconds": 5, "next": "end"}, "end": {"type": "end", "text": "{input}"}})
    )
    assert talk.done() == [StartTimer(5, "1")]
    assert (talk.say("hm").last.actions, talk.last.handled) == ((), True)
    talk.tell(TimerDue("1"))
    assert talk.texts() == ["hm"]


def test_a_message_that_was_not_sent_ends_a_session_that_waits_for_it() -> None:
    talk = Talk(flow_of(WAIT))
    assert talk.tell(MessageNotSent("1")).actions == (EndSession("not_sent"),)
    talk = Talk(flow_of(BUTTONS))
    assert not talk.tell(MessageNotSent("1")).handled


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


def test_texts_are_cut_to_what_meta_takes_and_never_empty() -> None:
    nodes = {
        "a": {"type": "message", "text": "{name}" * 20, "buttons": [{"title": "Ok"}], "next": "b"},
        "b": {"type": "end", "text": "{attribute.none}"},
    }
    talk = Talk(flow_of(nodes), FlowContact(name="x" * 2000))
    (body,) = talk.texts()
    assert len(body) == 1024
    assert talk.say("ok").texts() == ["…"]


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


def test_a_long_chain_stops_at_its_bound() -> None:
    nodes = {f"n{place}": {"type": "message", "text": "hi", "next": f"n{place + 1}"} for place in range(60)}
    talk = Talk(flow_of({**nodes, "n60": {"type": "end"}}))
    assert len(talk.sent()) == MAX_NODES
    assert talk.session.ended_reason == "too_many_nodes"


def test_a_token_names_version_node_and_key() -> None:
    token = token_of("f12:ask_size:s")
    assert token is not None
    assert (token.version, token.node, token.key) == (12, "ask_size", "s")
    assert [token_of(payload) for payload in ("", "f:a:b", "c42:optout", "f1:a", "f1:a b:c")] == [None] * 5


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


# ---- any flow, any input ------------------------------------------------------------------------------------------

NAMES = [f"n{place}" for place in range(6)]
TEXTS = ["Hi {name}", "{answers.x|none}", "{tag.vip} {{x}}", "plain", "{input}"]


@st.composite
def flows(draw: st.DrawFn) -> FlowDefinition:
    target = st.one_of(st.none(), st.sampled_from(NAMES))
    sure = st.sampled_from(NAMES)
    text = st.sampled_from(TEXTS)
    option = st.fixed_dictionaries({"title": st.sampled_from(["Yes", "No", "Ok", "✂️"]), "next": target})
    options = st.lists(option, min_size=1, max_size=3, unique_by=lambda item: item["title"])
    when = st.sampled_from([{"tag": "vip"}, {"input": True, "contains": "a"}, {"answer": "x", "at_least": "3"}])
    expect = st.sampled_from(["text", "number", "email", "date", "phone"])
    node = st.one_of(
        st.fixed_dictionaries({"type": st.just("message"), "text": text, "next": target}),
        st.fixed_dictionaries(
            {"type": st.just("message"), "text": text, "buttons": options, "otherwise": target, "next": target}
        ),
        st.fixed_dictionaries(
            {
                "type": st.just("ask"),
                "text": text,
                "expect": expect,
                "tag": st.just("t"),
                "otherwise": target,
                "next": target,
            }
        ),
        st.fixed_dictionaries(
            {"type": st.just("ask"), "text": text, "expect": st.just("choice"), "choices": options, "next": target}
        ),
        st.fixed_dictionaries(
            {
                "type": st.just("branch"),
                "cases": st.lists(st.fixed_dictionaries({"when": when, "next": sure}), min_size=1, max_size=2),
                "otherwise": sure,
            }
        ),
        st.fixed_dictionaries({"type": st.just("set"), "answers": st.fixed_dictionaries({"x": text}), "next": target}),
        st.fixed_dictionaries(
            {"type": st.just("http"), "url": st.just("https://x.test/{input}"), "failed": target, "next": target}
        ),
        st.fixed_dictionaries({"type": st.just("wait"), "seconds": st.just(5), "on_reply": target, "next": target}),
        st.just({"type": "handoff"}),
        st.fixed_dictionaries({"type": st.just("goto"), "next": sure}),
        st.fixed_dictionaries({"type": st.just("end"), "text": text}),
    )
    # goes round at will: the engine's own bound must hold also for flows that the check would refuse
    return from_definition({"name": "any", "start": "n0", "nodes": {name: draw(node) for name in NAMES}}, 3)


TAGS = st.sampled_from([str(number) for number in range(8)])
PAYLOADS = st.one_of(
    st.none(),
    st.builds("f{}:{}:{}".format, st.integers(2, 4), st.sampled_from(NAMES), st.sampled_from(["yes", "no", "ok", "1"])),
    st.text(max_size=20),
)
REPLIES = st.builds(
    ReplyEvent, st.one_of(st.sampled_from(["yes", "3", "a@b.de", "1/2/2027", "+34600111222"]), st.text()), PAYLOADS
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
EVENTS = st.one_of(
    st.builds(Start, REPLIES),
    REPLIES,
    REPLIES,
    st.builds(Accepted, TAGS),
    st.builds(MessageNotSent, TAGS),
    st.builds(TimerDue, TAGS),
    st.builds(HttpResult, TAGS, st.booleans(), st.integers(100, 599), JSON),
)


@settings(max_examples=300, deadline=None)
@given(flows(), st.lists(EVENTS, max_size=8), st.lists(st.integers(0, 90_000), min_size=9, max_size=9))
def test_no_flow_and_no_input_makes_the_engine_fail_or_run_on(
    flow: FlowDefinition, events: list[Event], pauses: list[int]
) -> None:
    session, now = FlowState.begin(NOW), NOW
    for event, pause in zip([Start(), *events], pauses, strict=False):
        now += timedelta(seconds=pause)
        result = run_step(flow, session, event, now, ALICE)
        assert result == run_step(
            flow, FlowState.from_json(json.loads(json.dumps(session.to_json()))), event, now, ALICE
        )
        assert sum(isinstance(action, SendMessage) for action in result.actions) <= MAX_NODES + 1
        assert len(result.actions) <= 4 * MAX_NODES
        assert FlowState.from_json(json.loads(json.dumps(result.session.to_json()))) == result.session
        assert (result.session.status == "ended") == any(
            isinstance(action, EndSession) for action in result.actions
        ) or (session.status == "ended")
        if result.session.status == "active" and result.session.node is not None:
            assert result.session.waiting_for is not None
        session = result.session


@settings(max_examples=100, deadline=None)
@given(st.lists(REPLIES, max_size=8))
def test_the_demonstrations_flow_always_comes_to_an_end(replies: list[ReplyEvent]) -> None:
    flow = parse_flow(EXAMPLES / "spring_replies.yaml").flow
    assert flow is not None
    talk = Talk(flow)
    for reply in replies:
        talk.tell(reply)
        assert talk.session.status == "ended" or talk.session.waiting_for == "reply"
    for _ in range(8):
        talk.tell(ReplyEvent("qqq"))
    assert talk.session.status == "ended"


def test_the_demonstrations_flow_goes_both_ways() -> None:
    flow = parse_flow(EXAMPLES / "spring_replies.yaml").flow
    assert flow is not None
    talk, steps = Talk(flow), []
    for text in ("Show me", "Large", "Madrid"):
        steps += [action.name for action in talk.last.actions if isinstance(action, PassStep)]
        talk.say(text)
    steps += [action.name for action in talk.last.actions if isinstance(action, PassStep)]
    assert steps == ["replied", "interested", "answered", "done"]
    assert talk.session.answers["size"] == "L"
    talk = Talk(flow).say("I have a question").say("Do you ship?")
    assert talk.done() == [PassStep("handed_off"), OpenCase("Spring campaign: Do you ship?"), EndSession("handed_off")]
