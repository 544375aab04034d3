"""Defines the nodes of a bot flow as its file has them. `bot.flows.validate` checks how they fit together."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from bot.flows.budget import FlowBudget
from bot.flows.parts import (
    BUTTON_TITLE,
    MAX_BUTTONS,
    MAX_ROWS,
    AnswerName,
    FlowMedia,
    FlowPart,
    FormField,
    HeaderName,
    Label,
    Link,
    Menu,
    NodeName,
    Option,
    Pattern,
    Short,
    Text,
    Url,
    Value,
    options_by_key,
)


class Node(FlowPart):
    """Base of all nodes. `step` names a step of the campaign's funnel that the person passes here."""

    step: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,60}$")] | None = None

    @cached_property
    def options(self) -> Mapping[str, Option]:
        """Buttons, rows or choices by key; empty for a node without any."""
        return {}


class MessageNode(Node):
    """Sends a message. With buttons or a list it waits for a choice; `error` and `retries` handle free text."""

    type: Literal["message"]
    text: Text | None = None
    media: FlowMedia | None = None
    header: Short | None = None
    footer: Short | None = None
    buttons: tuple[Option, ...] = Field(default=(), max_length=MAX_BUTTONS)
    menu: Menu | None = Field(default=None, alias="list")
    link: Link | None = None
    error: Text | None = None
    retries: int | None = Field(default=None, ge=0, le=5)
    otherwise: NodeName | None = None
    next: NodeName | None = None

    @cached_property
    def options(self) -> Mapping[str, Option]:
        return options_by_key(self.menu.rows if self.menu else self.buttons)

    @property
    def max_retries(self) -> int:
        """How often free text is answered with the error text. By default once, and not at all if there is an `otherwise`."""
        if self.retries is not None:
            return self.retries
        return 0 if self.otherwise else 1


def _option_of_title(choice: object) -> object:
    return {"title": choice} if isinstance(choice, str) else choice


class AskNode(Node):
    """Asks a question and stores the answer under `save_as` (default: the node's name), as a tag or as an attribute."""

    type: Literal["ask"]
    text: Text
    expect: Literal["text", "number", "email", "date", "phone", "choice", "regex", "form"] = "text"
    choices: tuple[Annotated[Option, BeforeValidator(_option_of_title)], ...] = Field(default=(), max_length=MAX_ROWS)
    button: Annotated[str, StringConstraints(min_length=1, max_length=BUTTON_TITLE)] | None = None
    pattern: Pattern | None = None
    min: float | None = Field(default=None, allow_inf_nan=False)
    max: float | None = Field(default=None, allow_inf_nan=False)
    whole: bool = False
    min_length: int | None = Field(default=None, ge=1, le=1000)
    max_length: int | None = Field(default=None, ge=1, le=1000)
    earliest: str | None = None
    latest: str | None = None
    day_first: bool = True
    error: Text | None = None
    retries: int = Field(default=2, ge=0, le=5)
    save_as: AnswerName | None = None
    tag: Label | None = None
    attribute: Label | None = None
    otherwise: NodeName | None = None
    next: NodeName | None = None

    @cached_property
    def options(self) -> Mapping[str, Option]:
        return options_by_key(self.choices)


class FlowCondition(FlowPart):
    """One subject and one test, or one of `all`, `any` and `not` over further conditions."""

    answer: AnswerName | None = None
    attribute: Label | None = None
    tag: Label | None = None
    form: FormField | None = None
    contact: Literal["name", "phone", "language", "country", "campaign"] | None = None
    input: bool = False
    is_: Value | None = Field(default=None, alias="is")
    is_not: Value | None = None
    in_: tuple[Value, ...] | None = Field(default=None, alias="in", min_length=1, max_length=200)
    not_in: tuple[Value, ...] | None = Field(default=None, min_length=1, max_length=200)
    contains: Value | None = None
    matches: Pattern | None = None
    exists: bool | None = None
    greater_than: Value | None = None
    less_than: Value | None = None
    at_least: Value | None = None
    at_most: Value | None = None
    all_: tuple["FlowCondition", ...] | None = Field(default=None, alias="all", min_length=1, max_length=20)
    any_: tuple["FlowCondition", ...] | None = Field(default=None, alias="any", min_length=1, max_length=20)
    not_: "FlowCondition | None" = Field(default=None, alias="not")


class BranchCase(FlowPart):
    """One case of a branch: the condition, and the node to go to if it holds."""

    when: FlowCondition
    next: NodeName


class BranchNode(Node):
    """Goes to the first case whose condition holds, else to `otherwise`."""

    type: Literal["branch"]
    cases: tuple[BranchCase, ...] = Field(min_length=1, max_length=50)
    otherwise: NodeName


class SetNode(Node):
    """Sets or removes tags, sets attributes and answers, and may unsubscribe the person."""

    type: Literal["set"]
    tags: dict[Label, Value | None] = Field(default_factory=dict, max_length=20)
    remove_tags: tuple[Label, ...] = Field(default=(), max_length=20)
    attributes: dict[Label, Value] = Field(default_factory=dict, max_length=20)
    answers: dict[AnswerName, Value] = Field(default_factory=dict, max_length=20)
    unsubscribe: bool = False
    next: NodeName | None = None


class HttpNode(Node):
    """Calls an https address; `save` maps an answer's name to a path in the response's JSON. `failed` is for any error."""

    type: Literal["http"]
    url: Url
    method: Literal["GET", "POST"] = "POST"
    headers: dict[HeaderName, Value] = Field(default_factory=dict, max_length=10)
    body: dict[Label, Value] = Field(default_factory=dict, max_length=50)
    save: dict[AnswerName, Annotated[str, StringConstraints(min_length=1, max_length=200)]] = Field(
        default_factory=dict, max_length=20
    )
    timeout_seconds: int = Field(default=5, ge=1, le=10)
    failed: NodeName | None = None
    next: NodeName | None = None


class HandoffNode(Node):
    """Opens a case for a human agent and ends the session."""

    type: Literal["handoff"]
    text: Text | None = None
    reason: Value | None = None


class GotoNode(Node):
    """Goes on with another node."""

    type: Literal["goto"]
    next: NodeName


class WaitNode(Node):
    """Waits for a time, at most 23 hours; a reply meanwhile goes to `on_reply` if there is one."""

    type: Literal["wait"]
    seconds: int = Field(default=0, ge=0)
    minutes: int = Field(default=0, ge=0)
    hours: int = Field(default=0, ge=0)
    on_reply: NodeName | None = None
    next: NodeName | None = None

    @property
    def total_seconds(self) -> int:
        """The sum of seconds, minutes and hours, in seconds."""
        return self.seconds + 60 * self.minutes + 3600 * self.hours


class EndNode(Node):
    """Ends the session, after a last text if there is one."""

    type: Literal["end"]
    text: Text | None = None


AnyNode = MessageNode | AskNode | BranchNode | SetNode | HttpNode | HandoffNode | GotoNode | WaitNode | EndNode

NODE_TYPES: dict[str, type[AnyNode]] = {
    "message": MessageNode,
    "ask": AskNode,
    "branch": BranchNode,
    "set": SetNode,
    "http": HttpNode,
    "handoff": HandoffNode,
    "goto": GotoNode,
    "wait": WaitNode,
    "end": EndNode,
}


class FlowDefinition(FlowPart):
    """A whole bot flow. `version` is the number of its stored version (0: not stored), not a part of the definition.

    With `repeat` it may run more than once for a recipient of a campaign. `url` and `headers` are of an external bot.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,80}$")]
    description: Annotated[str, StringConstraints(max_length=500)] | None = None
    keywords: tuple[Annotated[str, StringConstraints(min_length=1, max_length=60)], ...] = Field(
        default=(), max_length=50
    )
    kind: Literal["script", "external"] = "script"
    url: Url | None = None
    headers: dict[HeaderName, Value] = Field(default_factory=dict, max_length=10)
    repeat: bool = False
    budget: FlowBudget | None = None
    start: NodeName | None = None
    nodes: dict[NodeName, Annotated[AnyNode, Field(discriminator="type")]] = Field(default_factory=dict)
    version: int = Field(default=0, ge=0, exclude=True)


def targets(node: AnyNode) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the name of every node that can follow a node, with its path in the file."""
    for field in ("next", "otherwise", "failed", "on_reply"):
        if target := getattr(node, field, None):
            yield (field,), target
    if isinstance(node, BranchNode):
        for place, case in enumerate(node.cases):
            yield ("cases", place, "next"), case.next
    for path, option in options_of(node):
        if option.next:
            yield (*path, "next"), option.next


def options_of(node: AnyNode) -> Iterator[tuple[tuple[str | int, ...], Option]]:
    """Yield every option of a node with its path in the file."""
    if isinstance(node, AskNode):
        yield from ((("choices", place), option) for place, option in enumerate(node.choices))
    if isinstance(node, MessageNode):
        yield from ((("buttons", place), option) for place, option in enumerate(node.buttons))
        for outer, section in enumerate(node.menu.sections if node.menu else ()):
            yield from ((("list", "sections", outer, "rows", place), row) for place, row in enumerate(section.rows))


def to_definition(flow: FlowDefinition) -> dict[str, Any]:
    """Return the canonical JSON that the database stores, without defaults, so that equal flows have equal JSON."""
    return flow.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def from_definition(definition: Mapping[str, Any], version: int = 0) -> FlowDefinition:
    """Read a stored definition. Raises pydantic.ValidationError if it is not valid."""
    return FlowDefinition.model_validate({**definition, "version": version})
