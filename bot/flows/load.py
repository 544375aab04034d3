"""Bot flow files: YAML, checked whole, every problem a line that says where it is and what is allowed.

The YAML is the plain part of the language: no tags, no anchors and aliases, no types but text, so `title: No` is the
word No. Numbers and switches become what their fields say they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.flows.nodes import NODE_TYPES, AnyNode, FlowDefinition, SetNode, from_definition, to_definition
from bot.flows.validate import Path, Problem, problems_of, warnings_of

__all__ = ["FlowDefinition", "ReadFlow", "from_definition", "parse_flow", "read_flow", "to_definition"]

MAX_BYTES = 200_000
MAX_NODES = 500
MAX_PROBLEMS = 100

_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "null", "int", "float", "bool")}


@dataclass(frozen=True)
class ReadFlow:
    """What came of a file: the flow, or None and the problems, one line each. Warnings stop nothing."""

    flow: FlowDefinition | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class _Loader(yaml.SafeLoader):
    """Composes only; nothing is ever constructed from a tag."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the name is PyYAML's

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not allowed", problem_mark=event.start_mark)
        return super().compose_node(parent, index)


class _Lines:
    """The line on which each part of the file begins, found again by its path."""

    def __init__(self) -> None:
        self.known: dict[Path, int] = {(): 1}
        self.problems: list[tuple[int, Problem]] = []

    def of(self, path: Path) -> int:
        while path not in self.known:
            path = path[:-1]
        return self.known[path]

    def plain(self, node: yaml.Node, path: Path = ()) -> Any:
        """The node as dicts, lists, strings and None."""
        if node.tag not in _PLAIN_TAGS:
            self.problems.append((node.start_mark.line + 1, (path, f"the tag {node.tag!r} is not allowed")))
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            for place, item in enumerate(node.value):
                self.known[*path, place] = item.start_mark.line + 1
            return [self.plain(item, (*path, place)) for place, item in enumerate(node.value)]
        is_null = getattr(node, "style", None) is None and node.value in {"", "~", "null"}
        return None if is_null else node.value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.problems.append((line, (path, "a key must be text")))
                continue
            if key.value in plain:
                first = self.known[*path, key.value]
                self.problems.append((line, ((*path, key.value), f"stands here twice, first on line {first}")))
                continue
            self.known[*path, key.value] = line
            plain[key.value] = self.plain(value, (*path, key.value))
        return plain


def parse_flow(path: FilePath) -> ReadFlow:
    """Read and check a file. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return read_flow(file.read(MAX_BYTES + 1), str(path))


def read_flow(text: str | bytes, file: str) -> ReadFlow:
    """Read and check the text of a file; `file` is how its problems name it."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        return _refused(file, 1, f"the file is too large; allowed: {MAX_BYTES} bytes")
    document = _composed(raw)
    if isinstance(document, tuple):
        return _refused(file, *document)
    lines = _Lines()
    plain = lines.plain(document) if document else None
    if not isinstance(plain, dict):
        return _refused(file, 1, "a bot flow begins with name, start and nodes")
    return _checked(plain, lines, file)


def _composed(raw: bytes) -> yaml.Node | tuple[int, str] | None:
    """The file's YAML, or the line and the reason why it is none."""
    try:
        return yaml.compose(raw.decode("utf-8-sig"), Loader=_Loader)
    except UnicodeDecodeError as error:
        return raw[: error.start].count(b"\n") + 1, "the text is not UTF-8"
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return mark.line + 1 if mark else 1, error.problem or "this is no YAML"
    except yaml.reader.ReaderError as error:
        return 1, f"character {error.position + 1} of the text is not allowed in YAML"
    except RecursionError:
        return 1, "the file is nested too deeply"


def _checked(plain: dict[str, Any], lines: _Lines, file: str) -> ReadFlow:
    found = list(lines.problems)
    flow, problems = _modelled(plain)
    if flow is not None:
        problems = list(problems_of(flow))
    found.extend((lines.of(path), (path, problem)) for path, problem in problems)
    if found or flow is None:
        found.sort(key=lambda item: item[0])
        shown = [_line(file, line, problem) for line, problem in found[:MAX_PROBLEMS]]
        more = len(found) - MAX_PROBLEMS
        return ReadFlow(None, tuple(shown + ([f"{file}: and {more} more problems"] if more > 0 else [])))
    warnings = sorted((lines.of(path), (path, warning)) for path, warning in warnings_of(flow))
    return ReadFlow(flow, (), tuple(_line(file, line, problem) for line, problem in warnings))


def _modelled(plain: dict[str, Any]) -> tuple[FlowDefinition | None, list[Problem]]:
    """The flow, and the problems of shape. Nodes are read one by one, so that a bad one hides no other's problems."""
    plain = {key: value for key, value in plain.items() if value is not None}
    given = plain.get("nodes", {})
    problems: list[Problem] = []
    if not isinstance(given, dict):
        return None, [(("nodes",), "must be a mapping of node names to nodes")]
    if len(given) > MAX_NODES:
        return None, [(("nodes",), f"has {len(given)} nodes; allowed: {MAX_NODES}")]
    nodes: dict[str, AnyNode] = {}
    for name, node in given.items():
        model, its_problems = _node(node)
        problems.extend((("nodes", name, *path), problem) for path, problem in its_problems)
        if model is not None:
            nodes[name] = model
    if "version" in plain:
        problems.append((("version",), "unknown field; a version is given when the flow is loaded"))
        del plain["version"]
    try:
        flow = FlowDefinition.model_validate({**plain, "nodes": nodes})
    except ValidationError as error:
        flow = None
        problems.extend(_problems(error, FlowDefinition))
    if problems:
        problems.extend(_further_problems(plain, nodes))
        return None, problems
    return flow, []


def _further_problems(plain: dict[str, Any], nodes: dict[str, AnyNode]) -> Iterator[Problem]:
    """How the good nodes of a broken file fit together. A broken node stands in as one that keeps what it would."""
    given = plain.get("nodes", {})
    whole = FlowDefinition.model_construct(
        name="",
        start=plain.get("start"),
        nodes={name: nodes.get(name) or _stand_in(name, given[name]) for name in given},
    )
    if not isinstance(whole.start, str | None) or plain.get("kind") == "external":
        return
    yield from (
        problem for problem in problems_of(whole) if problem[0][0] == "start" or {*problem[0][1:2]} & nodes.keys()
    )


def _stand_in(name: str, broken: Any) -> SetNode:
    parts = broken if isinstance(broken, dict) else {}
    saved = [parts.get("save_as"), *(key for field in ("answers", "save") for key in _keys(parts.get(field)))]
    if parts.get("type") == "ask" or parts.get("buttons") or parts.get("list"):
        saved.append(name)
    kept = dict.fromkeys((answer for answer in saved if isinstance(answer, str)), "")
    return SetNode.model_construct(type="set", answers=kept)


def _keys(part: Any) -> list[str]:
    return list(part) if isinstance(part, dict) else []


def _node(node: Any) -> tuple[AnyNode | None, list[Problem]]:
    if not isinstance(node, dict):
        return None, [((), "must be a mapping with a type")]
    plain = {key: value for key, value in node.items() if value is not None}
    kind = plain.get("type")
    model = NODE_TYPES.get(kind) if isinstance(kind, str) else None
    if model is None:
        said = "is missing" if kind is None else f"{kind!r} is no type of node"
        return None, [(("type",), f"{said}; allowed: {', '.join(NODE_TYPES)}")]
    try:
        return model.model_validate(plain), []
    except ValidationError as error:
        return None, list(_problems(error, model))


def _problems(error: ValidationError, model: Any) -> Iterator[Problem]:
    for details in error.errors(include_url=False):
        path = tuple(part for part in details["loc"] if part != "[key]")
        yield path, _sentence(details, model)


def _sentence(details: ErrorDetails, model: Any) -> str:
    """Pydantic's finding in the words of somebody who writes bot flows."""
    kind, context, given = details["type"], details.get("ctx", {}), details["input"]
    shown = repr(given) if isinstance(given, str | int | float) and len(str(given)) <= 80 else "this"
    if kind == "extra_forbidden":
        return f"unknown field; allowed: {', '.join(_fields(_model_at(model, details['loc'][:-1])))}"
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(shown=shown, length=len(str(given)), **context)
    message = details["msg"].removeprefix("Input should be ")
    return f"{shown} is not allowed; allowed: {message}" if message != details["msg"] else message


_SENTENCES = {
    "missing": "is missing",
    "string_pattern_mismatch": "{shown} is not allowed; allowed: {pattern}",
    "string_too_long": "has {length} characters; allowed: {max_length}",
    "too_long": "has {actual_length} entries; allowed: {max_length}",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping",
    "dict_type": "must be a mapping",
}


def _model_at(model: Any, path: Path) -> Any:
    """The model of a part of a node: the one that stands in the annotation of the field that leads there."""
    for part in path:
        if isinstance(part, str):
            info = next(info for name, info in model.model_fields.items() if part in {name, info.alias})
            model = _model_in(info.annotation)
    return model


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _fields(model: Any) -> list[str]:
    fields: Mapping[str, Any] = model.model_fields
    return [info.alias or name for name, info in fields.items() if not info.exclude]


def _line(file: str, line: int, problem: Problem) -> str:
    path, sentence = problem
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    said = f"{file}:{line}: {where}: {sentence}" if where else f"{file}:{line}: {sentence}"
    return said.replace("\n", " ").replace("\r", " ")


def _refused(file: str, line: int, sentence: str) -> ReadFlow:
    return ReadFlow(None, (_line(file, line, ((), sentence)),))
