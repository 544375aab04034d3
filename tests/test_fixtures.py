"""The tests' own house: what a fixture is called, and where it stands."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import ROOT

TESTS = ROOT / "tests"
MAX_LINES = 300


def test_no_fixture_is_defined_twice() -> None:
    """Neither again in a folder below, where it would hide the other, nor in a neighbour, where it would be mistaken for it."""
    homes = defaultdict(list)
    for path in TESTS.rglob("*.py"):
        for name in fixtures(path):
            homes[name].append(str(path.relative_to(ROOT)))
    assert {"database", "session", "rt", "panel", "redis"} <= set(homes)
    assert {name: sorted(paths) for name, paths in homes.items() if len(paths) > 1} == {}


def test_no_test_module_is_too_long_to_be_found_through() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in TESTS.rglob("test_*.py")}
    assert [str(path.relative_to(ROOT)) for path, lines in lengths.items() if lines > MAX_LINES] == []


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def is_fixture(function: ast.FunctionDef) -> bool:
    named = (node.func if isinstance(node, ast.Call) else node for node in function.decorator_list)
    return any(ast.unparse(name) == "pytest.fixture" for name in named)


def fixtures(path: Path) -> list[str]:
    return [function.name for function in functions(path) if is_fixture(function)]
