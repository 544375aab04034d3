"""The house has one direction: models < bot < jobs < admin < wsgi.py. A module imports only what stands left of it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("models", "bot", "jobs", "admin", "wsgi")
MODULES = sorted(path for floor in FLOORS[:-1] for path in (ROOT / floor).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """The dotted names that a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("floor", FLOORS[:-1])
def test_a_floor_imports_only_what_stands_left_of_it(floor: str) -> None:
    above = FLOORS[FLOORS.index(floor) + 1 :]
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in MODULES
        if path.relative_to(ROOT).parts[0] == floor
        for name in imported(path)
        if name.split(".")[0] in above
    ]
    assert wrong == []


def test_nothing_of_production_imports_the_sandbox() -> None:
    outside = [path for path in [*MODULES, ROOT / "wsgi.py"] if "sandbox" not in path.relative_to(ROOT).parts]
    assert [path for path in outside if any(name.startswith("bot.sandbox") for name in imported(path))] == []
