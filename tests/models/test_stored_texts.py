"""What rows keep of a sentence: a key with its values, never the sentence."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import stored_texts
from models.errors import OperatorError
from models.stored_texts import (
    BALANCE_TOO_SMALL,
    FAILED_ALIKE,
    FAILURE_SAMPLE,
    LAUNCH_STOPPED,
    META_SAYS,
    NO_TEXT,
    read_text,
    show_stored,
)
from models.text import DECLARED, MAX_VALUE, StoredText, Text, stored_text
from tests.support.paths import ROOT

FLOORS = ("models", "bot", "jobs", "admin")
COLUMNS = {"detail", "note", "pause_detail", "stopped_reason", "state_reason", "error_msg"}
CATALOGUE = {name: text for name, text in vars(stored_texts).items() if isinstance(text, StoredText)}

RETIRED = {"MESSAGING_LIMIT_MET"}
"""Nothing writes them any more, but rows hold them."""


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for floor in FLOORS:
        for path in (ROOT / floor).rglob("*.py"):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def test_every_key_is_declared_once_and_in_the_catalogue() -> None:
    assert {text.key: text for text in CATALOGUE.values()} == DECLARED
    assert len({text.key for text in CATALOGUE.values()}) == len(CATALOGUE)
    declared = {str(path) for path, tree in _modules() for node in ast.walk(tree) if _calls(node, "stored_text")}
    assert declared == {"models/stored_texts.py"}
    with pytest.raises(ValueError, match="cannot be declared"):
        stored_text(NO_TEXT.key, "another")
    with pytest.raises(ValueError, match="cannot be declared"):
        stored_text("test.reserved", "{key}")


def test_every_template_is_filled_by_the_values_it_is_given() -> None:
    for text in CATALOGUE.values():
        assert not re.search(r"\{\w+[!:]", text.template), f"{text.key}: JSON keeps no format"
        values = {place: f"<{place}>" for place in text.places}
        shown = show_stored(text(**values).stored())
        assert "{" not in shown
        assert all(value in shown for value in values.values())
    calls = [
        (str(path), node.func.id, {keyword.arg for keyword in node.keywords})
        for path, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CATALOGUE
    ]
    wrong = [call for call in calls if None not in call[2] and call[2] != CATALOGUE[call[1]].places]
    assert wrong == []
    unused = CATALOGUE.keys() - {name for _, name, _ in calls}
    assert unused == RETIRED


def test_a_value_that_is_missing_or_too_much_is_refused() -> None:
    for values in ({}, {"why": "x", "more": 1}):
        with pytest.raises(ValueError, match="needs"):
            LAUNCH_STOPPED(**values)


@pytest.mark.parametrize(
    "plain", ["190: expired", "{curly}", '{"key":', '{"key":1}', '{"key":"a","b":}', '["key"]', "Meta said {0!r}"]
)
def test_a_row_of_an_earlier_version_is_shown_as_it_stands(plain: str) -> None:
    assert show_stored(plain) == plain
    assert read_text(plain) == Text(plain)


def test_a_row_of_a_later_version_shows_its_key_and_values() -> None:
    assert show_stored('{"key":"pause.of_tomorrow","count":3}') == "pause.of_tomorrow (count: 3)"
    assert show_stored('{"key":"pause.launch_stopped","reason":"x"}') == "the launch stopped: ?"


def test_nothing_stored_is_nothing_shown() -> None:
    assert (read_text(None), read_text(""), show_stored(None)) == (None, None, "")


def test_sentences_in_a_sentence_are_kept_apart_too() -> None:
    samples = [
        FAILURE_SAMPLE(kind="131026", count=41, said=Text("Undeliverable.")),
        FAILURE_SAMPLE(kind="unsure", count=3, said=META_SAYS(said="{odd}.")),
    ]
    stored = FAILED_ALIKE(failed=41, total=60, samples=samples).stored()
    assert json.loads(stored)["samples"][0] == {
        "key": "pause.sample", "kind": "131026", "count": 41, "said": {"template": "Undeliverable."},
    }  # fmt: skip
    assert show_stored(stored) == (
        "41 of the last 60 messages failed alike. 131026 ×41: Undeliverable; unsure ×3: {odd}."
    )


def test_an_error_is_kept_with_its_values() -> None:
    error = OperatorError("audience: there is no tag {name!r}; {pace:g} an hour", name="vip", pace=0.5)
    stored = LAUNCH_STOPPED(why=error).stored()
    assert json.loads(stored)["why"]["values"] == {"name": "vip", "pace": 0.5}
    assert show_stored(stored) == f"the launch stopped: {error}"


def test_an_error_whose_values_json_cannot_keep_is_kept_as_it_was_said() -> None:
    error = OperatorError("{path!r} is gone", path=Path("a"))
    assert show_stored(LAUNCH_STOPPED(why=error).stored()) == f"the launch stopped: {error}"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers() | st.floats(allow_nan=False) | st.none())
def test_whatever_the_values_are_a_row_says_what_was_meant(words: str, figure: object) -> None:
    text = BALANCE_TOO_SMALL(need=words, balance=figure, free=META_SAYS(said=words))
    stored = text.stored()
    assert json.loads(stored)["key"] == "balance.too_small"
    shown = show_stored(stored)
    assert shown == str(text) == text.translated() or len(words) > MAX_VALUE


def test_long_words_are_cut_and_the_json_is_not() -> None:
    stored = META_SAYS(said="x" * 5_000).stored()
    assert len(stored) < MAX_VALUE + 50
    assert show_stored(stored).endswith("x…")


def test_a_sentence_without_a_key_cannot_be_stored() -> None:
    with pytest.raises(ValueError, match="no key"):
        Text("It rains.").stored()


def test_no_module_stores_a_finished_sentence() -> None:
    """A keyword or a key of a dict of these names is never given a text that was put together on the spot."""
    made = [
        f"{path}:{value.lineno}"
        for path, tree in _modules()
        if path.parts[0] in {"models", "jobs"}
        for node in ast.walk(tree)
        for value in _stored_values(node)
        if isinstance(value, ast.JoinedStr) or (isinstance(value, ast.Constant) and " " in str(value.value))
    ]
    assert made == []


def _stored_values(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call):
        yield from (keyword.value for keyword in node.keywords if keyword.arg in COLUMNS)
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        yield from (value for key, value in pairs if isinstance(key, ast.Constant) and key.value in COLUMNS)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Attribute) and target.attr in COLUMNS:
                yield node.value


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
