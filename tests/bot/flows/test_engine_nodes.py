"""What each kind of node does: messages as the Cloud API wants them, branches, set and wait."""

from typing import Any

import pytest

from bot.flows.engine import MAX_NODES, run_step
from bot.flows.session import (
    Accepted,
    EndSession,
    FlowContact,
    FlowState,
    MessageNotSent,
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
from tests.support.flow_talk import BUTTONS, NOW, Talk, flow_of


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
        ({"tag": "VIP"}, True),
        ({"tag": "VIP", "exists": False}, False),
        ({"tag": "Vip", "is": ""}, True),
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


def test_case_does_not_tell_the_tags_of_a_bot_flow_apart() -> None:
    nodes = {
        "set": {"type": "set", "tags": {"City": "Madrid"}, "next": "change"},
        "change": {"type": "set", "tags": {"CITY": "Sevilla"}, "remove_tags": ["VIP"], "next": "branch"},
        "branch": {"type": "branch", "cases": [{"when": {"tag": "vip"}, "next": "no"}], "otherwise": "yes"},
        "no": {"type": "end", "text": "no"},
        "yes": {"type": "end", "text": "{tag.city}"},
    }
    talk = Talk(flow_of(nodes))
    assert [action for action in talk.done() if not isinstance(action, EndSession)] == [
        SetTag("City", "Madrid"),
        SetTag("CITY", "Sevilla"),
        RemoveTag("VIP"),
    ]
    assert talk.texts() == ["Sevilla"]


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


def test_texts_are_cut_to_what_meta_takes_and_never_empty() -> None:
    nodes = {
        "a": {"type": "message", "text": "{name}" * 20, "buttons": [{"title": "Ok"}], "next": "b"},
        "b": {"type": "end", "text": "{attribute.none}"},
    }
    talk = Talk(flow_of(nodes), FlowContact(name="x" * 2000))
    (body,) = talk.texts()
    assert len(body) == 1024
    assert talk.say("ok").texts() == ["…"]


def test_a_long_chain_stops_at_its_bound() -> None:
    nodes = {f"n{place}": {"type": "message", "text": "hi", "next": f"n{place + 1}"} for place in range(60)}
    talk = Talk(flow_of({**nodes, "n60": {"type": "end"}}))
    assert len(talk.sent()) == MAX_NODES
    assert talk.session.ended_reason == "too_many_nodes"
