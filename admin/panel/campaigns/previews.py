"""Draws the message of the campaign form as it is filled in."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from admin.panel.base import PanelView, action
from admin.panel.campaigns.form_fields import read_draft
from admin.panel.campaigns.selection import selected
from admin.panel.template_preview import preview_of
from bot.preview.look import Theme
from models.tables.template import Template
from models.tables.user import Role

THEMES: tuple[Theme, ...] = ("auto", "light", "dark")


class CampaignPreviews(PanelView):
    """The route that draws the preview again while somebody types."""

    @action("/preview", Role.MANAGER)
    def preview(self) -> ResponseReturnValue:
        """The preview of the form as it is, as an HTML fragment. Nothing is saved."""
        draft = read_draft(request.form)
        with self.rt.database.read() as session:
            _, template = selected(session, draft)
        return self.render("panel/campaign/preview.html", picture=draft_preview(draft, template))


def draft_preview(draft: Mapping[str, Any], template: Template | None) -> Markup | None:
    """The message of a draft, None while no template is chosen."""
    if template is None:
        return None
    return preview_of(template, draft.get("variables") or {}, draft.get("media"), theme=chosen_theme())


def chosen_theme() -> Theme:
    """The colours that the form asks for; those of the reader's system for anything else."""
    chosen = request.form.get("preview_theme", "auto")
    return next((theme for theme in THEMES if theme == chosen), "auto")
