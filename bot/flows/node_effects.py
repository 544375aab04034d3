"""Applies the nodes of a bot flow that do more than send: values, calls, hand-offs, waits."""

from collections.abc import Mapping
from typing import Any

from bot.flows.answers import MAX_ANSWER
from bot.flows.content import text_content
from bot.flows.nodes import HandoffNode, HttpNode, SetNode, WaitNode
from bot.flows.placeholders import fill, render_url
from bot.flows.secrets import Piece, with_secrets
from bot.flows.session import CallHttp, OpenCase, StartTimer, Unsubscribe
from bot.flows.step_state import StepState, storable


class NodeEffects(StepState):
    """The changes of one step, with the effects of single nodes."""

    def set_values(self, node: SetNode) -> None:
        """Set and remove tags, attributes and answers; later nodes of the step see them."""
        for tag, text in node.tags.items():
            self.set_tag(tag, self.rendered(text) or None)
        for tag in node.remove_tags:
            self.remove_tag(tag)
        for attribute, text in node.attributes.items():
            self.set_attribute(attribute, self.rendered(text))
        for answer, text in node.answers.items():
            self.answers[answer] = self.rendered(text)
        if node.unsubscribe:
            self.actions.append(Unsubscribe())

    def call(self, node: HttpNode) -> None:
        """Add the call, whose result the session waits for."""
        body = {key: self._body_value(text) for key, text in node.body.items()} if node.method == "POST" else None
        headers = {name: with_secrets(text, str) for name, text in node.headers.items()}
        url = render_url(node.url, self.value)
        self.waiting_for, self.awaiting = "http", self.next_tag()
        call = CallHttp(self.awaiting, node.method, url, headers, body, node.timeout_seconds)
        self.actions.append(call)

    def _body_value(self, text: str) -> str | list[Piece]:
        """The value rendered, with the names of secrets apart."""
        pieces = with_secrets(text, lambda piece: fill(piece, self.value))
        return self.rendered(text) if isinstance(pieces, str) else pieces

    def hand_off(self, node: HandoffNode) -> None:
        """Open a case and end the session."""
        if node.text and self.room() != 0:  # people take over in any case
            self.send(text_content(node.text, self.value), is_last=True)
        self.actions.append(OpenCase(self.rendered(node.reason) or f"handed over by the bot flow {self.flow.name}"))
        self.end("handed_off")

    def wait(self, node: WaitNode) -> None:
        """Start the timer once Meta accepted the last message, so that the timer cannot overtake it."""
        if self.last_sent is None:
            self.start_timer(node)
        else:
            self.waiting_for, self.awaiting = "sent", self.last_sent

    def start_timer(self, node: WaitNode) -> None:
        """Add the timer of a wait node, for which the session waits."""
        self.waiting_for, self.awaiting = "timer", self.next_tag()
        self.actions.append(StartTimer(node.total_seconds, self.awaiting))


def value_at(body: Any, path: str) -> str:
    """Return a value of a response's JSON by its path (`order.items.0.name`); empty if there is none."""
    for part in path.split("."):
        if isinstance(body, Mapping):
            body = body.get(part)
        elif isinstance(body, list) and part.isascii() and part.isdigit() and int(part[:6]) < len(body):
            body = body[int(part[:6])]
        else:
            return ""
    if isinstance(body, bool):
        return "true" if body else "false"
    return storable(str(body))[:MAX_ANSWER] if isinstance(body, str | int | float) else ""
