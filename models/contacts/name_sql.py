"""The names of contacts as SQL: `FirstName(first_name, name)` and `FullName(name, first_name, last_name)`; NULL for none.

On SQLite they are the functions of models.person_names, which every connection of models.db.engine has. PostgreSQL has the same
rules as functions of its own, which a migration creates from `name_functions`; a test holds the two together. Whoever changes a
rule or a list of words adds a migration that creates them again.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import String
from sqlalchemy.sql.functions import GenericFunction

from models.characters import ignorable_pattern, letters, word_characters
from models.name_words import (
    BETWEEN_TITLES,
    DOTTED_TITLES,
    ENDINGS,
    FIRST_PLACEHOLDERS,
    PLACEHOLDERS,
    TITLES,
    TITLES_BEFORE_TWO,
)
from models.person_names import (
    COMMAS,
    ENCLOSING,
    FOREIGN,
    LOWER,
    PLAIN,
    SPECIAL,
    WHITE_SPACE,
    around_pattern,
    dot_pattern,
)

FUNCTIONS = (
    "hark_full_name(text, text, text)",
    "hark_first_name(text, text)",
    "hark_name_first_words(text)",
    "hark_name_given(text)",
    "hark_name_parts(text)",
    "hark_name_usable(text)",
    "hark_name_is_plain(text)",
    "hark_name_key(text)",
    "hark_name_placeholder_key(text)",
    "hark_name_lower(text)",
)
"""In the order in which they can be dropped."""


class FirstName(GenericFunction[Any]):
    """`models.person_names.first_name`."""

    name = "hark_first_name"
    type = String()
    inherit_cache = True


class FullName(GenericFunction[Any]):
    """`models.person_names.full_name`."""

    name = "hark_full_name"
    type = String()
    inherit_cache = True


def name_functions() -> list[str]:
    """The statements that create PostgreSQL's functions; each says what the function of that name in models.person_names says."""
    letter, comma = _quoted(f"[{letters()}]"), _quoted(f"[{COMMAS}]")
    drawn = f"regexp_replace(t, {_quoted(ignorable_pattern())}, '', 'g')"
    flat = f"btrim(regexp_replace(t, {_quoted(f'[{WHITE_SPACE}]+')}, ' ', 'g'))"
    around, dot = _quoted(around_pattern()), _quoted(dot_pattern())
    return [
        _sql(
            "hark_name_lower(t text)",
            "text",
            f"translate(t, {_quoted(''.join(LOWER))}, {_quoted(''.join(LOWER.values()))})",
        ),
        _sql(
            "hark_name_key(t text)",
            "text",
            f"regexp_replace(hark_name_lower(t), {_quoted(f'[^{word_characters()}]+')}, '', 'g')",
        ),
        _sql("hark_name_placeholder_key(t text)", "text", f"btrim(hark_name_lower({drawn}), {_quoted(ENCLOSING)})"),
        _sql(
            "hark_name_is_plain(t text)",
            "boolean",
            f"t ~ {_quoted(f'^({PLAIN})$')} AND hark_name_lower(split_part(t, ' ', 1)) <> ALL ({_array(SPECIAL)})",
        ),
        _plpgsql(
            "hark_name_usable(t text)",
            "text",
            "flat text;",
            f"""flat := {flat};
            IF flat !~ {letter} OR flat ~ {_quoted(FOREIGN)} OR hark_name_placeholder_key(flat) = ANY ({_array(PLACEHOLDERS)})
                OR hark_name_placeholder_key(split_part(flat, ' ', 1)) = ANY ({_array(FIRST_PLACEHOLDERS)}) THEN
                RETURN NULL;
            END IF;
            RETURN flat;""",
        ),
        _plpgsql(
            "hark_name_parts(t text)",
            "text[]",
            "part text; word text; parts text[] := '{}'; is_ending boolean;",
            f"""FOREACH part IN ARRAY regexp_split_to_array(t, {comma}) LOOP
                CONTINUE WHEN part !~ {letter};
                part := btrim(part, ' ');
                is_ending := cardinality(parts) > 0;
                FOREACH word IN ARRAY string_to_array(part, ' ') LOOP
                    EXIT WHEN NOT is_ending;
                    is_ending := word !~ {letter} OR hark_name_key(word) = ANY ({_array(ENDINGS)});
                END LOOP;
                IF NOT is_ending THEN
                    parts := parts || part;
                END IF;
            END LOOP;
            RETURN parts;""",
        ),
        _plpgsql(
            "hark_name_given(t text)",
            "text",
            "usable text := hark_name_usable(t); parts text[];",
            f"""IF usable IS NULL OR usable !~ {comma} THEN
                RETURN usable;
            END IF;
            parts := hark_name_parts(usable);
            RETURN CASE WHEN cardinality(parts) <= 2 THEN parts[cardinality(parts)] END;""",
        ),
        _plpgsql(
            "hark_name_first_words(t text)",
            "text[]",
            "words text[]; key text; letters_after integer;",
            f"""words := string_to_array(regexp_replace(t, {dot}, '. ', 'g'), ' ');
            FOR place IN 1 .. coalesce(cardinality(words), 0) LOOP
                CONTINUE WHEN words[place] !~ {letter};
                key := hark_name_key(words[place]);
                CONTINUE WHEN key = ANY ({_array(TITLES)});
                CONTINUE WHEN hark_name_lower(words[place]) = ANY ({_array(DOTTED_TITLES)});
                CONTINUE WHEN place > 1 AND key = ANY ({_array(BETWEEN_TITLES)});
                IF key = ANY ({_array(TITLES_BEFORE_TWO)}) THEN
                    SELECT count(*) INTO letters_after FROM unnest(words[place + 1:]) AS other WHERE other ~ {letter};
                    CONTINUE WHEN letters_after >= 2;
                END IF;
                RETURN words[place:];
            END LOOP;
            RETURN NULL;""",  # noqa: S608 - of our own lists alone
        ),
        _plpgsql(
            "hark_first_name(first text, name text)",
            "text",
            "words text[];",
            f"""IF coalesce(first, '') = '' AND hark_name_is_plain(name) THEN
                RETURN split_part(name, ' ', 1);
            END IF;
            words := hark_name_first_words(hark_name_given(first));
            IF words IS NOT NULL THEN
                RETURN regexp_replace(array_to_string(words, ' '), {around}, '', 'g');
            END IF;
            words := hark_name_first_words(hark_name_given(name));
            RETURN regexp_replace(words[1], {around}, '', 'g');""",
        ),
        _plpgsql(
            "hark_full_name(name text, first text, last text)",
            "text",
            "usable text; parts text[];",
            f"""IF hark_name_is_plain(name) THEN
                RETURN name;
            END IF;
            usable := hark_name_usable(name);
            IF usable IS NULL OR hark_name_first_words(usable) IS NULL THEN
                RETURN nullif(concat_ws(' ', hark_name_usable(first), hark_name_usable(last)), '');
            END IF;
            IF usable ~ {comma} THEN
                parts := hark_name_parts(usable);
                RETURN CASE WHEN cardinality(parts) = 2 THEN parts[2] || ' ' || parts[1] ELSE usable END;
            END IF;
            RETURN usable;""",
        ),
    ]


def _sql(signature: str, result: str, expression: str) -> str:
    head = f"CREATE OR REPLACE FUNCTION {signature} RETURNS {result} IMMUTABLE PARALLEL SAFE LANGUAGE sql"
    return f"{head} AS $hark$ SELECT {expression} $hark$"


def _plpgsql(signature: str, result: str, variables: str, body: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {signature} RETURNS {result} IMMUTABLE PARALLEL SAFE LANGUAGE plpgsql AS $hark$"
        f" DECLARE {variables} BEGIN {body} END $hark$"
    )


def _quoted(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'"


def _array(words: Iterable[str]) -> str:
    return f"ARRAY[{', '.join(_quoted(word) for word in sorted(words))}]"
