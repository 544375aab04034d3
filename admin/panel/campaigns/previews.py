"""Draws the message of a campaign, for nobody or for a person of its audience, as the form is filled in and on its page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy.orm import Session

from admin.panel.base import PanelView, action, sentence
from admin.panel.campaigns.content_fields import content_of_draft, fit_content
from admin.panel.campaigns.form_fields import filled, read_draft
from admin.panel.campaigns.reach_estimate import estimate_campaign
from admin.panel.campaigns.selection import selected
from admin.panel.template_preview import draw_template, filled_values, pictures_of, source_values
from bot.preview.filled_text import SlotState, SlotValue
from bot.preview.look import Theme
from models.audience.audience import complete_contacts
from models.audience.example_person import ExampleKind, ExampleValues, example_values, find_example
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.campaign import Campaign
from models.tables.contact import Contact
from models.tables.number import Number
from models.tables.template import Template
from models.tables.user import Role
from models.templates.content import MessageContent, content_of
from models.templates.language_parts import language_choice, language_parts
from models.templates.tracked_links import LinkPlace, link_places

THEMES: tuple[Theme, ...] = ("auto", "light", "dark")
PEOPLE = {
    "": "nobody: where values come from",
    ExampleKind.ANYBODY: "somebody of the audience",
    ExampleKind.LONGEST_NAME: "a long name",
    ExampleKind.MISSING_VALUE: "somebody who lacks a value",
    ExampleKind.OTHER_LANGUAGE: "somebody of another language",
}
"""For whom a preview is, with the words of the choice."""
_STEP = 0.381_966
"""A part of all contacts between two people: going on by the golden section comes everywhere soon."""


@dataclass(frozen=True)
class PreviewChoice:
    """What a form asks of its preview. `turn` counts how often another person was asked for.

    `contact_id` is the person of the last drawing, `found_for` what they were chosen for.
    """

    kind: ExampleKind | None = None
    turn: int = 0
    theme: Theme = "auto"
    contact_id: int = 0
    found_for: str = ""


@dataclass(frozen=True)
class DrawnPreview:
    """A drawn message. `contact`: for whom; `note`: a line about that; `links`: where its tracked links lead."""

    picture: Markup | None
    choice: PreviewChoice
    contact: Contact | None = None
    note: str = ""
    links: Sequence[LinkPlace] = ()


class CampaignPreviews(PanelView):
    """The route that draws the preview again while somebody types."""

    @action("/preview", Role.MANAGER)
    def preview(self) -> ResponseReturnValue:
        """The preview of the form as it is, as an HTML fragment. Nothing is saved."""
        draft = read_draft(request.form, self.rt.settings.time_zone)
        if "audience" in draft:
            draft["audience"] = complete_contacts(draft["audience"], self.rt.settings.default_country)
        with self.rt.database.read() as session:
            number, template = selected(session, draft)
            if template is not None:
                fit_content(draft, template)
            drawn = draft_preview(session, draft, number, template, self.rt.settings.time_zone)
        return render_template("panel/campaign/preview.html", preview=drawn)


def read_choice(values: Mapping[str, str]) -> PreviewChoice:
    """Read what a form asks for; anything odd is as if it were not given."""
    kind, theme, turn, contact_id = (
        values.get(f"preview_{name}", "") for name in ("person", "theme", "turn", "contact")
    )
    return PreviewChoice(
        kind=next((known for known in ExampleKind if known == kind), None),
        turn=_whole(turn) + (values.get("refresh") == "another"),
        theme=next((known for known in THEMES if known == theme), "auto"),
        contact_id=_whole(contact_id),
        found_for=values.get("preview_for", ""),
    )


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else 0


def draft_preview(
    session: Session, draft: Mapping[str, Any], number: Number | None, template: Template | None, time_zone: str
) -> DrawnPreview:
    """The message of the form's draft; without a picture while no template is chosen."""
    choice = read_choice(request.form)
    if template is None:
        return DrawnPreview(None, choice)
    content = content_of_draft(filled(draft))
    drawn = _draft_preview(session, draft, number, template, content, choice, time_zone)
    return replace(drawn, links=link_places(content))


def _draft_preview(
    session: Session,
    draft: Mapping[str, Any],
    number: Number | None,
    template: Template,
    content: MessageContent,
    choice: PreviewChoice,
    time_zone: str,
) -> DrawnPreview:
    if choice.kind is None or number is None or not (draft.get("audience") or {}).get("include"):
        note = "Choose whom to include first." if choice.kind else ""
        return _plain_preview(session, template, content, choice, note)
    campaign = estimate_campaign(session, draft, number, template)
    return _person_preview(session, campaign, template, content, choice.kind, choice, time_zone)


def _plain_preview(
    session: Session, template: Template, content: MessageContent, choice: PreviewChoice, note: str = ""
) -> DrawnPreview:
    """The message for nobody: the names of where values come from stand in the placeholders."""
    values = filled_values(source_values(template, content), content)
    pictures = pictures_of(session, template.waba_id, content)
    return DrawnPreview(draw_template(template, values, pictures, theme=choice.theme), choice, note=note)


def campaign_preview(session: Session, campaign: Campaign, choice: PreviewChoice, time_zone: str) -> DrawnPreview:
    """The message of a stored campaign."""
    template, content = campaign.template, content_of(campaign)
    if template is None:
        return DrawnPreview(None, choice)
    if choice.kind is None or campaign.number_id is None or not campaign.audience.get("include"):
        drawn = _plain_preview(session, template, content, choice)
    else:
        drawn = _person_preview(session, campaign, template, content, choice.kind, choice, time_zone)
    return replace(drawn, links=link_places(content))


def _person_preview(
    session: Session,
    campaign: Campaign,
    template: Template,
    content: MessageContent,
    kind: ExampleKind,
    choice: PreviewChoice,
    time_zone: str,
) -> DrawnPreview:
    """The message for a person: the one of the last drawing, as long as they were chosen for the same."""
    found_for = _search_key(campaign, content, choice)
    contact_id: int | None = choice.contact_id if choice.found_for == found_for else None
    if not contact_id:
        try:
            place = choice.turn * _STEP % 1
            contact_id = find_example(session, campaign, kind, place, utcnow(), besides=choice.contact_id)
        except OperatorError as error:
            return _plain_preview(session, template, content, choice, sentence(error))
    template, content, has_language = _of_their_language(session, campaign, template, content, contact_id)
    found = example_values(session, template, content, contact_id, time_zone) if contact_id else None
    if found is None:
        note = f"In this audience there is nobody for “{PEOPLE[kind]}”."
        return _plain_preview(session, template, content, choice, note)
    values = filled_values(_places(found), content)
    pictures = pictures_of(session, template.waba_id, content)
    picture = draw_template(template, values, pictures, theme=choice.theme)
    drawn_for = PreviewChoice(kind, choice.turn, choice.theme, found.contact.id, found_for)
    nothing = "They would get nothing: the campaign has no language for them."
    return DrawnPreview(picture, drawn_for, found.contact, _problem(found) if has_language else nothing)


def _of_their_language(
    session: Session, campaign: Campaign, template: Template, content: MessageContent, contact_id: int | None
) -> tuple[Template, MessageContent, bool]:
    """The template and the content that the person gets; those given, with False, if the campaign has no language for them."""
    choice = language_choice(campaign)
    contact = session.get(Contact, contact_id) if contact_id else None
    if choice is None or contact is None:
        return template, content, True
    position = choice.position_of(contact.language)
    part = language_parts(session, campaign)[position] if position is not None else None
    if part is None or part.template is None:
        return template, content, False
    return part.template, part.content, True


def _problem(found: ExampleValues) -> str:
    if found.problem is None:
        return ""
    what = found.problem.translated()
    return f"They would get nothing: {what} is missing." if found.lacks_value else f"They would get nothing: {what}."


def _places(found: ExampleValues) -> dict[str, dict[str, SlotValue]]:
    places: dict[str, dict[str, SlotValue]] = {}
    for (place, key), wanted in found.wanted.items():
        value = (found.values.get(place) or {}).get(key)
        shown = SlotValue(str(value)) if value else SlotValue("", SlotState.MISSING, wanted.translated())
        places.setdefault(place, {})[key] = shown
    return places


def _search_key(campaign: Campaign, content: MessageContent, choice: PreviewChoice) -> str:
    """What a person is chosen for: as long as it is the same, another letter in a text is no reason to look for another one."""
    sources = content.variables if choice.kind is ExampleKind.MISSING_VALUE else None
    asked = [choice.kind, choice.turn, campaign.template_id, campaign.number_id, campaign.audience, sources]
    return sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:16]
