"""The map for newcomers against the tree: every room is on it, and every path that a page names is there."""

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT

FLOORS = ("models", "bot", "jobs", "admin")
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - {ROOT / "CHANGELOG.md"})
_PATH = re.compile(r"`((?:models|bot|jobs|admin|tests|docs|migrations)/[\w./-]*)`")


def test_every_room_stands_on_the_map_with_one_line() -> None:
    rows = re.findall(
        r"^\| `([\w/]+)` \| \S.*\|$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    rooms = [
        package.parent.relative_to(ROOT).as_posix()
        for floor in FLOORS
        for package in (ROOT / floor).rglob("__init__.py")
    ]
    assert sorted(row.rstrip("/") for row in rows) == sorted(rooms)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path for path in _PATH.findall(text) if not (ROOT / path).exists()] == []


def test_every_module_begins_with_a_sentence_about_itself() -> None:
    modules = [path for floor in FLOORS for path in (ROOT / floor).rglob("*.py")]
    assert [
        path.relative_to(ROOT).as_posix() for path in modules if not path.read_text(encoding="utf-8").startswith('"""')
    ] == []
