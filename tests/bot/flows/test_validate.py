"""Mistakes inside a flow: each is told where it stands."""

import json
from typing import Any

import pytest

from bot.flows.load import MAX_NODES, read_flow
from bot.flows.nodes import NODE_TYPES
from bot.flows.placeholders import ALLOWED


def problems(nodes: dict[str, Any], **top: Any) -> list[str]:
    """The problems of a flow of these nodes, without file and line."""
    document = {"name": "sample", "start": next(iter(nodes), None), "nodes": nodes, **top}
    return [line.split(": ", 1)[1] for line in read_flow(json.dumps(document, indent=1), "f.yaml").problems]


def test_all_problems_are_told_at_once_each_with_its_line() -> None:
    text = """\
name: sample
start: nope
colour: red
nodes:
  ask_name:
    type: ask
    text: Hello {nick}, {answers.age}!
    next: foo
  broken:
    type: message
    text: Hi
    buttons:
      - title: Yes
        nxt: ask_name
  odd: {type: dance}
  wait: {type: wait, hours: 24}
  wait: {type: wait, hours: 1}
"""
    assert list(read_flow(text, "flow.yaml").problems) == [
        "flow.yaml:2: start: 'nope' is no node of this flow; allowed: ask_name, broken, odd, wait",
        (
            "flow.yaml:3: colour: unknown field; "
            "allowed: name, description, keywords, kind, url, headers, repeat, budget, start, nodes"
        ),
        f"flow.yaml:7: nodes.ask_name.text: '{{nick}}' is no known name; allowed: {ALLOWED}",
        "flow.yaml:7: nodes.ask_name.text: '{answers.age}' is no answer of this flow; allowed: ask_name, broken",
        "flow.yaml:8: nodes.ask_name.next: 'foo' is no node of this flow; allowed: ask_name, broken, odd, wait",
        "flow.yaml:14: nodes.broken.buttons[0].nxt: unknown field; allowed: title, description, key, value, next",
        f"flow.yaml:15: nodes.odd.type: 'dance' is no type of node; allowed: {', '.join(NODE_TYPES)}",
        "flow.yaml:16: nodes.wait: waits 86400 seconds; allowed: 1 second to 23 hours, by seconds, minutes and hours",
        "flow.yaml:17: nodes.wait: stands here twice, first on line 16",
    ]


def test_too_many_nodes_are_refused_and_too_many_problems_cut() -> None:
    many = {f"n{place}": {"type": "end"} for place in range(MAX_NODES + 1)}
    assert problems(many) == [f"nodes: has {MAX_NODES + 1} nodes; allowed: {MAX_NODES}"]
    wrong = {f"n{place}": {"type": "goto", "next": "x"} for place in range(150)}
    found = read_flow(json.dumps({"name": "x", "start": "n0", "nodes": wrong}), "f").problems
    assert (len(found), found[-1]) == (101, "f: and 50 more problems")


MESSAGE = {"type": "message", "text": "Hi"}
ASK = {"type": "ask", "text": "?"}
YES = {"title": "Yes"}


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        ({"type": "message"}, "nodes.a: a message needs text or media"),
        ({"type": "message", "buttons": [YES]}, "nodes.a.buttons: a message with buttons, a list or a link needs text"),
        ({**MESSAGE, "text": "x" * 4097}, "nodes.a.text: has 4097 characters; allowed: 4096"),
        ({**MESSAGE, "text": "x" * 1025, "buttons": [YES]}, "nodes.a.text: has 1025 characters; allowed here: 1024"),
        ({**MESSAGE, "buttons": [{"title": letter} for letter in "ABCD"]}, "nodes.a.buttons: has 4 entries; allowed: 3"),
        ({**MESSAGE, "buttons": [{"title": "x" * 21}]}, "has 21 characters; allowed: 20"),
        ({**MESSAGE, "buttons": [{"title": "{name}"}]}, "nodes.a.buttons[0].title: names in braces are not replaced here"),
        ({**MESSAGE, "buttons": [{**YES, "description": "d"}]}, "nodes.a.buttons[0].description: a reply button has none"),
        ({**MESSAGE, "buttons": [{**YES, "value": "d"}]}, "nodes.a.buttons[0].value: only choices of an ask have one"),
        ({**MESSAGE, "buttons": [YES, YES]}, "nodes.a.buttons[1].title: 'Yes' stands here twice"),
        ({**MESSAGE, "buttons": [YES, {"title": "yes!"}]}, "nodes.a: a has two options with the same key"),
        ({**MESSAGE, "buttons": [YES], "link": {"title": "x", "url": "https://x.test"}}, "nodes.a.link: a message has one of"),
        ({**MESSAGE, "link": {"title": "x", "url": "https://{name}.test"}}, "the host must be literal"),
        ({**MESSAGE, "link": {"title": "x", "url": "javascript:alert"}}, "is no address; allowed: https:// or http://"),
        ({**MESSAGE, "link": {"title": "x", "url": "https://[x"}}, "is no address; allowed: https:// or http://"),
        ({**MESSAGE, "link": {"title": "x", "url": "https://x.test/a b"}}, "an address has no spaces"),
        ({**MESSAGE, "header": "h"}, "nodes.a.header: only a message with buttons, a list or a link has one"),
        ({**MESSAGE, "otherwise": "a"}, "nodes.a.otherwise: only a message with buttons or a list has one"),
        ({**MESSAGE, "media": {"kind": "image"}}, "nodes.a.media: needs either link or id"),
        ({**MESSAGE, "media": {"kind": "image", "link": "http://x.test/a"}}, "nodes.a.media.link: "),
        ({**MESSAGE, "media": {"kind": "audio", "id": "1"}}, "nodes.a.text: a message with audio has no text"),
        ({**MESSAGE, "media": {"kind": "image", "id": "1", "filename": "x"}}, "nodes.a.media.filename: only a document has one"),
        ({**MESSAGE, "media": {"kind": "audio", "id": "1"}, "buttons": [YES]}, "'audio' cannot stand above buttons"),
        ({**MESSAGE, "media": {"kind": "image", "id": "1"}, "header": "h", "buttons": [YES]}, "media or a header, not both"),
        ({**MESSAGE, "media": {"kind": "gif", "id": "1"}}, "nodes.a.media.kind: 'gif' is not allowed; allowed: 'image', "),
        ({**MESSAGE, "list": {"button": "x", "sections": [{"rows": [YES]}] * 2}}, "nodes.a.list.sections[0]: needs a title"),
        ({**MESSAGE, "list": {"button": "x", "sections": []}}, "nodes.a.list.sections: "),
        ({**MESSAGE, "list": {"sections": [{"rows": [YES]}]}}, "nodes.a.list.button: is missing"),
        ({**MESSAGE, "list": {"button": "x", "sections": [{"rows": [{**YES, "x": 1}]}]}}, "rows[0].x: unknown field; allowed: "),
        ({**MESSAGE, "step": "a b"}, "nodes.a.step: 'a b' is not allowed; allowed: "),
        ({**MESSAGE, "text": ["x"]}, "nodes.a.text: must be text"),
        ({**MESSAGE, "buttons": "x"}, "nodes.a.buttons: must be a list"),
        ({**MESSAGE, "media": "x"}, "nodes.a.media: must be a mapping"),
        ({**ASK, "expect": "regex"}, "nodes.a.pattern: is missing"),
        ({**ASK, "expect": "regex", "pattern": "(a"}, "nodes.a.pattern: '(a' is no regular expression (RE2 syntax): "),
        ({**ASK, "expect": "regex", "pattern": "(?:a{1000}){1000}"}, "is no regular expression (RE2 syntax): "),
        ({**ASK, "expect": "regex", "pattern": r"(a)\1"}, "is no regular expression (RE2 syntax): "),
        ({**ASK, "expect": "choice"}, "nodes.a.choices: is missing"),
        ({**ASK, "expect": "choice", "choices": ["a", "b", "c", "d"]}, "nodes.a.button: is missing"),
        ({**ASK, "expect": "choice", "choices": ["a"], "button": "x"}, "nodes.a.button: 3 choices or fewer"),
        ({**ASK, "expect": "choice", "choices": ["x" * 21]}, "nodes.a.choices[0].title: "),
        ({**ASK, "expect": "choice", "choices": ["É", "e!"]}, "nodes.a.choices: two choices read alike when typed"),
        ({**ASK, "expect": "choice", "choices": ["a"], "text": "x" * 1025}, "nodes.a.text: has 1025 characters"),
        ({**ASK, "min": 1}, "nodes.a.min: only with expect: number"),
        ({**ASK, "expect": "number", "min": 3, "max": 1}, "nodes.a.max: 1.0 is below min, which is 3.0"),
        ({**ASK, "expect": "number", "min": "few"}, "nodes.a.min: 'few' is not allowed; allowed: "),
        ({**ASK, "expect": "date", "earliest": "soon"}, "nodes.a.earliest: 'soon' is no day; allowed: today, or"),
        ({**ASK, "expect": "age"}, "nodes.a.expect: 'age' is not allowed; allowed: 'text', "),
        ({**ASK, "retries": 9}, "nodes.a.retries: '9' is not allowed; allowed: less than or equal to 5"),
        ({**ASK, "tag": "a=b"}, "nodes.a.tag: 'a=b' is not allowed; allowed: "),
        ({"type": "branch", "cases": [], "otherwise": "a"}, "nodes.a.cases: "),
        ({"type": "branch", "cases": [{"when": {"tag": "x"}, "next": "a"}]}, "nodes.a.otherwise: is missing"),
        ({"type": "http", "url": "http://x.test"}, "nodes.a.url: 'http://x.test' is no address; allowed: https:// and a host"),
        ({"type": "http", "url": "https://u:p@x.test"}, "nodes.a.url: "),
        ({"type": "http", "url": "https://x.test", "method": "GET", "body": {"a": "b"}}, "nodes.a.body: a GET has none"),
        ({"type": "goto"}, "nodes.a.next: is missing"),
        ({"type": "wait"}, "nodes.a: waits 0 seconds"),
        ({"type": "set", "tags": {"x": "{foo}"}}, "nodes.a.tags.x: '{foo}' is no known name"),
        ({"type": "end", "text": "{tag.}"}, "nodes.a.text: '{tag.}' is no known name"),
        ({"next": "a"}, "nodes.a.type: is missing; allowed: message, ask, "),
    ],
)  # fmt: skip
def test_a_mistake_in_a_node_is_told_where_it_stands(node: dict[str, Any], problem: str) -> None:
    found = problems({"a": node})
    assert any(problem in line for line in found), found


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ({}, "needs one subject"),
        ({"tag": "x", "answer": "q", "is": "1"}, "needs one subject"),
        ({"attribute": "x"}, "needs one test"),
        ({"attribute": "x", "is": "1", "is_not": "2"}, "needs one test"),
        ({"all": [{"tag": "x"}], "tag": "y"}, "all, any and not stand alone"),
        ({"answer": "nope", "is": "1"}, "answer: 'nope' is no answer of this flow; allowed: q"),
        ({"input": True, "matches": "["}, "matches: '[' is no regular expression"),
        ({"not": {"contact": "shoe", "is": "1"}}, "not.contact: 'shoe' is not allowed"),
        ({"any": [{"tag": "x"}] * 20 + [{"tag": "x"}]}, "when.any: has 21 entries; allowed: 20"),
        ({"all": [{"any": [{"tag": "x"}] * 20}] * 3}, "has more than 50 conditions"),
    ],
)
def test_a_mistake_in_a_condition_is_told(when: dict[str, Any], problem: str) -> None:
    branch = {"type": "branch", "cases": [{"when": when, "next": "q"}], "otherwise": "q"}
    found = problems({"a": branch, "q": ASK})
    assert any(problem in line for line in found), found


def test_a_loop_without_a_reply_is_refused() -> None:
    wait = {"type": "wait", "hours": 1, "next": "a", "on_reply": "q"}
    assert problems({"a": {**MESSAGE, "next": "b"}, "b": wait, "q": ASK}) == [
        "nodes.b: a → b → a goes round without waiting for a reply"
    ]
    call = {"type": "http", "url": "https://x.test", "failed": "a"}
    assert problems({"a": call}) == ["nodes.a: a → a goes round without waiting for a reply"]


def test_a_loop_that_a_reply_breaks_is_fine() -> None:
    buttons = {**MESSAGE, "buttons": [{"title": "Again", "next": "b"}]}
    wait = {"type": "wait", "hours": 1, "on_reply": "a"}
    assert problems({"a": {**MESSAGE, "next": "w"}, "w": wait}) == []
    assert problems({"a": buttons, "b": {"type": "goto", "next": "a"}}) == []
    assert problems({"a": {**ASK, "next": "a", "otherwise": "a"}}) == []


def test_a_node_that_nothing_leads_to_is_a_warning() -> None:
    read = read_flow("name: x\nstart: a\nnodes:\n  a: {type: end}\n  b: {type: end}", "f")
    assert read.flow is not None
    assert read.warnings == ("f:5: nodes.b: no way leads here from the start",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: x\nkind: external", "f:1: url: is missing: a flow of kind 'external' names the address of its bot"),
        ("name: x\nkind: external\nurl: https://x.test/{name}", "f:3: url: names in braces are not replaced here"),
        (
            "name: x\nkind: external\nurl: http://x.test/",
            "f:3: url: 'http://x.test/' is no address; allowed: https:// and a host",
        ),
        ("name: x\nkind: external\nurl: https://x.test/\nstart: a", "f:4: start: a flow of kind 'external' has none"),
        (
            "name: x\nurl: https://x.test/\nstart: a\nnodes: {a: {type: end}}",
            "f:2: url: only a flow of kind 'external' has one",
        ),
        ("name: x\nkind: magic", "f:2: kind: 'magic' is not allowed; allowed: 'script' or 'external'"),
    ],
)
def test_an_external_flow_is_an_address_and_nothing_else(text: str, problem: str) -> None:
    assert problem in read_flow(text, "f").problems
