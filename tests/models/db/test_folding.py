"""Folding in the database: the same as in Python, on both."""

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import String, bindparam, select
from sqlalchemy.orm import Session

from models.db.folding import Fold
from models.folding import fold_letters

ASSIGNED = [chr(code) for code in range(1, 0x20000) if unicodedata.category(chr(code)) not in {"Cs", "Cn", "Co"}]
CHUNK = 2_000


def _in_sql(session: Session, text: str) -> str:
    folded: str = session.execute(select(Fold(bindparam("text", type_=String()))), {"text": text}).scalar_one()
    return folded


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("MAR\u00cdA", "maria"),
        ("mari\u0301a", "maria"),
        ("Stra\u00dfe", "strasse"),
        ("\u0141ukasz", "lukasz"),
        ("\u0130STANBUL \u0131\u015f\u0131k", "istanbul isik"),
        ("\uff21\uff42\uff13", "ab3"),
        ("\u0391\u03b8\u03ae\u03bd\u03b1\u03c2", "\u03b1\u03b8\u03b7\u03bd\u03b1\u03c3"),
        ("\u0418\u0412\u0410\u041d", "\u0438\u0432\u0430\u043d"),
        ("Ana\u00a0Ruiz", "ana ruiz"),
        ("a_b%", "a_b%"),
    ],
)
def test_case_accents_and_width_do_not_matter(session: Session, text: str, folded: str) -> None:
    assert (fold_letters(text), _in_sql(session, text)) == (folded, folded)


def test_every_character_folds_alike_in_python_and_in_the_database(session: Session) -> None:
    for start in range(0, len(ASSIGNED), CHUNK):
        text = "x".join(ASSIGNED[start : start + CHUNK])
        assert _in_sql(session, text) == fold_letters(text), hex(ord(ASSIGNED[start]))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.sampled_from(ASSIGNED), max_size=20))
def test_every_text_folds_alike(session: Session, text: str) -> None:
    assert _in_sql(session, text) == fold_letters(text)
