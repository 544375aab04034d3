"""The part of the campaign form in which an operator chooses the buttons that opt out."""

from collections.abc import Mapping
from typing import Any

from models.tables.template import Template
from models.templates.opt_out_buttons import quick_replies


def read_opt_out_buttons(form: Any) -> list[str] | None:
    """The checked places; None if the form showed the buttons of another template, or if they are the recognized ones."""
    shown_template = form.get("opt_out_of", "")
    if not shown_template or shown_template != form.get("template", "").strip():
        return None
    checked = sorted(set(form.getlist("opt_out_button")))
    recognized = sorted(filter(None, form.get("opt_out_recognized", "").split(",")))
    return None if checked == recognized else checked


def opt_out_choices(draft: Mapping[str, Any], template: Template | None) -> list[tuple[str, str, bool]]:
    """(place, title, whether it opts out) of the template's quick replies: as the draft chose, else as recognized."""
    if template is None:
        return []
    chosen = draft.get("opt_out_buttons")
    places = (template.opt_out_buttons or ()) if chosen is None else chosen
    return [
        (place, _named(place, title), place in places) for place, title in quick_replies(template.components).items()
    ]


def _named(place: str, title: str) -> str:
    card, _, _ = place.rpartition(".")
    return f"{title} (card {int(card) + 1})" if card else title
