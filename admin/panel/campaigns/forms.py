"""Renders and saves the campaign form, which creates or changes a campaign, with a preview of the template and the reach."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations.campaigns import create_campaign, update_campaign
from admin.panel.base import back, form
from admin.panel.campaigns.card_uploads import store_card_uploads
from admin.panel.campaigns.content_fields import (
    CONTENT_FIELDS,
    VALUE_FORMATS,
    content_of_draft,
    content_shown,
    fit_content,
    slot_field,
)
from admin.panel.campaigns.facts import campaign_facts
from admin.panel.campaigns.form_cost import estimated_cost
from admin.panel.campaigns.form_fields import SIDES, draft_of, field_errors, filled, read_draft, rows_of
from admin.panel.campaigns.goal_fields import goals_shown
from admin.panel.campaigns.languages import fit_languages, languages_shown, store_language_uploads
from admin.panel.campaigns.media_field import (
    card_media_choices,
    complete_card_media,
    complete_medium,
    media_shown,
    media_to_choose,
    store_medium,
)
from admin.panel.campaigns.opt_out_buttons import opt_out_choices
from admin.panel.campaigns.previews import PEOPLE, CampaignPreviews, draft_preview
from admin.panel.campaigns.product_notes import product_notes
from admin.panel.campaigns.reach_estimate import estimated_reach
from admin.panel.campaigns.selection import selected
from admin.panel.template_preview import ORDER_WORDS
from models.audience.audience import complete_contacts
from models.billing.max_price import has_max_price
from models.campaigns.missing import shown_parts
from models.contacts.autocomplete import names_of_phones
from models.contacts.field_values import CONTACT_FIELDS
from models.contacts.tagging import not_deleted
from models.conversions.goals import goals_of
from models.errors import OperatorError
from models.tables.campaign import DEFAULT_PER_SECOND, Campaign
from models.tables.flow import Flow
from models.tables.number import Number
from models.tables.segment import Segment
from models.tables.tag import Attribute, ContactList, Tag
from models.tables.template import Template
from models.tables.user import Role
from models.templates.bound_values import lacking_values
from models.templates.sendable import why_not_sendable
from models.templates.slots import template_slots
from models.templates.sources import PRODUCT_FIELDS, PROFILE_SOURCES
from models.templates.tracked_links import offered_source
from models.templates.variables import media_format

MAX_NAMES = 500
TemplateChoices = list[tuple[str, str] | tuple[str, list[tuple[str, str]], bool]]
FIELDS = ("name", "number", "template", "flow", "pace", "ends_after_hours", "retry", "include", "exclude", "goals")


class CampaignForms(CampaignPreviews):
    """The routes that create and edit a campaign."""

    @form("/new", Role.MANAGER)
    def new(self) -> ResponseReturnValue:
        """The form of a new campaign."""
        if request.method == "GET":
            return self._page({"name": "", "pace": {"per_second": DEFAULT_PER_SECOND}}, {}, None)
        return self._submit(None)

    @form("/<int:campaign_id>/edit", Role.MANAGER)
    def edit(self, campaign_id: int) -> ResponseReturnValue:
        """The form of a campaign that has not started."""
        facts = campaign_facts(self.rt, campaign_id, errors=False)
        if not facts.is_editable:
            flash("It has started: what it says cannot be changed any more. Duplicate it instead.", "warn")
            return back(".show", campaign_id=campaign_id)
        if request.method == "GET":
            with self.rt.database.read() as session:
                goals = goals_of(session, [campaign_id]).get(campaign_id, ())
            return self._page(draft_of(facts.campaign, goals), {}, facts.campaign)
        return self._submit(facts.campaign)

    def _submit(self, campaign: Campaign | None) -> ResponseReturnValue:
        draft, errors = read_draft(request.form, self.rt.settings.time_zone), {}
        if "audience" in draft:
            draft["audience"] = complete_contacts(draft["audience"], self.rt.settings.default_country)
        self._drop_stale(draft)
        try:
            self._store_upload(draft)
            store_card_uploads(self.rt, self._selected(draft)[1], request.files, draft, self.me.email)
            store_language_uploads(self.rt, self._selected(draft)[0], request.files, draft, self.me.email)
        except OperatorError as error:
            errors = field_errors(str(error), {})
        if request.form.get("refresh") or errors:
            return self._page(draft, errors, campaign), 400 if errors else 200
        try:
            if campaign is None:
                saved = create_campaign(self.rt, filled(draft), self.me.email)
            else:
                saved = update_campaign(self.rt, campaign.id, filled(draft), self.me.email)
        except OperatorError as error:
            return self._page(draft, field_errors(str(error), self._labels(draft)), campaign), 400
        if saved.missing:
            flash(f"Saved as a draft. Still missing: {shown_parts(list(saved.missing))}.", "info")
        else:
            flash("Saved. It is ready.", "good")
        return back(".show", campaign_id=saved.id)

    def _drop_stale(self, draft: dict[str, Any]) -> None:
        """Drop what belongs to a number or a template that is not chosen any more: where no script redraws the form, its fields
        are still there, and would keep the draft from being saved.
        """
        with self.rt.database.read() as session:
            number, template = selected(session, draft)
            is_foreign = number is not None and template is None
            complete_medium(session, draft, media_format(template) if template else None)
            fit_languages(session, draft, template)
        if is_foreign:
            draft.pop("template", None)
        if template is not None:
            fit_content(draft, template)
            with self.rt.database.read() as session:
                complete_card_media(session, draft, template)
            slots = {(slot.component, slot.key) for slot in template_slots(template) if slot.card is None}
            draft["variables"] = {
                component: {key: source for key, source in sources.items() if (component, key) in slots}
                for component, sources in (draft.get("variables") or {}).items()
            }
        if template is not None and not has_max_price(template):
            draft.pop("max_price", None)

    def _store_upload(self, draft: dict[str, Any]) -> None:
        """Add an uploaded file to the library at once, so that it is kept when the form is shown again with errors.

        Raises OperatorError if no template with a media header is chosen, or the header does not take the file.
        """
        _, template = self._selected(draft)
        store_medium(self.rt, draft, media_format(template) if template else None, self.me.email)

    def _selected(self, draft: Mapping[str, Any]) -> tuple[Number | None, Template | None]:
        with self.rt.database.read() as session:
            return selected(session, draft)

    def _labels(self, draft: Mapping[str, Any]) -> dict[str, str]:
        _, template = self._selected(draft)
        slots = template_slots(template, content_of_draft(draft)) if template else ()
        return {slot.field: slot_field(slot) for slot in slots}

    def _page(self, draft: dict[str, Any], errors: Mapping[str, str], campaign: Campaign | None) -> str:
        with self.rt.database.read() as session:
            number, template = selected(session, draft)
            if template is not None:
                fit_content(draft, template)
            choices = _choices(session) | {"templates": _templates(session, number, template)}
            # Counting a large audience takes a moment, so the page requests it after it has loaded.
            has_reach = request.method == "POST"
            reach, unreachable = (
                estimated_reach(session, draft, number, template) if has_reach and not errors else (None, None)
            )
            cost = estimated_cost(session, draft, number, template, reach)
            media, lacking = media_shown(draft), lacking_values(session, content_of_draft(draft))
            currency = number.waba.currency if number is not None else None
            people = {side: _people(session, draft, side) for side in SIDES}
            languages = languages_shown(session, draft, template)
            needed = media_format(template) if template else None
            media_choices = media_to_choose(session, needed, media, request.form.get("media_search", ""))
            content = content_of_draft(draft)
            card_media = card_media_choices(session, template, content)
            notes = product_notes(session, number, content)
            preview = draft_preview(session, draft, number, template, self.rt.settings.time_zone)
        all_slots = template_slots(template, content) if template else []
        given = {
            slot_field(slot): content.sources(slot.component, slot.card).get(slot.key)
            or offered_source(template, slot, self.rt.settings.link_base)
            for slot in all_slots
        }
        slots = [(slot, slot_field(slot)) for slot in all_slots if slot.card is None]
        shown = {*FIELDS, *given, *(["media"] if needed else []), "opt_out_buttons", *CONTENT_FIELDS}
        shown |= {f"card-{card}-{part}" for card in range(len(content.cards)) for part in ("media", "sku")}
        if template is not None and has_max_price(template):
            shown.add("max_price")
        return self.render(
            "panel/campaign_form.html",
            draft=draft,
            errors=_merge_hidden(errors, shown),
            campaign=campaign,
            number=number,
            chosen=template,
            slots=slots,
            given=given,
            notes=notes,
            profile_sources=PROFILE_SOURCES,
            value_formats=VALUE_FORMATS,
            card_slots=[(slot, slot_field(slot)) for slot in all_slots if slot.card is not None],
            content=content_shown(template, draft, self.rt.settings.time_zone),
            needed=needed,
            languages=languages,
            buttons=opt_out_choices(draft, template),
            recognized=",".join(template.opt_out_buttons or ()) if template else "",
            has_max_price="max_price" in shown,
            billed_in=currency,
            media=media,
            media_choices=media_choices,
            card_media=card_media,
            media_search=request.form.get("media_search", ""),
            preview=preview,
            preview_people=list(PEOPLE.items()),
            reach=reach,
            cost=cost,
            lacking=lacking,
            unreachable=unreachable,
            rows={side: rows_of(draft, side) for side in SIDES},
            people=people,
            goals=goals_shown(draft),
            action=request.path,
            back=url_for(".show", campaign_id=campaign.id) if campaign else url_for(".index"),
            **choices,
        )


def _merge_hidden(errors: Mapping[str, str], shown: set[str]) -> Mapping[str, str]:
    """Move errors of fields that the page does not show to the empty name: they are shown at its top."""
    hidden = [text for field, text in errors.items() if field not in shown]
    visible = {field: text for field, text in errors.items() if field in shown}
    return visible | ({"": " ".join(hidden)} if hidden else {})


def _choices(session: Session) -> dict[str, Any]:
    """The choices of the form's lists."""
    tags = list(session.scalars(select(Tag.name).where(not_deleted(Tag)).order_by(Tag.name).limit(MAX_NAMES)))
    lists = list(
        session.scalars(
            select(ContactList.name).where(not_deleted(ContactList)).order_by(ContactList.name).limit(MAX_NAMES)
        )
    )
    segments = list(session.scalars(select(Segment.name).order_by(Segment.name).limit(MAX_NAMES)))
    attributes = list(session.scalars(select(Attribute.name).order_by(Attribute.name).limit(MAX_NAMES)))
    numbers = session.scalars(select(Number).order_by(Number.name))
    groups = [("Tags", "tag", tags), ("Lists", "list", lists), ("Segments", "segment", segments)]
    audience = [
        (title, [(f"{kind}:{name}", f"{kind} {name}") for name in names]) for title, kind, names in groups if names
    ]
    own = [(f"attribute:{name}", name.replace("_", " ")) for name in CONTACT_FIELDS if name not in PROFILE_SOURCES]
    return {
        "numbers": [
            (row.phone_number_id, f"{row.name} · {row.display_phone or row.phone_number_id}") for row in numbers
        ],
        "flows": [(name, name) for name in session.scalars(select(Flow.name).order_by(Flow.name))],
        "audience_choices": audience,
        "sources": [
            ("text", "the same text for all"),
            ("shop", "the shop's name"),
            ("name", "the contact's name"),
            *((name, f"the {name.replace('_', ' ')}") for name in PROFILE_SOURCES if name != "name"),
            ("Tag with a value", [(f"tag:{name}", f"tag {name}") for name in tags]),
            ("Attribute", [*((f"attribute:{name}", name) for name in attributes), *own]),
            ("Latest order", [(f"order:{name}", f"order: {said}") for name, said in ORDER_WORDS.items()]),
            (
                "Product of the card or the message",
                [(f"product:{name}", f"product: {name}") for name in PRODUCT_FIELDS],
            ),
        ],
    }


def _templates(session: Session, number: Number | None, chosen: Template | None) -> TemplateChoices:
    """The templates of the number's account: those that can be sent, and the others with why, in a group of their own that cannot
    be selected. The one that the draft has stays selectable, since saving the form must not drop it.
    """
    templates = [chosen] if chosen is not None else []
    if number is not None:
        query = select(Template).where(Template.waba_id == number.waba_id, Template.missing_at.is_(None))
        templates = list(session.scalars(query.order_by(Template.name, Template.language)))
        templates += [chosen] if chosen is not None and chosen not in templates else []
    sendable: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for template in templates:
        why = why_not_sendable(template)
        shown = f"{template.name} ({template.language}) · {template.category.lower()}"
        option = (f"{template.name}|{template.language}", f"{shown} · {why}" if why else shown)
        (others if why and template is not chosen else sendable).append(option)
    return [*sendable, ("Cannot be sent now", others, True)] if others else [*sendable]


def _people(session: Session, draft: Mapping[str, Any], side: str) -> Sequence[tuple[str, str | None, str]]:
    """The contacts selected on a side, in the shape of the template macro `picker`."""
    items = (draft.get("audience") or {}).get(side) or []
    phones = [str(item["contact"]) for item in items if "contact" in item]
    names = names_of_phones(session, [phone for phone in phones if phone[1:].isdigit()])
    return [(phone, names.get(phone), phone) for phone in phones]
