"""Holds the changing parts of a session during one step of a bot flow, and the actions so far."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.flows.answers import MAX_ANSWER
from bot.flows.content import Content, text_content
from bot.flows.nodes import FlowDefinition
from bot.flows.placeholders import render
from bot.flows.session import (
    GAVE_UP,
    EndSession,
    FlowAction,
    FlowContact,
    FlowState,
    OpenCase,
    RemoveTag,
    ReplyEvent,
    Result,
    SendMessage,
    SetAttribute,
    SetTag,
    Waiting,
)
from models.contacts.tag_key import spelling_in

MAX_VALUE = 500
"""Characters of a tag's or an attribute's value, as in the tables' columns."""


def storable(text: str) -> str:
    """Remove NUL and replace lone surrogates, which databases and encodings refuse."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


class StepState:
    """The changes of one step. Nodes that follow see the tags and attributes that an earlier node set."""

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
        self.sent = session.sent
        self.last_input = session.last_input
        self.form = dict(session.form)
        self.last_sent: str | None = None
        self.ended_reason: str | None = None
        self.needs_human = False
        self.actions: list[FlowAction] = []

    def result(self) -> Result:
        """Return the new session and the actions."""
        session = replace(
            self.session,
            node=self.node,
            answers=self.answers,
            retries=self.retries,
            waiting_for=self.waiting_for,
            awaiting=self.awaiting,
            serial=self.serial,
            sent=self.sent,
            last_input=self.last_input,
            form=self.form,
            updated_at=self.now,
        )
        if self.ended_reason is not None:
            session = session.ended(self.ended_reason, self.now)
        needs_human = self.needs_human or self.ended_reason in GAVE_UP
        return Result(session, tuple(self.actions), needs_human=needs_human)

    def send(self, content: Content, *, is_last: bool = False) -> None:
        """Add a message to the actions. Where the flow's budget does not allow it, hand off to people instead: the session ends.

        `is_last`: the session ends with this message, so that it needs no room for the budget's own text after it.
        """
        budget = self.flow.budget
        room = self.room()
        if self.ended_reason is not None:
            return
        if budget is not None and room is not None and room < (2 if budget.text and not is_last else 1):
            if budget.text and room == 1:
                self._add_message(text_content(budget.text, self.value))
            why = self.rendered(budget.reason) or f"the budget of the bot flow {self.flow.name} is used up"
            self.actions.append(OpenCase(why))
            self.end("handed_off")
            return
        self._add_message(content)

    def room(self) -> int | None:
        """Return how many more messages the flow's budget allows in this conversation; None if it limits nothing."""
        contact, budget = self.contact, self.flow.budget
        limit = None if budget is None else budget.limit(contact.answer_price, contact.price_currency)
        return None if limit is None else limit - self.sent

    def end(self, reason: str) -> None:
        """End the session, unless it has ended in this step; `reason` is one of `ENDED_REASONS`."""
        if self.ended_reason is None:
            self.ended_reason = reason
            self.actions.append(EndSession(reason))

    def _add_message(self, content: Content) -> None:
        self.last_sent = self.next_tag()
        self.sent += 1
        self.actions.append(SendMessage(content, self.last_sent))

    def value(self, name: str) -> str:
        """Return the value of a name in braces; empty if there is none.

        Names are `answers.x`, `attribute.x`, `tag.x`, `form.x`, `input` and a contact's fields.
        """
        family, _, key = name.partition(".")
        families: dict[str, Mapping[str, str | None]] = {
            "answers": self.answers,
            "attribute": self.attributes,
            "tag": self.tags,
            "form": self.form,
        }
        if family == "tag":
            key = spelling_in(self.tags, key) or key
        if key:
            return families.get(family, {}).get(key) or ""
        if name == "input":
            return self.last_input
        return self.contact.fact(name) or ""

    def rendered(self, text: str | None) -> str:
        """Return a text with its values, cut to the length of an answer."""
        return render(text, self.value, MAX_ANSWER) if text else ""

    def take_input(self, reply: ReplyEvent) -> str:
        """Keep what the person wrote or sent last, for texts and branches; returns its text."""
        text = storable(reply.text)
        self.last_input = text[:MAX_ANSWER]
        if reply.form is not None:
            self.form = {storable(name): storable(value)[:MAX_ANSWER] for name, value in reply.form.items()}
        return text

    def set_tag(self, name: str, value: str | None) -> None:
        """Set a tag, its value cut to `MAX_VALUE`."""
        value = value[:MAX_VALUE].strip() if value else None
        self.tags[spelling_in(self.tags, name) or name] = value
        self.actions.append(SetTag(name, value))

    def remove_tag(self, name: str) -> None:
        """Remove a tag."""
        self.tags.pop(spelling_in(self.tags, name) or name, None)
        self.actions.append(RemoveTag(name))

    def set_attribute(self, name: str, value: str) -> None:
        """Set an attribute, its value cut to `MAX_VALUE`."""
        value = value[:MAX_VALUE].strip()
        self.attributes[name] = value
        self.actions.append(SetAttribute(name, value))

    def next_tag(self) -> str:
        """Return the tag of the next message, timer or call: `serial`, counted up."""
        self.serial += 1
        return str(self.serial)
