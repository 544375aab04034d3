"""Reads bot flow files (YAML), checks the whole file, and reports each problem with its line and what is allowed.

Only plain YAML is read: no tags, no anchors and aliases, no types but text, so `title: No` is the word No. The field decides
what is a number or a switch.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.flows.calls import Place, scheme_problems
from bot.flows.nodes import NODE_TYPES, AnyNode, FlowDefinition, SetNode, from_definition, to_definition
from bot.flows.validate import Path, Problem, problems_of, warnings_of

__all__ = ["FlowDefinition", "ReadFlow", "from_definition", "parse_flow", "read_flow", "to_definition"]

MAX_BYTES = 200_000
MAX_NODES = 500
MAX_PROBLEMS = 100

_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "null", "int", "float", "bool")}


@dataclass(frozen=True)
class ReadFlow:
    """The flow of a file, or None and its problems, one line each: `file:line: path: sentence`. Warnings prevent nothing."""

    flow: FlowDefinition | None
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class _Loader(yaml.SafeLoader):
    """Composes nodes alone: no object is ever constructed from a tag."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the name is PyYAML's

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not allowed", problem_mark=event.start_mark)
        return super().compose_node(parent, index)


class _Lines:
    """Maps the path of each part of the file to the line on which it begins."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {(): 1}
        self.problems: list[tuple[int, Problem]] = []

    def of(self, path: Path) -> int:
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def plain(self, node: yaml.Node, path: Path = ()) -> Any:
        """Convert a YAML node to dicts, lists, strings and None."""
        if node.tag not in _PLAIN_TAGS:
            self.problems.append((node.start_mark.line + 1, (path, f"the tag {node.tag!r} is not allowed")))
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            for place, item in enumerate(node.value):
                self.lines[*path, place] = item.start_mark.line + 1
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
                first = self.lines[*path, key.value]
                self.problems.append((line, ((*path, key.value), f"stands here twice, first on line {first}")))
                continue
            self.lines[*path, key.value] = line
            plain[key.value] = self.plain(value, (*path, key.value))
        return plain


def parse_flow(path: FilePath) -> ReadFlow:
    """Read and check a file. Raises OSError if it cannot be read."""
    with path.open("rb") as file:
        return read_flow(file.read(MAX_BYTES + 1), str(path))


def read_flow(text: str | bytes, file: str, place: Place | None = None) -> ReadFlow:
    """Read and check the text of a file; `file` is its name in the problems. `place`: the installation that is to run the flow."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        return _rejected(file, 1, f"the file is too large; allowed: {MAX_BYTES} bytes")
    document = _compose(raw)
    if isinstance(document, tuple):
        return _rejected(file, *document)
    lines = _Lines()
    plain = lines.plain(document) if document else None
    if not isinstance(plain, dict):
        return _rejected(file, 1, "a bot flow begins with name, start and nodes")
    return _validate(plain, lines, file, place)


def _compose(raw: bytes) -> yaml.Node | tuple[int, str] | None:
    """Parse the YAML: the root node, None for an empty file, or the line and the reason why it is invalid."""
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


def _validate(plain: dict[str, Any], lines: _Lines, file: str, place: Place | None) -> ReadFlow:
    located = list(lines.problems)
    flow, problems = _build_model(plain)
    if flow is not None:
        problems = [*problems_of(flow), *(place.problems(flow) if place else scheme_problems(flow))]
    located.extend((lines.of(path), (path, problem)) for path, problem in problems)
    if located or flow is None:
        located.sort(key=lambda item: item[0])
        messages = [_line(file, line, problem) for line, problem in located[:MAX_PROBLEMS]]
        omitted = len(located) - MAX_PROBLEMS
        return ReadFlow(None, tuple(messages + ([f"{file}: and {omitted} more problems"] if omitted > 0 else [])))
    warnings = sorted((lines.of(path), (path, warning)) for path, warning in warnings_of(flow))
    return ReadFlow(flow, (), tuple(_line(file, line, problem) for line, problem in warnings))


def _build_model(plain: dict[str, Any]) -> tuple[FlowDefinition | None, list[Problem]]:
    """Validate the shape: the flow or None, and the problems. Nodes are read one by one, so that each reports its problems."""
    plain = {key: value for key, value in plain.items() if value is not None}
    raw_nodes = plain.get("nodes", {})
    problems: list[Problem] = []
    if not isinstance(raw_nodes, dict):
        return None, [(("nodes",), "must be a mapping of node names to nodes")]
    if len(raw_nodes) > MAX_NODES:
        return None, [(("nodes",), f"has {len(raw_nodes)} nodes; allowed: {MAX_NODES}")]
    nodes: dict[str, AnyNode] = {}
    for name, node in raw_nodes.items():
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
    """Yield the problems between the valid nodes of an invalid file. A placeholder stands for each invalid node."""
    raw_nodes = plain.get("nodes", {})
    flow = FlowDefinition.model_construct(
        name="",
        start=plain.get("start"),
        nodes={name: nodes.get(name) or _placeholder_node(name, raw_nodes[name]) for name in raw_nodes},
    )
    if not isinstance(flow.start, str | None) or plain.get("kind") == "external":
        return
    yield from (
        problem for problem in problems_of(flow) if problem[0][0] == "start" or {*problem[0][1:2]} & nodes.keys()
    )


def _placeholder_node(name: str, broken: Any) -> SetNode:
    """Return a node that stores the answers that the invalid one would."""
    raw = broken if isinstance(broken, dict) else {}
    names = [raw.get("save_as"), *(key for field in ("answers", "save") for key in _keys(raw.get(field)))]
    if raw.get("type") == "ask" or raw.get("buttons") or raw.get("list"):
        names.append(name)
    answers = dict.fromkeys((answer for answer in names if isinstance(answer, str)), "")
    return SetNode.model_construct(type="set", answers=answers)


def _keys(part: Any) -> list[str]:
    return list(part) if isinstance(part, dict) else []


def _node(node: Any) -> tuple[AnyNode | None, list[Problem]]:
    if not isinstance(node, dict):
        return None, [((), "must be a mapping with a type")]
    plain = {key: value for key, value in node.items() if value is not None}
    kind = plain.get("type")
    model = NODE_TYPES.get(kind) if isinstance(kind, str) else None
    if model is None:
        reason = "is missing" if kind is None else f"{kind!r} is no type of node"
        return None, [(("type",), f"{reason}; allowed: {', '.join(NODE_TYPES)}")]
    try:
        return model.model_validate(plain), []
    except ValidationError as error:
        return None, list(_problems(error, model))


def _problems(error: ValidationError, model: Any) -> Iterator[Problem]:
    for details in error.errors(include_url=False):
        path = tuple(part for part in details["loc"] if part != "[key]")
        yield path, _sentence(details, model)


def _sentence(details: ErrorDetails, model: Any) -> str:
    """Turn an error of pydantic's into a sentence for authors of bot flows."""
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    shown = repr(value) if isinstance(value, str | int | float) and len(str(value)) <= 80 else "this"
    if kind == "extra_forbidden":
        return f"unknown field; allowed: {', '.join(_fields(_model_at(model, details['loc'][:-1])))}"
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(shown=shown, length=len(str(value)), **context)
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
    """Return the model of a part of a node, from the annotations of the fields along its path."""
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
    text = f"{file}:{line}: {where}: {sentence}" if where else f"{file}:{line}: {sentence}"
    return text.replace("\n", " ").replace("\r", " ")


def _rejected(file: str, line: int, sentence: str) -> ReadFlow:
    return ReadFlow(None, (_line(file, line, ((), sentence)),))
