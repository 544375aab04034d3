"""SQL functions that the two databases call by different names; each compiles to the one of its dialect."""

from typing import Any

from sqlalchemy import Float, Integer, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from models.base import Json


class JsonObject(FunctionElement[Any]):
    """A JSON object from alternating names and values."""

    name = "hark_json_object"
    type = Json
    inherit_cache = True


@compiles(JsonObject, "sqlite")
def _json_object(element: JsonObject, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_object({compiler.process(element.clauses, **kw)})"


@compiles(JsonObject, "postgresql")
def _jsonb_build_object(element: JsonObject, compiler: SQLCompiler, **kw: Any) -> str:
    return f"jsonb_build_object({compiler.process(element.clauses, **kw)})"


class JsonField(FunctionElement[str]):
    """The text of a top-level field, NULL where it is missing: `JsonField(column, name)`. The name may hold any character."""

    name = "hark_json_field"
    type = String()
    inherit_cache = True


@compiles(JsonField, "sqlite")
def _arrow(element: JsonField, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = (compiler.process(clause, **kw) for clause in element.clauses)
    # The operator reads a name that begins with $ as a path, so it is always given one, with the name in quotes.
    return f"""({column} ->> ('$."' || {name} || '"'))"""


@compiles(JsonField, "postgresql")
def _jsonb_arrow(element: JsonField, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({column} ->> {name})"


class Position(FunctionElement[int]):
    """Where the second text begins in the first, counted from 1; 0 where it does not occur. Case matters."""

    name = "hark_position"
    type = Integer()
    inherit_cache = True


@compiles(Position, "sqlite")
def _instr(element: Position, compiler: SQLCompiler, **kw: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kw)})"


@compiles(Position, "postgresql")
def _strpos(element: Position, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kw)})"


class FirstWord(FunctionElement[str]):
    """What stands before the first space."""

    name = "hark_first_word"
    type = String()
    inherit_cache = True


@compiles(FirstWord, "sqlite")
def _substr(element: FirstWord, compiler: SQLCompiler, **kw: Any) -> str:
    text = compiler.process(element.clauses, **kw)
    return f"substr({text}, 1, instr({text} || ' ', ' ') - 1)"


@compiles(FirstWord, "postgresql")
def _split_part(element: FirstWord, compiler: SQLCompiler, **kw: Any) -> str:
    return f"split_part({compiler.process(element.clauses, **kw)}, ' ', 1)"


class AsNumber(FunctionElement[float]):
    """The number that a text spells, NULL where it spells none (digits with at most one point, a sign before them)."""

    name = "hark_as_number"
    type = Float()
    inherit_cache = True


@compiles(AsNumber, "sqlite")
def _cast_if_number(element: AsNumber, compiler: SQLCompiler, **kw: Any) -> str:
    text = compiler.process(element.clauses, **kw)
    digits = f"(CASE WHEN substr({text}, 1, 1) IN ('-', '+') THEN substr({text}, 2) ELSE {text} END)"
    is_number = (
        f"{digits} GLOB '[0-9]*' AND {digits} NOT GLOB '*[^0-9.]*' AND {digits} NOT GLOB '*.*.*' "
        f"AND {digits} NOT GLOB '*.'"
    )
    return f"(CASE WHEN {is_number} THEN CAST({text} AS REAL) END)"


@compiles(AsNumber, "postgresql")
def _cast_if_matches(element: AsNumber, compiler: SQLCompiler, **kw: Any) -> str:
    text = compiler.process(element.clauses, **kw)
    return rf"(CASE WHEN {text} ~ '^[+-]?[0-9]+(\.[0-9]+)?$' THEN CAST({text} AS DOUBLE PRECISION) END)"
