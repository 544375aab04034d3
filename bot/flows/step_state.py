"""One step of a bot flow on its way: the session's parts while they change, and the actions so far."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.flows.answers import MAX_ANSWER
from bot.flows.content import Content
from bot.flows.nodes import FlowDefinition
from bot.flows.placeholders import render
from bot.flows.session import (
    EndSession,
    FlowAction,
    FlowContact,
    FlowState,
    Result,
    SendMessage,
    SetAttribute,
    SetTag,
    Waiting,
)

MAX_KEPT = 500
"""Characters of a tag's or an attribute's value: what the tables take."""


def storable(text: str) -> str:
    """Text that every database and every encoding takes: without NUL and without halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


class StepState:
    """What a step may do to its session. A tag or an attribute that it sets is there for the nodes that follow."""

    def __init__(self, flow: FlowDefinition, session: FlowState, now: datetime, contact: FlowContact) -> None:
        self.flow, self.session, self.now, self.contact = flow, session, now, contact
        self.node = session.node
        self.answers = dict(session.answers)
        self.tags = dict(contact.tags)
        self.attributes = dict(contact.attributes)
        self.retries = session.retries
        self.waiting_for: Waiting | None = session.waiting_for
        self.awaiting = session.awaiting
        self.serial = session.serial
        self.last_input = session.last_input
        self.last_sent: str | None = None
        self.ended_reason: str | None = None
        self.actions: list[FlowAction] = []

    def result(self) -> Result:
        session = replace(
            self.session,
            node=self.node,
            answers=self.answers,
            retries=self.retries,
            waiting_for=self.waiting_for,
            awaiting=self.awaiting,
            serial=self.serial,
            last_input=self.last_input,
            updated_at=self.now,
        )
        if self.ended_reason is not None:
            session = session.ended(self.ended_reason, self.now)
        return Result(session, tuple(self.actions))

    def send(self, content: Content) -> None:
        self.last_sent = self.next_tag()
        self.actions.append(SendMessage(content, self.last_sent))

    def end(self, reason: str) -> None:
        self.ended_reason = reason
        self.actions.append(EndSession(reason))

    def value(self, name: str) -> str:
        """What a name in braces stands for; empty where there is nothing."""
        family, _, key = name.partition(".")
        families: dict[str, Mapping[str, str | None]] = {
            "answers": self.answers,
            "attribute": self.attributes,
            "tag": self.tags,
        }
        if key:
            return families.get(family, {}).get(key) or ""
        if name == "input":
            return self.last_input
        return self.contact.fact(name) or ""

    def rendered(self, text: str | None) -> str:
        return render(text, self.value, MAX_ANSWER) if text else ""

    def set_tag(self, name: str, value: str | None) -> None:
        value = value[:MAX_KEPT].strip() if value else None
        self.tags[name] = value
        self.actions.append(SetTag(name, value))

    def set_attribute(self, name: str, value: str) -> None:
        value = value[:MAX_KEPT].strip()
        self.attributes[name] = value
        self.actions.append(SetAttribute(name, value))

    def next_tag(self) -> str:
        self.serial += 1
        return str(self.serial)
