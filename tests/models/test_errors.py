"""The tree of errors as it is drawn, and sentences that can be translated."""

import ast
import pkgutil
import re
from collections.abc import Iterator

import pytest

import admin
import bot
import jobs
import models
from models import errors
from models.errors import HarkError, OperatorError
from models.text import Text, translate
from tests.support.paths import ROOT

FLOORS = (models, bot, jobs, admin)
DRAWN = set(re.findall(r"[├└]── (\w+Error)\b", errors.__doc__ or "")) | {"HarkError"}


def subclasses(of: type[Exception]) -> Iterator[type[Exception]]:
    for one in of.__subclasses__():
        yield one
        yield from subclasses(one)


@pytest.fixture(scope="module")
def ours() -> set[type[Exception]]:
    for floor in FLOORS:
        for module in pkgutil.walk_packages(floor.__path__, f"{floor.__name__}."):
            if "sandbox" not in module.name and "__main__" not in module.name:
                pkgutil.resolve_name(module.name)
    return {one for one in subclasses(HarkError) if not one.__module__.startswith("tests")}


def test_every_error_stands_in_the_drawn_tree_and_ends_in_error(ours: set[type[Exception]]) -> None:
    assert {one.__name__ for one in ours} | {"HarkError"} == DRAWN


def test_no_sentence_for_the_operator_is_made_before_it_is_raised(ours: set[type[Exception]]) -> None:
    names = {one.__name__ for one in ours if issubclass(one, OperatorError)} | {"OperatorError"}
    made = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for floor in ("models", "bot", "jobs", "admin")
        for path in (ROOT / floor).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args
        if not isinstance(node.args[0], ast.Constant)
        and not _is_constant(node.args[0])
        and "self" not in ast.dump(node)
    ]
    assert made == []


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and (node.id.isupper() or node.id == "campaign_id")


def test_a_sentence_keeps_its_values_apart_and_says_them_where_it_is_shown() -> None:
    inner = OperatorError("segment {name!r} is gone", name="vip")
    outer = OperatorError("line {line}: {error}", line=3, error=inner)
    assert str(outer) == "line 3: segment 'vip' is gone"
    assert outer.text.translated() == "line 3: segment 'vip' is gone"
    assert outer.text.values["line"] == 3


def test_a_sentence_without_values_is_said_as_it_stands_with_its_braces() -> None:
    assert str(OperatorError("allowed is {{1}} or {name}")) == "allowed is {{1}} or {name}"
    assert translate("allowed is {{1}}") == "allowed is {{1}}"


def test_an_error_passes_its_sentence_on_to_another_class() -> None:
    assert OperatorError.of(OperatorError("{n} of {m}", n=1, m=2)).text == Text("{n} of {m}", {"n": 1, "m": 2})
