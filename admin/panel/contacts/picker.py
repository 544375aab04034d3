"""Who is meant by a few typed letters, as data for the boxes in which people are picked."""

from dataclasses import asdict

from flask import request
from flask.typing import ResponseReturnValue

from admin.panel.base import PanelView, page
from models.contacts.autocomplete import suggest_contacts


class ContactPicker(PanelView):
    """What a page with such a box asks while somebody types."""

    @page("/pick.json")
    def pick(self) -> ResponseReturnValue:
        """Name, e-mail, number or tag."""
        text = request.args.get("q", "").strip()[:200]
        if not text:
            return {"people": [], "more": False}
        with self.rt.database.read() as session:
            people, has_more = suggest_contacts(session, text, self.rt.settings.default_country)
        return {"people": [asdict(person) for person in people], "more": has_more}
