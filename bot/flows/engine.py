"""Runs one step of a bot flow: (flow, session, event, now, contact) → (session, actions). Reads no clock, has no side effects.

A step runs nodes until one waits for a reply, a timer or a call, or the flow ends; at most `MAX_NODES` of them.
"""

from datetime import datetime

from bot.flows.answers import option_by_title, read_answer
from bot.flows.conditions import ConditionFacts, holds
from bot.flows.content import Token, ask_content, error_content, message_content, text_content, token_of
from bot.flows.external import handle_external
from bot.flows.node_effects import NodeEffects, value_at
from bot.flows.nodes import (
    AnyNode,
    AskNode,
    BranchNode,
    EndNode,
    FlowDefinition,
    HandoffNode,
    HttpNode,
    MessageNode,
    SetNode,
    WaitNode,
)
from bot.flows.parts import Option
from bot.flows.session import (
    Accepted,
    EndSession,
    Event,
    FlowContact,
    FlowState,
    HttpResult,
    MessageNotSent,
    PassStep,
    ReplyEvent,
    Result,
    Start,
    TimerDue,
    Waiting,
)

MAX_NODES = 50

Next = str | None


def run_step(
    flow: FlowDefinition, session: FlowState, event: Event, now: datetime, contact: FlowContact | None = None
) -> Result:
    """Apply one event to a session. Pure: the same arguments give the same result.

    The session ends with the reason `idle` if its last event is 24 hours old; this event is then not handled.
    """
    if session.status == "ended":
        return Result(session, handled=False)
    if session.is_idle(now):
        return Result(session.ended("idle", now), (EndSession("idle"),), handled=False)
    run = _Run(flow, session, now, contact or FlowContact())
    is_handled = handle_external(run, event) if flow.kind == "external" else run.handle(event)
    return run.result() if is_handled else Result(session, handled=False)


class _Run(NodeEffects):
    """One step of a flow of kind `script`, through its nodes."""

    # ---- events ---------------------------------------------------------------------------------------------------

    def handle(self, event: Event) -> bool:
        """Apply an event. False if the session does not wait for it."""
        match event:
            case Start():
                return self._start(event.reply)
            case ReplyEvent():
                return self._reply(event)
            case Accepted():
                return self._accepted(event)
            case MessageNotSent():
                return self._not_sent(event)
            case TimerDue():
                return self._timer_due(event)
            case HttpResult():
                return self._http_result(event)

    def _start(self, reply: ReplyEvent) -> bool:
        if self.session.node is not None:
            return False
        self.take_input(reply)
        if not self._press(token_of(reply.payload)):
            self.run(self.flow.start)
        return True

    def _reply(self, reply: ReplyEvent) -> bool:
        if self.session.node is None:
            return False
        text = self.take_input(reply)
        if self._press(token_of(reply.payload)):
            return True
        node = self.flow.nodes.get(self.session.node)
        if isinstance(node, WaitNode) and node.on_reply:
            self.run(node.on_reply)
        elif isinstance(node, AskNode) and self.waiting_for == "reply":
            self._answer_question(self.session.node, node, text if _is_answer_to(node, reply) else "")
        elif isinstance(node, MessageNode) and self.waiting_for == "reply":
            self._answer_menu(self.session.node, node, text if reply.is_answer else "")
        else:
            self.needs_human = True
        return True

    def _accepted(self, event: Accepted) -> bool:
        node = self._awaited("sent", event.tag)
        if isinstance(node, WaitNode):
            self.start_timer(node)
        return node is not None

    def _not_sent(self, event: MessageNotSent) -> bool:
        if self._awaited("sent", event.tag) is None:
            return False
        self.end("not_sent")
        return True

    def _timer_due(self, event: TimerDue) -> bool:
        node = self._awaited("timer", event.tag)
        if isinstance(node, WaitNode):
            self.run(node.next)
        return node is not None

    def _http_result(self, event: HttpResult) -> bool:
        node = self._awaited("http", event.tag)
        if isinstance(node, HttpNode):
            if event.ok:
                self.answers.update({name: value_at(event.body, path) for name, path in node.save.items()})
            self.run(node.next if event.ok else node.failed)
        return node is not None

    def _awaited(self, waiting_for: Waiting, tag: str) -> AnyNode | None:
        """Return the node that waits for this tag; None if the event is late or belongs to another request."""
        if self.waiting_for != waiting_for or self.awaiting != tag:
            return None
        return self.flow.nodes.get(self.session.node or "")

    # ---- replies --------------------------------------------------------------------------------------------------

    def _press(self, token: Token | None) -> bool:
        """Follow a pressed button, also one of an earlier message. False if this version of the flow has no such option."""
        target = _find_option(self.flow, token)
        if token is None or target is None:
            return False
        node, option = target
        self.node = token.node
        self.last_input = option.title
        self._choose_option(token.node, node, option)
        return True

    def _choose_option(self, name: str, node: AskNode | MessageNode, option: Option) -> None:
        if isinstance(node, AskNode):
            self._store_answer(name, node, option.value or option.title)
        else:
            self.answers[name] = option.title
        self.run(option.next or node.next)

    def _answer_question(self, name: str, node: AskNode, text: str) -> None:
        option = option_by_title(node.choices, text)
        if option is not None:
            self._choose_option(name, node, option)
            return
        country = self.contact.country or self.contact.default_country  # the person's own country first
        value = read_answer(node, text, self.now, country)
        if value is not None:
            self._store_answer(name, node, value)
            self.run(node.next)
        elif not self._count_retry(node.retries, node.otherwise):
            self.send(ask_content(self.flow, name, node, node.error or node.text, self.value))

    def _answer_menu(self, name: str, node: MessageNode, text: str) -> None:
        option = option_by_title(node.options.values(), text)
        if option is not None:
            self._choose_option(name, node, option)
        elif not self._count_retry(node.max_retries, node.otherwise):
            self.send(error_content(self.flow, name, node, self.value))

    def _count_retry(self, max_retries: int, otherwise: Next) -> bool:
        """Count a failed try. True if no retry was left, so that the flow went to `otherwise` or ended; False to ask again."""
        if self.retries < max_retries:
            self.retries += 1
            return False
        if otherwise:
            self.run(otherwise)
        else:
            self.end("not_understood")
        return True

    def _store_answer(self, name: str, node: AskNode, value: str) -> None:
        self.answers[node.save_as or name] = value
        if node.tag:
            self.set_tag(node.tag, value)
        if node.attribute:
            self.set_attribute(node.attribute, value)

    # ---- nodes ----------------------------------------------------------------------------------------------------

    def run(self, name: Next) -> None:
        """Run nodes from `name` (None: the flow is done) until one waits or the flow ends."""
        self.waiting_for, self.awaiting, self.retries = None, None, 0
        for _ in range(MAX_NODES):
            if name is None:
                self.end("done")
                return
            node = self.flow.nodes[name]
            self.node = name
            if node.step:
                self.actions.append(PassStep(node.step))
            name = self._enter(name, node)
            if self.waiting_for is not None or self.ended_reason is not None:
                return
        self.end("too_many_nodes")

    def _enter(self, name: str, node: AnyNode) -> Next:
        """Execute a node and return the name of the next one; None if the flow waits or ends here."""
        match node:
            case MessageNode():
                self.send(message_content(self.flow, name, node, self.value))
                self.waiting_for = "reply" if node.options else None
                return node.next
            case AskNode():
                self.send(ask_content(self.flow, name, node, node.text, self.value))
                self.waiting_for = "reply"
            case BranchNode():
                facts = ConditionFacts(self.value, self.tags)
                return next((case.next for case in node.cases if holds(case.when, facts)), node.otherwise)
            case SetNode():
                self.set_values(node)
                return node.next
            case HttpNode():
                self.call(node)
            case HandoffNode():
                self.hand_off(node)
            case WaitNode():
                self.wait(node)
            case EndNode():
                if node.text:
                    self.send(text_content(node.text, self.value), is_last=True)
                self.end("done")
            case _:
                return node.next
        return None


def _is_answer_to(node: AskNode, reply: ReplyEvent) -> bool:
    """Whether the reply is of the kind that the question asks for: text or a press, or a form where it asks for one."""
    return reply.form is not None if node.expect == "form" else reply.is_answer


def _find_option(flow: FlowDefinition, token: Token | None) -> tuple[AskNode | MessageNode, Option] | None:
    """Return the node and the option that a token names; None if this version of the flow does not have both."""
    if token is None or token.version != flow.version:
        return None
    node = flow.nodes.get(token.node)
    if not isinstance(node, AskNode | MessageNode) or token.key not in node.options:
        return None
    return node, node.options[token.key]
