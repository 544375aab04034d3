"""The nodes of a bot flow as its file writes them. Shapes only: how nodes fit together is `bot.flows.validate`'s."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from bot.opt_out_words import normalize_text

# Meta's limits in characters: docs/meta.md §2.5.
TEXT = 4096
CAPTION = 1024
INTERACTIVE_BODY = 1024
LIST_BODY = 4096
BUTTON_TITLE = 20
ROW_TITLE = 24
MAX_BUTTONS = 3
MAX_ROWS = 10

MAX_KEY = 40
MAX_WAIT_SECONDS = 23 * 3600  # outside Meta's 24 hour window nothing could be sent any more

NodeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
Key = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9_-]{{1,{MAX_KEY}}}$")]
AnswerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^{}|=;\"\\\x00-\x1f\x7f]+$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Value = Annotated[str, StringConstraints(max_length=1000)]
Url = Annotated[str, StringConstraints(min_length=8, max_length=2000)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class FlowPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Option(FlowPart):
    """Something to press: a reply button or a row of a list. Without `next` the node's own `next` holds."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=ROW_TITLE)]
    description: Annotated[str, StringConstraints(min_length=1, max_length=72)] | None = None
    key: Key | None = None
    value: Value | None = None
    next: NodeName | None = None


class Section(FlowPart):
    title: Annotated[str, StringConstraints(min_length=1, max_length=24)] | None = None
    rows: tuple[Option, ...] = Field(min_length=1, max_length=MAX_ROWS)


class Menu(FlowPart):
    button: Annotated[str, StringConstraints(min_length=1, max_length=BUTTON_TITLE)]
    sections: tuple[Section, ...] = Field(min_length=1, max_length=10)

    @property
    def rows(self) -> tuple[Option, ...]:
        return tuple(row for section in self.sections for row in section.rows)


class Link(FlowPart):
    title: Annotated[str, StringConstraints(min_length=1, max_length=BUTTON_TITLE)]
    url: Url


class FlowMedia(FlowPart):
    kind: Literal["image", "video", "document", "audio", "sticker"]
    link: Url | None = None
    id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,40}$")] | None = None
    filename: Annotated[str, StringConstraints(min_length=1, max_length=240)] | None = None


class Node(FlowPart):
    step: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,60}$")] | None = None

    @cached_property
    def options(self) -> Mapping[str, Option]:
        """What can be pressed, by key; empty for a node that does not offer anything."""
        return {}


class MessageNode(Node):
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
        return keyed(self.menu.rows if self.menu else self.buttons)

    @property
    def most_retries(self) -> int:
        """With an `otherwise` a free text goes there at once, unless the file asks for another try."""
        if self.retries is not None:
            return self.retries
        return 0 if self.otherwise else 1


def _titled(choice: object) -> object:
    return {"title": choice} if isinstance(choice, str) else choice


class AskNode(Node):
    type: Literal["ask"]
    text: Text
    expect: Literal["text", "number", "email", "date", "phone", "choice", "regex"] = "text"
    choices: tuple[Annotated[Option, BeforeValidator(_titled)], ...] = Field(default=(), max_length=MAX_ROWS)
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
        return keyed(self.choices)


class FlowCondition(FlowPart):
    """One subject and one test, or `all`, `any` or `not` over conditions."""

    answer: AnswerName | None = None
    attribute: Label | None = None
    tag: Label | None = None
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
    when: FlowCondition
    next: NodeName


class BranchNode(Node):
    type: Literal["branch"]
    cases: tuple[BranchCase, ...] = Field(min_length=1, max_length=50)
    otherwise: NodeName


class SetNode(Node):
    type: Literal["set"]
    tags: dict[Label, Value | None] = Field(default_factory=dict, max_length=20)
    remove_tags: tuple[Label, ...] = Field(default=(), max_length=20)
    attributes: dict[Label, Value] = Field(default_factory=dict, max_length=20)
    answers: dict[AnswerName, Value] = Field(default_factory=dict, max_length=20)
    unsubscribe: bool = False
    next: NodeName | None = None


class HttpNode(Node):
    type: Literal["http"]
    url: Url
    method: Literal["GET", "POST"] = "POST"
    headers: dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,60}$")], Value] = Field(
        default_factory=dict, max_length=10
    )
    body: dict[Label, Value] = Field(default_factory=dict, max_length=50)
    save: dict[AnswerName, Annotated[str, StringConstraints(min_length=1, max_length=200)]] = Field(
        default_factory=dict, max_length=20
    )
    timeout_seconds: int = Field(default=5, ge=1, le=10)
    failed: NodeName | None = None
    next: NodeName | None = None


class HandoffNode(Node):
    type: Literal["handoff"]
    text: Text | None = None
    reason: Value | None = None


class GotoNode(Node):
    type: Literal["goto"]
    next: NodeName


class WaitNode(Node):
    type: Literal["wait"]
    seconds: int = Field(default=0, ge=0)
    minutes: int = Field(default=0, ge=0)
    hours: int = Field(default=0, ge=0)
    on_reply: NodeName | None = None
    next: NodeName | None = None

    @property
    def total_seconds(self) -> int:
        return self.seconds + 60 * self.minutes + 3600 * self.hours


class EndNode(Node):
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
    """A whole bot flow. `version` is the number of its stored version and no part of its definition."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,80}$")]
    description: Annotated[str, StringConstraints(max_length=500)] | None = None
    keywords: tuple[Annotated[str, StringConstraints(min_length=1, max_length=60)], ...] = Field(
        default=(), max_length=50
    )
    kind: Literal["script", "external"] = "script"
    url: Url | None = None
    start: NodeName | None = None
    nodes: dict[NodeName, Annotated[AnyNode, Field(discriminator="type")]] = Field(default_factory=dict)
    version: int = Field(default=0, ge=0, exclude=True)


def keyed(options: tuple[Option, ...]) -> dict[str, Option]:
    """Options by key: the file's, else the title folded, else (a title of emoji only) its position."""
    return {option.key or _slug(option.title) or str(place): option for place, option in enumerate(options, 1)}


def targets(node: AnyNode) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every node that a node can lead to, each with where the file names it."""
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
    """Every option of a node with where the file has it."""
    if isinstance(node, AskNode):
        yield from ((("choices", place), option) for place, option in enumerate(node.choices))
    if isinstance(node, MessageNode):
        yield from ((("buttons", place), option) for place, option in enumerate(node.buttons))
        for outer, section in enumerate(node.menu.sections if node.menu else ()):
            yield from ((("list", "sections", outer, "rows", place), row) for place, row in enumerate(section.rows))


def _slug(title: str) -> str:
    words = normalize_text(title).replace(" ", "_")
    return words[:MAX_KEY] if words.isascii() else ""


def to_definition(flow: FlowDefinition) -> dict[str, Any]:
    """The canonical JSON form that the database keeps: what is at its default is left out, so equal flows are equal."""
    return flow.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def from_definition(definition: Mapping[str, Any], version: int = 0) -> FlowDefinition:
    """A stored definition as a flow. Raises pydantic's ValidationError where it is none."""
    return FlowDefinition.model_validate({**definition, "version": version})
