"""The folding of models.folding as SQL: `Fold(text)`. Every connection to SQLite has it; a migration creates it in PostgreSQL."""

import re
import sys
import unicodedata
from typing import Any

from sqlalchemy import String
from sqlalchemy.sql.functions import GenericFunction

from models.folding import DROPPED, STROKES

FOLD_FUNCTION = "hark_fold(text)"


class Fold(GenericFunction[Any]):
    """`models.folding.fold_letters`."""

    name = "hark_fold"
    type = String()
    inherit_cache = True


def fold_function() -> str:
    """The statement that creates PostgreSQL's function.

    Its own lower() depends on the database's locale, and knows no case folding; so the letters are given. The database must be in
    UTF-8, in which alone PostgreSQL normalizes.
    """
    single, several = _case_folding()
    strokes, plainer = _quoted("".join(STROKES)), _quoted("".join(STROKES.values()))
    folded = f"translate(plain, {_quoted(''.join(single))}, {_quoted(''.join(single.values()))})"
    for letter, letters in several.items():
        folded = f"replace({folded}, {_quoted(letter)}, {_quoted(letters)})"
    caseless = _quoted(f"[{_dropped(is_caseless=True)}]+")
    dropped = _quoted(f"[{_dropped()}]+")
    return f"""CREATE OR REPLACE FUNCTION hark_fold(t text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE LANGUAGE plpgsql AS $hark$
    DECLARE plain text := t;
    BEGIN
        IF octet_length(t) <> char_length(t) THEN
            plain := regexp_replace(normalize(translate(t, {strokes}, {plainer}), NFKD), {caseless}, '', 'g');
            IF octet_length(plain) <> char_length(plain) THEN
                RETURN regexp_replace(normalize({folded}, NFKD), {dropped}, '', 'g');
            END IF;
        END IF;
        RETURN lower(plain COLLATE "C");
    END $hark$"""


def _case_folding() -> tuple[dict[str, str], dict[str, str]]:
    """Letters that folding changes, to one letter and to several. What is taken apart before cannot come."""
    single: dict[str, str] = {}
    several: dict[str, str] = {}
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        folded = character.casefold()
        if folded == character or unicodedata.normalize("NFKD", character) != character:
            continue
        (single if len(folded) == 1 else several)[character] = folded
    return single, several


def _dropped(*, is_caseless: bool = False) -> str:
    """The characters that go, as ranges of a class; `is_caseless`: without those that folding makes letters of."""
    codes = [
        code
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in DROPPED and not (is_caseless and chr(code).casefold() != chr(code))
    ]
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{re.escape(chr(first))}-{chr(last)}" for first, last in ranges)


def _quoted(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'"
