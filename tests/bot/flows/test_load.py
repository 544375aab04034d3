"""Reading a flow file: what it may look like, and what is no flow at all."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.flows.load import MAX_BYTES, from_definition, parse_flow, read_flow, to_definition
from bot.flows.nodes import MessageNode, WaitNode
from tests.support.paths import EXAMPLES
from tests.support.proof import rounds

EXAMPLE_FILES = sorted(EXAMPLES.glob("*.yaml"))


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


@settings(max_examples=rounds(300, 9000), deadline=None)
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


@settings(max_examples=rounds(100, 3000), deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_text_makes_the_reader_fail(text: str | bytes) -> None:
    assert read_flow(text, "f").problems
