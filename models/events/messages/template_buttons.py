"""Tells what the pressed button of a campaign's message does to consent: by its place in the template, never by its words."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.events.messages.attribution import AttributedReply, Attribution
from models.events.types import InboundMessage
from models.tables.campaign import Campaign
from models.tables.cohort import Cohort
from models.tables.recipient import Recipient
from models.tables.template import Template
from models.templates.opt_out_buttons import button_place, quick_replies


def opt_outs_by_place(
    session: Session, replies: Sequence[AttributedReply], targets: Mapping[str, Attribution], installation: str
) -> dict[str, bool]:
    """Whether each press opts out, by wamid.

    A press is absent where its place says nothing, so that its words count: it is of another installation or of a purged campaign,
    the template was changed since, or it was not read since Hark knows such places.
    """
    pressed = [item for item in replies if item.message.type == "button" and _is_reference(item, targets)]
    if not pressed:
        return {}
    recipient_ids = {targets[item.message.wamid].recipient_id for item in pressed}
    rows = session.execute(
        select(Recipient.id, Campaign.opt_out_buttons, Template.opt_out_buttons, Template.components)
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .outerjoin(Cohort, Cohort.id == Recipient.cohort_id)
        .join(Template, Template.id == func.coalesce(Cohort.template_id, Campaign.template_id))
        .where(Recipient.id.in_(sorted(recipient_ids)))
    )
    templates = {row[0]: (row[1], row[2], row[3]) for row in rows}
    by_place: dict[str, bool] = {}
    for item in pressed:
        template = templates.get(targets[item.message.wamid].recipient_id)
        if template is None:
            continue
        chosen, recognized, components = template
        place = _place(item.message, installation, components, is_chosen=chosen is not None)
        places = recognized if chosen is None else chosen
        if place is not None and places is not None:
            by_place[item.message.wamid] = place in places
    return by_place


def _is_reference(item: AttributedReply, targets: Mapping[str, Attribution]) -> bool:
    target = targets.get(item.message.wamid)
    return target is not None and target.is_reference


def _place(message: InboundMessage, installation: str, components: Sequence[Any], *, is_chosen: bool) -> str | None:
    """The place of the pressed button: by our payload, else by its title, if one quick reply has it.

    What was recognized in a template holds for the template of now: where the title at that place is another one by now, the
    template was changed after the message. The places that a campaign chose are those of its own messages.
    """
    titles = quick_replies(components)
    if message.pressed is not None and message.pressed.installation == installation:
        place = button_place(message.pressed.index, message.pressed.card)
        if is_chosen or titles.get(place) == message.text:
            return place
    places = [place for place, title in titles.items() if title == message.text]
    return places[0] if len(places) == 1 else None
