"""Suggests contacts for a few typed letters, as JSON for the input in which people are picked."""

from dataclasses import asdict

from flask import request
from flask.typing import ResponseReturnValue

from admin.panel.base import PanelView, page
from models.contacts.autocomplete import suggest_contacts


class ContactPicker(PanelView):
    """The endpoint that a view with such an input inherits."""

    @page("/pick.json")
    def pick(self) -> ResponseReturnValue:
        """`{"people", "more"}` whose name, e-mail, number or tag matches `q`."""
        text = request.args.get("q", "").strip()[:200]
        if not text:
            return {"people": [], "more": False}
        with self.rt.database.read() as session:
            people, has_more = suggest_contacts(session, text, self.rt.settings.default_country)
        return {"people": [asdict(person) for person in people], "more": has_more}
