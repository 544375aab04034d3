"""Checks that the nodes of a bot flow fit together: references, Meta's limits, no loop without a reply.

Each check yields a path in the file and a sentence; `bot.flows.load` turns both into a line with its number.
"""

from collections.abc import Iterator
from datetime import date

from pydantic import BaseModel

from bot.flows.budget import budget_problems
from bot.flows.conditions import condition_problems
from bot.flows.nodes import (
    AnyNode,
    AskNode,
    BranchNode,
    FlowDefinition,
    HttpNode,
    MessageNode,
    SetNode,
    WaitNode,
    options_of,
    targets,
)
from bot.flows.parts import (
    BUTTON_TITLE,
    CAPTION,
    INTERACTIVE_BODY,
    LIST_BODY,
    MAX_BUTTONS,
    MAX_ROWS,
    MAX_WAIT_SECONDS,
    TEXT,
    options_by_key,
)
from bot.flows.placeholders import names_in, problem_with_name, problem_with_url
from bot.flows.reachability import endless_loops, unreachable
from bot.flows.regex import problem_with_pattern
from bot.flows.secrets import secret_problems
from bot.flows.swallowed import problem_with_keyword, problem_with_title, warning_about_title
from bot.opt_out_words import normalize_text

Path = tuple[str | int, ...]
Problem = tuple[Path, str]

# Names in braces are replaced in these fields alone; in others a customer would see the braces.
_TEMPLATE_FIELDS = frozenset({"text", "error", "body", "url", "reason", "tags", "attributes", "answers"})
_LITERAL_FIELDS = frozenset({"title", "description", "header", "footer", "button", "filename"})
_ASK_FIELDS = {
    "min": ("number",),
    "max": ("number",),
    "whole": ("number",),
    "min_length": ("text", "regex"),
    "max_length": ("text", "regex"),
    "earliest": ("date",),
    "latest": ("date",),
    "choices": ("choice",),
    "button": ("choice",),
    "pattern": ("regex",),
}


def problems_of(flow: FlowDefinition) -> Iterator[Problem]:
    """Yield the problems that prevent a flow from being loaded, wherever it is."""
    yield from (*secret_problems(flow), *budget_problems(flow.budget, answer_names(flow)))
    for place, keyword in enumerate(flow.keywords):
        if problem := problem_with_keyword(keyword):
            yield ("keywords", place), problem
    if flow.kind == "external":
        yield from _external(flow)
        return
    for field in ("url", "headers"):
        if getattr(flow, field):
            yield (field,), "only a flow of kind 'external' has one"
    if not flow.nodes:
        yield ("nodes",), "a flow needs at least one node"
    elif flow.start is None:
        yield ("start",), f"is missing; allowed: {_node_list(flow)}"
    elif flow.start not in flow.nodes:
        yield ("start",), f"{flow.start!r} is no node of this flow; allowed: {_node_list(flow)}"
    answers = answer_names(flow)
    for name, node in flow.nodes.items():
        for path, problem in _node(flow, name, node, answers):
            yield ("nodes", name, *path), problem
    for name, loop in endless_loops(flow):
        yield ("nodes", name), f"{loop} goes round without waiting for a reply"


def warnings_of(flow: FlowDefinition) -> Iterator[Problem]:
    """Yield probable mistakes, which do not prevent loading."""
    if flow.start in flow.nodes:
        for name in sorted(unreachable(flow)):
            yield ("nodes", name), "no way leads here from the start"
    for name, node in flow.nodes.items():
        for path, option in options_of(node):
            if warning := warning_about_title(option.title):
                yield ("nodes", name, *path, "title"), warning


def answer_names(flow: FlowDefinition) -> frozenset[str]:
    """Return the names of the answers that a flow stores; a node with options stores the title that was pressed."""
    names: set[str] = set()
    for name, node in flow.nodes.items():
        if isinstance(node, AskNode):
            names.add(node.save_as or name)
        elif isinstance(node, MessageNode) and node.options:
            names.add(name)
        elif isinstance(node, SetNode):
            names.update(node.answers)
        elif isinstance(node, HttpNode):
            names.update(node.save)
    return frozenset(names)


def _external(flow: FlowDefinition) -> Iterator[Problem]:
    if not flow.url:
        yield ("url",), "is missing: a flow of kind 'external' names the address of its bot"
    elif "{" in flow.url:
        yield ("url",), "names in braces are not replaced here"
    elif problem := problem_with_url(flow.url, schemes=("https", "http")):
        yield ("url",), problem
    for field in ("start", "nodes"):
        if getattr(flow, field):
            yield (field,), "a flow of kind 'external' has none"


def _node(flow: FlowDefinition, name: str, node: AnyNode, answers: frozenset[str]) -> Iterator[Problem]:
    for path, target in targets(node):
        if target not in flow.nodes:
            yield path, f"{target!r} is no node of this flow; allowed: {_node_list(flow)}"
    yield from _texts(node, answers)
    yield from _options(name, node)
    if isinstance(node, MessageNode):
        yield from _message(node)
    elif isinstance(node, AskNode):
        yield from _ask(node)
    elif isinstance(node, BranchNode):
        for place, case in enumerate(node.cases):
            yield from condition_problems(("cases", place, "when"), case.when, answers)
    elif isinstance(node, HttpNode):
        if problem := problem_with_url(node.url, schemes=("https", "http")):
            yield ("url",), problem
        if node.body and node.method == "GET":
            yield ("body",), "a GET has none; put names into the address or use method: POST"
    elif isinstance(node, WaitNode) and not 1 <= node.total_seconds <= MAX_WAIT_SECONDS:
        yield (), f"waits {node.total_seconds} seconds; allowed: 1 second to 23 hours, by seconds, minutes and hours"


def _texts(part: BaseModel, answers: frozenset[str], path: Path = ()) -> Iterator[Problem]:
    """Check the names in braces in every text of a node, at any depth."""
    for field, info in type(part).model_fields.items():
        value, here = getattr(part, field), (*path, info.alias or field)
        if isinstance(value, BaseModel):
            yield from _texts(value, answers, here)
        elif isinstance(value, tuple):
            for place, item in enumerate(value):
                if isinstance(item, BaseModel):
                    yield from _texts(item, answers, (*here, place))
        elif isinstance(value, dict) and field in _TEMPLATE_FIELDS:
            for key, text in value.items():
                yield from _names((*here, key), text or "", answers)
        elif isinstance(value, str) and field in _TEMPLATE_FIELDS:
            yield from _names(here, value, answers)
        elif isinstance(value, str) and field in _LITERAL_FIELDS and any(names_in(value)):
            yield here, "names in braces are not replaced here; allowed: in text"


def _names(path: Path, text: str, answers: frozenset[str]) -> Iterator[Problem]:
    for name in names_in(text):
        if problem := problem_with_name(name, answers):
            yield path, problem


def _options(name: str, node: AnyNode) -> Iterator[Problem]:
    rows = tuple(options_of(node))
    if len(options_by_key(tuple(option for _, option in rows))) < len(rows):
        yield (), f"{name} has two options with the same key; give each a key of its own"
    titles: set[str] = set()
    for path, option in rows:
        if option.title in titles:
            yield (*path, "title"), f"{option.title!r} stands here twice"
        titles.add(option.title)
        if problem := problem_with_title(option.title):
            yield (*path, "title"), problem
        as_button = path[0] == "buttons" or (path[0] == "choices" and len(rows) <= MAX_BUTTONS)
        if as_button and len(option.title) > BUTTON_TITLE:
            yield (*path, "title"), f"{option.title!r} has {len(option.title)} characters; allowed: {BUTTON_TITLE}"
        if as_button and option.description:
            yield (*path, "description"), "a reply button has none; allowed: in a list"
        if option.value is not None and path[0] != "choices":
            yield (*path, "value"), "only choices of an ask have one"


def _message(node: MessageNode) -> Iterator[Problem]:
    shapes = [shape for shape, there in (("buttons", node.buttons), ("list", node.menu), ("link", node.link)) if there]
    if len(shapes) > 1:
        yield (shapes[1],), f"a message has one of buttons, list and link; this one has {' and '.join(shapes)}"
    if not node.text and not node.media:
        yield (), "a message needs text or media"
    if shapes and not node.text:
        yield (shapes[0],), "a message with buttons, a list or a link needs text"
    if node.text and len(node.text) > (max_length := _max_text_length(node)):
        yield ("text",), f"has {len(node.text)} characters; allowed here: {max_length}"
    yield from _media(node)
    for field in ("header", "footer"):
        if getattr(node, field) and not shapes:
            yield (field,), "only a message with buttons, a list or a link has one"
    for field in ("error", "retries", "otherwise"):
        if getattr(node, field) is not None and not (node.buttons or node.menu):
            yield (field,), "only a message with buttons or a list has one"
    if node.menu:
        yield from _menu(node)
    if node.link and (problem := problem_with_url(node.link.url, schemes=("https", "http"))):
        yield ("link", "url"), problem


def _max_text_length(node: MessageNode) -> int:
    if node.menu:
        return LIST_BODY
    if node.buttons or node.link:
        return INTERACTIVE_BODY
    return CAPTION if node.media else TEXT


def _media(node: MessageNode) -> Iterator[Problem]:
    media = node.media
    if media is None:
        return
    if (media.link is None) == (media.id is None):
        yield ("media",), "needs either link or id"
    if media.link and ("{" in media.link or problem_with_url(media.link)):
        yield ("media", "link"), f"{media.link!r} is no address of a file; allowed: https:// without names in braces"
    if media.filename and media.kind != "document":
        yield ("media", "filename"), "only a document has one"
    if node.menu:
        yield ("media",), "a list has none; send it in a message before"
    elif node.buttons or node.link:
        if media.kind not in {"image", "video", "document"}:
            yield ("media", "kind"), f"{media.kind!r} cannot stand above buttons; allowed: image, video, document"
        if node.header:
            yield ("header",), "a message has media or a header, not both"
    elif node.text and media.kind in {"audio", "sticker"}:
        yield ("text",), f"a message with {media.kind} has no text; send it in a message of its own"


def _menu(node: MessageNode) -> Iterator[Problem]:
    sections = node.menu.sections if node.menu else ()
    if (rows := sum(len(section.rows) for section in sections)) > MAX_ROWS:
        yield ("list",), f"has {rows} rows; allowed: {MAX_ROWS} in all sections together"
    for place, section in enumerate(sections):
        if section.title is None and len(sections) > 1:
            yield ("list", "sections", place), "needs a title, because there are several sections"


def _ask(node: AskNode) -> Iterator[Problem]:
    for field, kinds in _ASK_FIELDS.items():
        if getattr(node, field) not in (None, (), False) and node.expect not in kinds:
            yield (field,), f"only with expect: {' or '.join(kinds)}"
    if node.expect == "choice":
        yield from _choices(node)
    if node.expect == "regex" and not node.pattern:
        yield ("pattern",), "is missing: expect: regex needs one"
    if node.pattern and (problem := problem_with_pattern(node.pattern)):
        yield ("pattern",), problem
    for low, high in (("min", "max"), ("min_length", "max_length"), ("earliest", "latest")):
        first, last = getattr(node, low), getattr(node, high)
        if first is not None and last is not None and first > last and "today" not in {first, last}:
            yield (high,), f"{last} is below {low}, which is {first}"
    for field in ("earliest", "latest"):
        if (day := getattr(node, field)) not in (None, "today") and not _is_day(day):
            yield (field,), f"{day!r} is no day; allowed: today, or a day such as 2027-01-31"


def _choices(node: AskNode) -> Iterator[Problem]:
    max_length = LIST_BODY if len(node.choices) > MAX_BUTTONS else INTERACTIVE_BODY
    if not node.choices:
        yield ("choices",), "is missing: expect: choice needs at least one"
    for field in ("text", "error"):
        if len(getattr(node, field) or "") > max_length:
            yield (field,), f"has {len(getattr(node, field))} characters; allowed with choices: {max_length}"
    if len(node.choices) > MAX_BUTTONS and not node.button:
        yield ("button",), f"is missing: more than {MAX_BUTTONS} choices become a list, which opens by a button"
    if len(node.choices) <= MAX_BUTTONS and node.button:
        yield ("button",), f"{MAX_BUTTONS} choices or fewer become reply buttons; only a list opens by a button"
    folded = [normalize_text(choice.title) or choice.title for choice in node.choices]
    if len(set(folded)) < len(folded):
        yield ("choices",), "two choices read alike when typed"


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _node_list(flow: FlowDefinition) -> str:
    names = list(flow.nodes)
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(names[:20]) + more
