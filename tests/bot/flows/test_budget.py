"""A flow's budget: so many messages, or so much money, in one conversation. Then it hands off to people."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.flows.engine import run_step
from bot.flows.load import read_flow
from bot.flows.nodes import FlowDefinition, from_definition, to_definition
from bot.flows.session import (
    EndSession,
    FlowContact,
    FlowState,
    HttpResult,
    OpenCase,
    ReplyEvent,
    Result,
    SendMessage,
    Start,
)

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
FLOW = """name: a
start: ask
budget: %s
nodes:
  ask: {type: ask, text: Who, expect: number, retries: 5, next: ok}
  ok: {type: message, text: Thanks, next: more}
  more: {type: message, text: Wait, next: bye}
  bye: {type: end, text: Bye}
"""


def read(budget: str) -> FlowDefinition:
    found = read_flow(FLOW % budget, "flow")
    assert found.flow is not None, found.problems
    return from_definition(to_definition(found.flow))


def walk(
    flow: FlowDefinition, replies: list[str], contact: FlowContact | None = None
) -> tuple[list[str], Result, list[Any]]:
    """(texts that were sent, the last result, all other actions)."""
    result = run_step(flow, FlowState.begin(NOW), Start(), NOW, contact)
    actions = list(result.actions)
    for reply in replies:
        state = FlowState.from_json(result.session.to_json())
        result = run_step(flow, state, ReplyEvent(reply), NOW, contact)
        actions += result.actions
    texts = [action.content["text"]["body"] for action in actions if isinstance(action, SendMessage)]
    return texts, result, [action for action in actions if not isinstance(action, SendMessage)]


def test_messages_beyond_the_budget_become_a_case_and_none_is_sent() -> None:
    texts, result, others = walk(read("{messages: 2}"), ["5"])
    assert texts == ["Who", "Thanks"]
    assert others == [OpenCase("the budget of the bot flow a is used up"), EndSession("handed_off")]
    assert (result.session.status, result.session.sent, result.needs_human) == ("ended", 2, False)


def test_retries_count_and_the_budget_s_own_text_is_the_last_message_within_it() -> None:
    budget = "{messages: 3, text: 'Somebody answers you, {input}', reason: 'bot was expensive'}"
    texts, result, others = walk(read(budget), ["what", "why"])
    assert texts == ["Who", "Who", "Somebody answers you, why"]
    assert others == [OpenCase("bot was expensive"), EndSession("handed_off")]
    assert result.session.sent == 3


def test_a_flow_that_ends_within_its_budget_is_not_handed_off() -> None:
    texts, result, _ = walk(read("{messages: 4, text: Somebody answers you}"), ["5"])
    assert (texts, result.session.ended_reason) == (["Who", "Thanks", "Wait", "Bye"], "done")


def test_money_is_divided_by_what_an_answer_to_this_person_costs() -> None:
    flow = read("{amount: 0.10, currency: EUR}")
    dear, cheap = (
        FlowContact(answer_price=50_000, price_currency="EUR"),
        FlowContact(answer_price=1, price_currency="EUR"),
    )
    assert walk(flow, ["5"], dear)[0] == ["Who", "Thanks"]
    assert len(walk(flow, ["5"], cheap)[0]) == 4
    for unknown in (FlowContact(), FlowContact(answer_price=50_000, price_currency="USD")):
        assert len(walk(flow, ["5"], unknown)[0]) == 4, "an unknown price limits nothing"
    both = read("{messages: 3, amount: 0.10, currency: EUR}")
    assert len(walk(both, ["5"], dear)[0]) == 2
    assert len(walk(both, ["5"])[0]) == 3


def test_an_external_bot_is_limited_too() -> None:
    flow = FlowDefinition.model_validate(
        {"name": "e", "kind": "external", "url": "https://bot.example.com/x", "budget": {"messages": 2}}
    )
    begun = run_step(flow, FlowState.begin(NOW), Start(), NOW)
    body = {"messages": [{"text": "one"}, {"text": "two"}, {"text": "three"}], "handoff": "they asked", "end": True}
    result = run_step(flow, begun.session, HttpResult("1", ok=True, status=200, body=body), NOW)
    assert [type(action) for action in result.actions] == [SendMessage, SendMessage, OpenCase, EndSession]
    assert result.session.ended_reason == "handed_off"


@pytest.mark.parametrize(
    ("budget", "problem"),
    [
        ("{}", "budget: needs messages or amount"),
        ("{messages: 0}", "greater than or equal to 1"),
        ("{amount: 0, currency: EUR}", "budget.amount: is 0"),
        ("{amount: much, currency: EUR}", "budget.amount: 'much'"),
        ("{amount: 1.5}", "amount and currency belong together"),
        ("{messages: 2, currency: EUR}", "amount and currency belong together"),
        ("{amount: 1, currency: E1}", "budget.currency: 'E1'"),
        ("{messages: 1, text: Bye}", "allowed: 2 or more"),
        ("{messages: 3, text: '{answers.q}'}", "budget.text: '{answers.q}' is no answer"),
        ("{messages: 3, euros: 4}", "unknown field"),
    ],
)
def test_what_is_no_budget_is_refused_in_one_line(budget: str, problem: str) -> None:
    found = read_flow(FLOW % budget, "flow")
    assert found.flow is None
    assert len(found.problems) == 1
    assert problem in found.problems[0]
