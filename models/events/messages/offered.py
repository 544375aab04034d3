"""Finds the words that are answers: a running bot flow asks a question and offers them as options.

Consent is applied when a message is stored, the flow's answer later. So that a typed "Cancel" is either of them and not both, the
message is marked here, in one query for the batch.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.events.messages.attribution import AttributedReply, Attribution
from models.tables.flow import FlowSession, FlowVersion, SessionStatus

Offers = Callable[[Mapping[str, Any], Mapping[str, Any], str, datetime], bool]
"""Whether the flow (its definition) in this session (its state) offers the typed text at this time (`bot.flows.offers`)."""


def choices_on_offer(
    session: Session, replies: Sequence[AttributedReply], targets: Mapping[str, Attribution], offers: Offers
) -> set[str]:
    """The wamids of typed words that the running question of their conversation offers as an option.

    A reply that quotes another campaign's message is no answer to that question.
    """
    words = [item for item in replies if item.message.word is not None and item.message.may_be_choice]
    if not words:
        return set()
    rows = session.execute(
        select(
            FlowSession.contact_id,
            FlowSession.number_id,
            FlowSession.recipient_id,
            FlowSession.state,
            FlowVersion.definition,
        )
        .join(FlowVersion, FlowVersion.id == FlowSession.flow_version_id)
        .where(
            FlowSession.contact_id.in_(sorted({item.contact_id for item in words})),
            FlowSession.status == SessionStatus.ACTIVE,
        )
    )
    running = {(row.contact_id, row.number_id): row for row in rows}
    found = set()
    for item in words:
        row, target = running.get((item.contact_id, item.number_id)), targets.get(item.message.wamid)
        if row is None or (target and target.is_reference and target.recipient_id != row.recipient_id):
            continue
        if offers(row.definition, row.state, item.message.text or "", item.message.at):
            found.add(item.message.wamid)
    return found
