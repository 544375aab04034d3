"""Says how many messages the bot flow of a campaign sends to one person who replies."""

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.flows.nodes import from_definition
from bot.flows.paths import paths_of
from models.billing.expected_replies import FlowMessages
from models.tables.flow import Flow, FlowVersion


def flow_messages(session: Session, flow_id: int | None) -> FlowMessages | None:
    """Return the messages of the newest version of a flow; None without a flow, or where they cannot be told."""
    query = (
        select(FlowVersion.definition)
        .join(Flow, Flow.id == FlowVersion.flow_id)
        .where(Flow.id == flow_id, FlowVersion.version == Flow.version)
    )
    definition = session.scalar(query) if flow_id is not None else None
    if definition is None:
        return None
    try:
        paths = paths_of(from_definition(definition))
    except ValidationError:  # a version of an older Hark
        return None
    return None if paths.is_external else FlowMessages(paths.shortest, paths.longest, bool(paths.loops))
