"""How many messages a bot flow sends on its shortest and its longest way, and which loops it has."""

from typing import Any

import pytest

from bot.flows.load import read_flow
from bot.flows.nodes import FlowDefinition
from bot.flows.paths import paths_of
from tests.support.paths import EXAMPLES


def flow(nodes: dict[str, Any], **values: Any) -> FlowDefinition:
    return FlowDefinition.model_validate({"name": "f", "start": next(iter(nodes)), "nodes": nodes} | values)


ASK: dict[str, Any] = {"type": "ask", "text": "Who?", "next": "choose"}
CHOOSE: dict[str, Any] = {
    "type": "message",
    "text": "What?",
    "buttons": [{"title": "Hours", "next": "hours"}, {"title": "Bye", "next": "bye"}],
}
BYE: dict[str, Any] = {"type": "end", "text": "Bye"}
HOURS: dict[str, Any] = {"type": "message", "text": "Nine to five", "next": "more"}
MORE: dict[str, Any] = {"type": "handoff", "text": "Somebody answers you"}
WITHOUT_LOOP = {"ask": ASK, "choose": CHOOSE, "hours": HOURS, "more": MORE, "bye": BYE}


def test_the_shortest_and_the_longest_way_and_what_retries_add() -> None:
    paths = paths_of(flow(WITHOUT_LOOP))
    assert (paths.shortest, paths.longest, paths.retries) == (3, 4, 3)
    assert paths.shortest_way == ("ask", "choose", "bye")
    assert (paths.loops, paths.has_end) == ((), True)


def test_loops_are_named_once_each_and_the_longest_way_passes_no_node_twice() -> None:
    back = WITHOUT_LOOP | {"hours": HOURS | {"next": "choose"}, "set": {"type": "set", "next": "set2"}}
    paths = paths_of(flow(back | {"set2": {"type": "goto", "next": "set"}}))
    assert paths.loops == ("choose → hours → choose",), "a loop that nobody reaches is none"
    assert (paths.shortest, paths.longest, paths.has_end) == (3, 3, False)


def test_a_budget_of_messages_limits_the_longest_way() -> None:
    paths = paths_of(flow(WITHOUT_LOOP, budget={"messages": 2}))
    assert (paths.shortest, paths.longest, paths.retries) == (2, 2, 0)


def test_diamonds_and_large_loops_are_counted_in_no_time() -> None:
    wide: dict[str, Any] = {}
    for place in range(60):
        options = [{"title": f"{side}", "next": f"{side}{place}"} for side in "ab"]
        wide[f"n{place}"] = {"type": "message", "text": "?", "buttons": options}
        wide |= {f"{side}{place}": {"type": "goto", "next": f"n{place + 1}"} for side in "ab"}
    wide["n60"] = {"type": "end"}
    assert paths_of(flow(wide)).longest == 60
    everybody = [{"title": f"to {place}", "next": f"m{place}"} for place in range(10)]
    tangle = {f"m{place}": {"type": "message", "text": "?", "list": {"button": "Open", "sections": [{"rows": everybody}]}}
              for place in range(10)}  # fmt: skip
    paths = paths_of(flow(tangle))
    assert (paths.shortest, paths.longest) == (1, 10)


@pytest.mark.parametrize("name", ["spring_replies", "appointment", "feedback"])
def test_the_examples_are_counted(name: str) -> None:
    read = read_flow((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"), name)
    assert read.flow is not None
    paths = paths_of(read.flow)
    assert 1 <= paths.shortest <= paths.longest <= len(read.flow.nodes)


def test_an_external_flow_sends_what_one_answer_of_its_bot_may_have() -> None:
    paths = paths_of(FlowDefinition(name="f", kind="external", url="https://bot.example.com/hark"))
    assert (paths.shortest, paths.longest, paths.is_external, paths.has_end) == (0, 5, True, False)
