"""Finding dead letters."""

from typing import Any

import pytest

from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.events.dead_letter_search import LetterState, search_letters
from models.events.dead_letters import settle_letter
from tests.support.dead_letters import good, keep, letters


def found(rt: Runtime, text: str, **more: Any) -> list[str]:
    """The beginnings of the payloads that a search finds, newest first."""
    with rt.database.read() as session:
        return [letter.beginning for letter in search_letters(session, text, **more).letters]


@pytest.mark.parametrize(
    ("text", "payloads"),
    [
        ("alice", ["Alice"]),
        ("valueerror", ["", "100_%", '"Jos\\u00e9"', "Alice"]),
        ("00_%", ["100_%"]),
        ("%", ["100_%"]),
        ("José", ['"Jos\\u00e9"']),
        ("base64", []),
        ("/wA", []),
        ("a\x00lice", ["Alice"]),
        ("\udcff 100", ["100_%"]),
    ],
)
def test_a_search_is_plain_text_in_payload_and_error(rt: Runtime, text: str, payloads: list[str]) -> None:
    keep(rt, b"Alice", b'"Jos\\u00e9"', b"100_%", b"\xff\x00")
    assert found(rt, text) == payloads


def test_letters_are_found_by_their_state_and_a_list_loads_no_whole_payload(rt: Runtime) -> None:
    keep(rt, b"x" * 3_000_000, good(1))
    with rt.database.write() as session:
        settle_letter(session, letters(rt)[1].id, utcnow())
    assert found(rt, "", state=LetterState.WAITING) == ["x" * 2000]
    assert found(rt, "", state=LetterState.APPLIED) == [""]


def test_a_long_search_says_where_it_goes_on(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.events.dead_letter_search.WINDOW", 2)
    keep(rt, b"needle", b"hay", b"straw", b"needle too", b"hay again")
    before, pages = None, []
    for _ in range(3):
        with rt.database.read() as session:
            page = search_letters(session, "needle", before_id=before, limit=5)
        pages.append([letter.beginning for letter in page.letters])
        before = page.next_before_id
    assert (pages, before) == ([["needle too"], [], ["needle"]], None)
