"""Defines SQL functions that SQLite and PostgreSQL write differently; each compiles to the form of its dialect."""

from typing import Any

from sqlalchemy import Boolean, Exists, Float, Integer, String, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from models.db.base import Json


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
    """The text of a top-level field, NULL if it is missing: `JsonField(column, name)`. The name may hold any character."""

    name = "hark_json_field"
    type = String()
    inherit_cache = True


@compiles(JsonField, "sqlite")
def _arrow(element: JsonField, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = (compiler.process(clause, **kw) for clause in element.clauses)
    # The operator takes a name that begins with $ for a path, so it always gets a path, with the name in quotes.
    return f"""({column} ->> ('$."' || {name} || '"'))"""


@compiles(JsonField, "postgresql")
def _jsonb_arrow(element: JsonField, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({column} ->> {name})"


class Position(FunctionElement[int]):
    """The position of the second text in the first, from 1; 0 if it does not occur. Case-sensitive."""

    name = "hark_position"
    type = Integer()
    inherit_cache = True


@compiles(Position, "sqlite")
def _instr(element: Position, compiler: SQLCompiler, **kw: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kw)})"


@compiles(Position, "postgresql")
def _strpos(element: Position, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kw)})"


class JsonNumber(FunctionElement[float]):
    """The number in a top-level field, NULL if it is missing or no number: `JsonNumber(column, name)`."""

    name = "hark_json_number"
    type = Float()
    inherit_cache = True


@compiles(JsonNumber, "sqlite")
def _json_number(element: JsonNumber, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = (compiler.process(clause, **kw) for clause in element.clauses)
    path = f"""('$."' || {name} || '"')"""
    is_number = f"json_type({column}, {path}) IN ('integer', 'real')"
    return f"(CASE WHEN {is_number} THEN CAST(json_extract({column}, {path}) AS REAL) END)"


@compiles(JsonNumber, "postgresql")
def _jsonb_number(element: JsonNumber, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = (compiler.process(clause, **kw) for clause in element.clauses)
    is_number = f"jsonb_typeof({column} -> {name}) = 'number'"
    return f"(CASE WHEN {is_number} THEN CAST({column} ->> {name} AS DOUBLE PRECISION) END)"


class TextNumber(FunctionElement[float]):
    """The number that a text is, such as `12` or `-3.5`, of at most 16 characters; NULL for any other text."""

    name = "hark_text_number"
    type = Float()
    inherit_cache = True


@compiles(TextNumber, "sqlite")
def _text_as_real(element: TextNumber, compiler: SQLCompiler, **kw: Any) -> str:
    text = compiler.process(element.clauses, **kw)
    is_number = f"length({text}) <= 16 AND {text} NOT GLOB '*[^-0-9.]*' AND json_valid({text})"
    return f"(CASE WHEN {is_number} THEN CAST({text} AS REAL) END)"


@compiles(TextNumber, "postgresql")
def _text_as_double(element: TextNumber, compiler: SQLCompiler, **kw: Any) -> str:
    text = compiler.process(element.clauses, **kw)
    is_number = rf"length({text}) <= 16 AND {text} ~ '^-?(0|[1-9][0-9]*)(\.[0-9]+)?$'"
    return f"(CASE WHEN {is_number} THEN CAST({text} AS DOUBLE PRECISION) END)"


class FirstItemText(FunctionElement[str]):
    """The text of a field of the first object in a JSON list, of several texts the first: `FirstItemText(column, name)`.

    NULL if it is missing. The name is a constant of the program.
    """

    name = "hark_first_item_text"
    type = String()
    inherit_cache = True


@compiles(FirstItemText, "sqlite")
def _first_item_path(element: FirstItemText, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = (compiler.process(clause, **kw) for clause in element.clauses)
    path = f"'$[0].' || {name}"
    one = f"CASE WHEN json_type({column}, {path}) = 'text' THEN {column} ->> ({path}) END"
    return f"coalesce({column} ->> ({path} || '[0]'), {one})"


@compiles(FirstItemText, "postgresql")
def _first_item_arrows(element: FirstItemText, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = (compiler.process(clause, **kw) for clause in element.clauses)
    field = f"({column} -> 0 -> {name})"
    # `-> 0` works on a single value too, so the type must be checked first.
    return (
        f"(CASE jsonb_typeof({field}) WHEN 'array' THEN {field} ->> 0 WHEN 'string' THEN {column} -> 0 ->> {name} END)"
    )


class DayOf(FunctionElement[str]):
    """The day of a time in UTC, as `2026-03-21`."""

    name = "hark_day_of"
    type = String()
    inherit_cache = True


@compiles(DayOf, "sqlite")
def _strftime(element: DayOf, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strftime('%Y-%m-%d', {compiler.process(element.clauses, **kw)})"


@compiles(DayOf, "postgresql")
def _to_char(element: DayOf, compiler: SQLCompiler, **kw: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **kw)} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


class MomentText(FunctionElement[str]):
    """A time as `2026-03-21T22:30:00+00:00`."""

    name = "hark_moment_text"
    type = String()
    inherit_cache = True


@compiles(MomentText, "sqlite")
def _strftime_moment(element: MomentText, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%S+00:00', {compiler.process(element.clauses, **kw)})"


@compiles(MomentText, "postgresql")
def _to_char_moment(element: MomentText, compiler: SQLCompiler, **kw: Any) -> str:
    form = """'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'"""
    return f"to_char({compiler.process(element.clauses, **kw)} AT TIME ZONE 'UTC', {form})"


class SecondsBetween(FunctionElement[float]):
    """The seconds from the first time to the second, negative if it is earlier: `SecondsBetween(begun, ended)`."""

    name = "hark_seconds_between"
    type = Float()
    inherit_cache = True


@compiles(SecondsBetween, "sqlite")
def _julian_days(element: SecondsBetween, compiler: SQLCompiler, **kw: Any) -> str:
    begun, ended = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"round((julianday({ended}) - julianday({begun})) * 86400.0, 3)"


@compiles(SecondsBetween, "postgresql")
def _epoch(element: SecondsBetween, compiler: SQLCompiler, **kw: Any) -> str:
    begun, ended = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM ({ended} - {begun})) AS DOUBLE PRECISION)"


class EpochMinute(FunctionElement[int]):
    """The minute of a time, counted from 1970: `EpochMinute(column)`."""

    name = "hark_epoch_minute"
    type = Integer()
    inherit_cache = True


@compiles(EpochMinute, "sqlite")
def _unix_minute(element: EpochMinute, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(CAST(strftime('%s', {compiler.process(element.clauses, **kw)}) AS INTEGER) / 60)"


@compiles(EpochMinute, "postgresql")
def _epoch_minute(element: EpochMinute, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(floor(EXTRACT(EPOCH FROM {compiler.process(element.clauses, **kw)}) / 60) AS BIGINT)"


class IsIn(FunctionElement[bool]):
    """Whether a text is in a JSON list of texts, which the database parses once for all rows: `IsIn(column, list)`."""

    name = "hark_is_in"
    type = Boolean()
    inherit_cache = True


@compiles(IsIn, "sqlite")
def _in_json_each(element: IsIn, compiler: SQLCompiler, **kw: Any) -> str:
    text, items = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({text} IN (SELECT value FROM json_each({items})))"  # noqa: S608 - both are compiled


@compiles(IsIn, "postgresql")
def _in_jsonb_elements(element: IsIn, compiler: SQLCompiler, **kw: Any) -> str:
    text, items = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({text} IN (SELECT jsonb_array_elements_text(CAST({items} AS JSONB))))"


class Probe(Exists):
    """EXISTS, used as `Probe().where(…)`.

    For many rows PostgreSQL tends to hash the whole other table. In a slice that is slow: the table may hold a thousand slices. In
    a statement with the execution option `probes` each row uses an index instead.
    """

    inherit_cache = True


@compiles(Probe)
def _exists(element: Probe, compiler: SQLCompiler, **kw: Any) -> str:
    return _as_exists(compiler, element, kw)


@compiles(Probe, "postgresql")
def _exists_by_index(element: Probe, compiler: SQLCompiler, **kw: Any) -> str:
    if not compiler.execution_options.get("probes"):
        return _as_exists(compiler, element, kw)
    inner: Any = element.element
    # OFFSET 0 changes no result, but keeps the planner from rewriting the sub-query as a join.
    return _as_exists(compiler, Exists(inner.element.offset(literal_column("0"))), kw)


def _as_exists(compiler: Any, element: Exists, kw: dict[str, Any]) -> str:
    return str(compiler.visit_unary(element, **kw))
