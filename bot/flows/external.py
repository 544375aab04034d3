"""Bot flows of kind `external`: what the person writes is posted to a bot of the user's own, its answer is sent.

The same session and the same actions as for a flow of nodes. Every post is signed (`CallHttp.signed`); the caller
takes care of that and of where a call may go.
"""

from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from bot.flows.answers import MAX_ANSWER
from bot.flows.content import message_content, token_of
from bot.flows.nodes import AnswerName, AnyNode, FlowDefinition, FlowPart, Label, MessageNode, Value
from bot.flows.session import (
    CallHttp,
    Event,
    HttpResult,
    OpenCase,
    PassStep,
    RemoveTag,
    ReplyEvent,
    Start,
)
from bot.flows.step_state import StepState, storable
from bot.flows.validate import problems_of

MAX_MESSAGES = 5
TIMEOUT_SECONDS = 10
NODE = "external"  # stands where a button's token names a node


class ExternalAnswer(FlowPart):
    """What the user's bot answers: messages as in a flow's file, and what else is to happen."""

    messages: tuple[MessageNode, ...] = Field(default=(), max_length=MAX_MESSAGES)
    steps: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,60}$")], ...] = Field((), max_length=5)
    tags: dict[Label, Value | None] = Field(default_factory=dict, max_length=20)
    remove_tags: tuple[Label, ...] = Field(default=(), max_length=20)
    attributes: dict[Label, Value] = Field(default_factory=dict, max_length=20)
    state: dict[AnswerName, Value] = Field(default_factory=dict, max_length=50)
    handoff: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    end: bool = False


def take_external(walk: StepState, event: Event) -> bool:
    """Move a session of an external flow; whether the event meant something to it."""
    if isinstance(event, HttpResult):
        return _take_answer(walk, event)
    if isinstance(event, Start) and walk.node is None:
        _post(walk, "start", event.reply)
        return True
    if isinstance(event, ReplyEvent) and walk.node is not None:
        _post(walk, "reply", event)
        return True
    return False


def _post(walk: StepState, kind: str, reply: ReplyEvent) -> None:
    """Each reply is posted at once, also while an earlier post is under way: its bot sees what the person wrote."""
    walk.last_input = storable(reply.text)[:MAX_ANSWER]
    token = token_of(reply.payload)
    contact = walk.contact
    body = {
        "event": kind,
        "text": reply.text,
        "payload": token.key if token and token.node == NODE else reply.payload,
        "message_id": reply.message_id,
        "contact": {
            "name": contact.name,
            "phone": contact.phone,
            "language": contact.language,
            "country": contact.country,
            "attributes": dict(contact.attributes),
            "tags": dict(contact.tags),
        },
        "campaign": contact.campaign,
        "state": dict(walk.answers),
    }
    walk.node, walk.waiting_for, walk.awaiting = NODE, "http", walk.next_tag()
    url = walk.flow.url or ""
    walk.actions.append(CallHttp(walk.awaiting, "POST", url, {}, body, TIMEOUT_SECONDS, signed=True))


def _take_answer(walk: StepState, event: HttpResult) -> bool:
    if walk.node is None or not event.tag.isascii() or not event.tag.isdigit() or int(event.tag) > walk.serial:
        return False
    if event.tag == walk.awaiting:
        walk.waiting_for, walk.awaiting = "reply", None
    answer = read_external_answer(event.body) if event.ok else None
    if answer is None:
        walk.end("external_failed")
        return True
    _apply(walk, answer)
    return True


def read_external_answer(body: Any) -> ExternalAnswer | None:
    """The answer, or None where it is none or would be refused by Meta. An empty body means: nothing to send."""
    if body is None:
        return ExternalAnswer()
    body = _storable(body)
    if not isinstance(body, dict):
        return None
    messages = body.get("messages", [])
    if not isinstance(messages, list):
        return None
    typed = [{"type": "message", **message} if isinstance(message, dict) else message for message in messages]
    try:
        answer = ExternalAnswer.model_validate({**body, "messages": typed})
    except ValidationError:
        return None
    literal = tuple(_literal(message) for message in answer.messages)
    nodes: dict[str, AnyNode] = {str(place): message for place, message in enumerate(literal)}
    checked = FlowDefinition.model_construct(name=NODE, start="0", nodes=nodes)
    if nodes and any(problems_of(checked)):
        return None
    return answer.model_copy(update={"messages": literal})


def _apply(walk: StepState, answer: ExternalAnswer) -> None:
    walk.answers.update(answer.state)
    walk.actions.extend(PassStep(name) for name in answer.steps)
    for tag, value in answer.tags.items():
        walk.set_tag(tag, value)
    walk.actions.extend(RemoveTag(tag) for tag in answer.remove_tags)
    for attribute, value in answer.attributes.items():
        walk.set_attribute(attribute, value)
    for message in answer.messages:
        walk.send(message_content(walk.flow, NODE, message, walk.value))
    if answer.handoff:
        walk.actions.append(OpenCase(answer.handoff))
        walk.end("handed_off")
    elif answer.end:
        walk.end("done")


def _literal(message: MessageNode) -> MessageNode:
    """Braces in a bot's own text are braces: it has put its values in already."""
    text = message.text and message.text.replace("{", "{{").replace("}", "}}")
    link = message.link
    if link:
        link = link.model_copy(update={"url": link.url.replace("{", "%7B").replace("}", "%7D")})
    return message.model_copy(update={"text": text, "link": link, "otherwise": None, "next": None})


def _storable(part: Any) -> Any:
    if isinstance(part, str):
        return storable(part)
    if isinstance(part, list):
        return [_storable(item) for item in part]
    return {storable(key): _storable(value) for key, value in part.items()} if isinstance(part, dict) else part
