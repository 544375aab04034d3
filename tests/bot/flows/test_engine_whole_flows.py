"""Whole flows: no flow and no input makes the engine fail, run on or forget."""

import json
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.flows.engine import MAX_NODES, run_step
from bot.flows.load import from_definition, parse_flow
from bot.flows.nodes import FlowDefinition
from bot.flows.session import (
    Accepted,
    EndSession,
    Event,
    FlowState,
    HttpResult,
    MessageNotSent,
    OpenCase,
    PassStep,
    ReplyEvent,
    SendMessage,
    Start,
    TimerDue,
)
from tests.support.flow_talk import ALICE, NOW, Talk
from tests.support.paths import EXAMPLES
from tests.support.proof import rounds

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


@settings(max_examples=rounds(300, 9000), deadline=None)
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


@settings(max_examples=rounds(100, 3000), deadline=None)
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
