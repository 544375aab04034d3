"""Bot flow files: what is read, and how each mistake is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.flows.load import MAX_BYTES, MAX_NODES, from_definition, parse_flow, read_flow, to_definition
from bot.flows.nodes import NODE_TYPES, MessageNode, WaitNode
from bot.flows.placeholders import ALLOWED
from tests.support.paths import EXAMPLES

EXAMPLE_FILES = sorted(EXAMPLES.glob("*.yaml"))


def problems(nodes: dict[str, Any], **top: Any) -> list[str]:
    """The problems of a flow of these nodes, without file and line."""
    document = {"name": "sample", "start": next(iter(nodes), None), "nodes": nodes, **top}
    return [line.split(": ", 1)[1] for line in read_flow(json.dumps(document, indent=1), "f.yaml").problems]


@pytest.mark.parametrize("path", EXAMPLE_FILES, ids=lambda path: path.stem)
def test_every_example_loads_without_a_warning_and_survives_being_stored(path: Path) -> None:
    read = parse_flow(path)
    assert (read.problems, read.warnings) == ((), ())
    assert read.flow is not None
    stored = json.loads(json.dumps(to_definition(read.flow)))
    again = from_definition(stored, 12)
    assert again.version == 12
    assert to_definition(again) == stored
    assert again.nodes == read.flow.nodes


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
        "flow.yaml:3: colour: unknown field; allowed: name, description, keywords, kind, url, start, nodes",
        f"flow.yaml:7: nodes.ask_name.text: '{{nick}}' is no known name; allowed: {ALLOWED}",
        "flow.yaml:7: nodes.ask_name.text: '{answers.age}' is no answer of this flow; allowed: ask_name, broken",
        "flow.yaml:8: nodes.ask_name.next: 'foo' is no node of this flow; allowed: ask_name, broken, odd, wait",
        "flow.yaml:14: nodes.broken.buttons[0].nxt: unknown field; allowed: title, description, key, value, next",
        f"flow.yaml:15: nodes.odd.type: 'dance' is no type of node; allowed: {', '.join(NODE_TYPES)}",
        "flow.yaml:16: nodes.wait: waits 86400 seconds; allowed: 1 second to 23 hours, by seconds, minutes and hours",
        "flow.yaml:17: nodes.wait: stands here twice, first on line 16",
    ]


def test_words_that_yaml_takes_for_something_else_stay_words() -> None:
    text = """
name: sample
start: 1
nodes:
  1:
    type: message
    text: 12:30
    buttons: [{title: Yes}, {title: No}, {title: 007}]
    next: on
  on: {type: wait, minutes: "5"}
"""
    read = read_flow(text, "f.yaml")
    assert read.flow is not None, read.problems
    first, second = read.flow.nodes["1"], read.flow.nodes["on"]
    assert isinstance(first, MessageNode)
    assert isinstance(second, WaitNode)
    assert ([button.title for button in first.buttons], first.text) == (["Yes", "No", "007"], "12:30")
    assert second.total_seconds == 300


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f:1: a bot flow begins with name, start and nodes"),
        ("- a", "f:1: a bot flow begins with name, start and nodes"),
        ("name: &x y\nstart: *x", "f:2: aliases (*name) are not allowed"),
        (
            "name: !!python/name:os.system x",
            "f:1: name: the tag 'tag:yaml.org,2002:python/name:os.system' is not allowed",
        ),
        ("name: x\n\tstart: y", "f:2: found character '\\t' that cannot start any token"),
        ("name: x\nstart: {", "f:2: expected the node content, but found '<stream end>'"),
        ("--- {}\n--- {}", "f:2: but found another document"),
        ("name: \0", "f:1: character 7 of the text is not allowed in YAML"),
        ("? [a]\n: b", "f:1: a key must be text"),
        ("[" * 50_000, "f:1: the file is nested too deeply"),
        ("#" * (MAX_BYTES + 1), f"f:1: the file is too large; allowed: {MAX_BYTES} bytes"),
        (b"name: x\nstart: \xff", "f:2: the text is not UTF-8"),
        ("\ud800", "f:1: the text is not UTF-8"),
        ("name: x\nnodes: 3", "f:2: nodes: must be a mapping of node names to nodes"),
        ("name: x\nversion: 3", "f:2: version: unknown field; a version is given when the flow is loaded"),
        ("name: x", "f:1: nodes: a flow needs at least one node"),
        ("name: x\nnodes: {a: {type: end}}", "f:1: start: is missing; allowed: a"),
        ("name: x\nnodes: {a: 3}", "f:2: nodes.a: must be a mapping with a type"),
        ("start: a\nnodes: {a: {type: end}}", "f:1: name: is missing"),
    ],
)
def test_a_file_that_is_no_flow_is_refused_in_one_line_per_problem(text: str | bytes, problem: str) -> None:
    read = read_flow(text, "f")
    assert read.flow is None
    assert problem in read.problems
    assert not any("\n" in line for line in read.problems)


def test_a_file_may_begin_with_a_byte_order_mark() -> None:
    assert read_flow(b"\xef\xbb\xbfname: x\nstart: a\nnodes: {a: {type: end}}", "f").flow is not None


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


YAML_PARTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["a", "message", "ask", "{name}", "{"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "text",
                    "next",
                    "buttons",
                    "title",
                    "list",
                    "sections",
                    "rows",
                    "cases",
                    "when",
                    "all",
                    "tag",
                    "is",
                    "otherwise",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b", "c d"]), st.fixed_dictionaries({}, optional={
    "type": st.sampled_from(["message", "ask", "branch", "set", "http", "end", "wait"]),
    "text": YAML_PARTS, "next": YAML_PARTS, "buttons": YAML_PARTS, "list": YAML_PARTS, "cases": YAML_PARTS, "tags": YAML_PARTS,
}), max_size=3), YAML_PARTS)  # fmt: skip
def test_no_file_makes_the_check_fail(nodes: dict[str, Any], other: Any) -> None:
    for start in ("a", other):
        read = read_flow(json.dumps({"name": "x", "start": start, "nodes": nodes}), "f")
        assert (read.flow is None) == bool(read.problems)
        if read.flow is not None:
            assert from_definition(json.loads(json.dumps(to_definition(read.flow)))) == read.flow


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_text_makes_the_reader_fail(text: str | bytes) -> None:
    assert read_flow(text, "f").problems
