"""A bot flow that is talked through without any database: what the engine answers, step by step."""

import json
from datetime import UTC, datetime
from typing import Any

from bot.flows.engine import run_step
from bot.flows.load import from_definition, read_flow, to_definition
from bot.flows.nodes import FlowDefinition
from bot.flows.session import (
    Event,
    FlowContact,
    FlowState,
    ReplyEvent,
    Result,
    SendMessage,
    Start,
)

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ALICE = FlowContact(name="Alice Moore", phone="+34600111222", language="en", country="ES", tags={"vip": None})


def flow_of(nodes: dict[str, Any], *, start: str | None = None, version: int = 7) -> FlowDefinition:
    definition = {"name": "sample", "start": start or next(iter(nodes)), "nodes": nodes}
    read = read_flow(json.dumps(definition), "sample.yaml")
    assert read.flow is not None, read.problems
    return from_definition(to_definition(read.flow), version)


class Talk:
    """A session that is talked through, with everything that it did."""

    def __init__(self, flow: FlowDefinition, contact: FlowContact = ALICE) -> None:
        self.flow, self.contact, self.now = flow, contact, NOW
        self.session = FlowState.begin(NOW)
        self.last = self.tell(Start())

    def tell(self, event: Event) -> Result:
        self.last = run_step(self.flow, self.session, event, self.now, self.contact)
        self.session = self.last.session
        return self.last

    def say(self, text: str, payload: str | None = None) -> "Talk":
        self.tell(ReplyEvent(text, payload, "wamid.1"))
        return self

    def sent(self) -> list[Any]:
        return [action.content for action in self.last.actions if isinstance(action, SendMessage)]

    def texts(self) -> list[str]:
        return [body["text"]["body"] if "text" in body else body["interactive"]["body"]["text"] for body in self.sent()]

    def done(self) -> list[Any]:
        return [action for action in self.last.actions if not isinstance(action, SendMessage)]


BUTTONS = {
    "menu": {
        "type": "message",
        "step": "seen",
        "text": "Choose, {first_name|you}",
        "header": "Spring",
        "footer": "Shop",
        "buttons": [{"title": "Yes", "next": "yes"}, {"title": "No", "key": "never"}],
        "error": "Yes or no?",
        "retries": 1,
        "next": "no",
    },
    "yes": {"type": "ask", "text": "How many?", "expect": "number", "min": 1, "tag": "count", "next": "bye"},
    "no": {"type": "end", "text": "A pity"},
    "bye": {"type": "end", "step": "done", "text": "{answers.yes} it is"},
}
