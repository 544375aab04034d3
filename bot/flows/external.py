"""Runs bot flows of kind `external`: posts what the person writes to the operator's own bot and sends the bot's answer.

Session and actions are the same as for a flow of nodes. Every request asks for a signature (`CallHttp.signed`); the caller signs
it and checks its address.
"""

from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from bot.flows.content import message_content, token_of
from bot.flows.nodes import AnyNode, FlowDefinition, MessageNode
from bot.flows.parts import AnswerName, FlowPart, Label, Value
from bot.flows.secrets import with_secrets
from bot.flows.session import (
    CallHttp,
    Event,
    HttpResult,
    OpenCase,
    PassStep,
    ReplyEvent,
    Start,
)
from bot.flows.step_state import StepState, storable
from bot.flows.validate import problems_of

MAX_MESSAGES = 5
TIMEOUT_SECONDS = 10
NODE = "external"  # the node in the tokens of its buttons


class ExternalAnswer(FlowPart):
    """The JSON that the operator's bot answers: messages as in a flow's file, and further actions."""

    messages: tuple[MessageNode, ...] = Field(default=(), max_length=MAX_MESSAGES)
    steps: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,60}$")], ...] = Field((), max_length=5)
    tags: dict[Label, Value | None] = Field(default_factory=dict, max_length=20)
    remove_tags: tuple[Label, ...] = Field(default=(), max_length=20)
    attributes: dict[Label, Value] = Field(default_factory=dict, max_length=20)
    state: dict[AnswerName, Value] = Field(default_factory=dict, max_length=50)
    handoff: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    end: bool = False


def handle_external(step: StepState, event: Event) -> bool:
    """Apply an event to a session of an external flow. False if the session does not wait for it."""
    if isinstance(event, HttpResult):
        return _handle_answer(step, event)
    if isinstance(event, Start) and step.node is None:
        _post(step, "start", event.reply)
        return True
    if isinstance(event, ReplyEvent) and step.node is not None:
        _post(step, "reply", event)
        return True
    return False


def _post(step: StepState, kind: str, reply: ReplyEvent) -> None:
    """Request the bot's answer to a reply. Also while an earlier request is running, so that the bot sees every reply."""
    step.take_input(reply)
    token = token_of(reply.payload)
    contact = step.contact
    body = {
        "event": kind,
        "text": reply.text,
        "payload": token.key if token and token.node == NODE else reply.payload,
        "message_id": reply.message_id,
        "form": None if reply.form is None else step.form,
        "contact": {
            "name": contact.name,
            "phone": contact.phone,
            "language": contact.language,
            "country": contact.country,
            "attributes": dict(contact.attributes),
            "tags": dict(contact.tags),
        },
        "campaign": contact.campaign,
        "state": dict(step.answers),
    }
    step.node, step.waiting_for, step.awaiting = NODE, "http", step.next_tag()
    url = step.flow.url or ""
    headers = {name: with_secrets(text, str) for name, text in step.flow.headers.items()}
    step.actions.append(CallHttp(step.awaiting, "POST", url, headers, body, TIMEOUT_SECONDS, signed=True))


def _handle_answer(step: StepState, event: HttpResult) -> bool:
    if step.node is None or not event.tag.isascii() or not event.tag.isdigit() or int(event.tag) > step.serial:
        return False
    if event.tag == step.awaiting:
        step.waiting_for, step.awaiting = "reply", None
    answer = read_external_answer(event.body) if event.ok else None
    if answer is None:
        step.end("external_failed")
        return True
    _apply(step, answer)
    return True


def read_external_answer(body: Any) -> ExternalAnswer | None:
    """Parse the answer. None if it is invalid or Meta would refuse a message of it; no body means nothing to send."""
    if body is None:
        return ExternalAnswer()
    body = _storable_json(body)
    if not isinstance(body, dict):
        return None
    messages = body.get("messages", [])
    if not isinstance(messages, list):
        return None
    items = [{"type": "message", **message} if isinstance(message, dict) else message for message in messages]
    try:
        answer = ExternalAnswer.model_validate({**body, "messages": items})
    except ValidationError:
        return None
    escaped = tuple(_escape_braces(message) for message in answer.messages)
    nodes: dict[str, AnyNode] = {str(place): message for place, message in enumerate(escaped)}
    flow = FlowDefinition.model_construct(name=NODE, start="0", nodes=nodes)
    if nodes and any(problems_of(flow)):
        return None
    return answer.model_copy(update={"messages": escaped})


def _apply(step: StepState, answer: ExternalAnswer) -> None:
    step.answers.update(answer.state)
    step.actions.extend(PassStep(name) for name in answer.steps)
    for tag, value in answer.tags.items():
        step.set_tag(tag, value)
    for tag in answer.remove_tags:
        step.remove_tag(tag)
    for attribute, value in answer.attributes.items():
        step.set_attribute(attribute, value)
    for message in answer.messages:
        step.send(message_content(step.flow, NODE, message, step.value))
    if step.ended_reason is not None:
        return  # its messages were more than the flow's budget
    if answer.handoff:
        step.actions.append(OpenCase(answer.handoff))
        step.end("handed_off")
    elif answer.end:
        step.end("done")


def _escape_braces(message: MessageNode) -> MessageNode:
    """Escape braces: the bot has put its values in already, so that no name is replaced in its texts."""
    text = message.text and message.text.replace("{", "{{").replace("}", "}}")
    link = message.link
    if link:
        link = link.model_copy(update={"url": link.url.replace("{", "%7B").replace("}", "%7D")})
    return message.model_copy(update={"text": text, "link": link, "otherwise": None, "next": None})


def _storable_json(part: Any) -> Any:
    if isinstance(part, str):
        return storable(part)
    if isinstance(part, list):
        return [_storable_json(item) for item in part]
    return {storable(key): _storable_json(value) for key, value in part.items()} if isinstance(part, dict) else part
