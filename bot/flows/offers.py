"""Tells whether a bot flow that waits for a choice offers what a person typed, from what the database stores of its session."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.flows.answers import option_by_title
from bot.flows.nodes import from_definition
from bot.flows.session import FlowState


def offers_title(definition: Mapping[str, Any], state: Mapping[str, Any], text: str, at: datetime) -> bool:
    """Return whether the session's question, asked less than 24 hours before `at`, has an option whose title is `text`.

    `definition` and `state` are the JSON of the flow's version and of the session. False if it waits for something else.
    """
    session = FlowState.from_json(state)
    if session.status != "active" or session.waiting_for != "reply" or session.is_idle(at):
        return False
    node = from_definition(definition).nodes.get(session.node or "")
    return node is not None and option_by_title(node.options.values(), text) is not None
