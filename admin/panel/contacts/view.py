"""Shows, searches, adds and edits contacts."""

import json
from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin.operations.contacts import (
    add_contact,
    allowed_consents,
    change_consent,
    change_contact,
    export_contact,
    redact_contact,
    tag_contact,
    untag_contact,
)
from admin.panel.base import PanelView, action, back, form, page, positive
from admin.panel.contacts.explanation import ContactExplanation
from admin.panel.contacts.facts import person_facts, tags_of
from admin.panel.contacts.imports import ContactImport
from admin.panel.contacts.mend_phones import PhoneMending
from admin.panel.contacts.merge import ContactMerge
from admin.panel.contacts.picker import ContactPicker
from admin.panel.order_steps import tell_steps
from models.billing.amount import show_milli
from models.contacts.field_values import PROFILE_FIELDS
from models.contacts.resolve import surviving_contact_id
from models.contacts.search import count_contacts, search_contacts
from models.contacts.tagging import not_deleted
from models.contacts.unclear_phones import has_unclear_phones
from models.conversions.explanation import explain_orders
from models.errors import OperatorError
from models.tables.contact import Consent, Contact
from models.tables.tag import Attribute, ContactList, Tag
from models.tables.user import Role

OWN_LABELS = {
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail",
    "language": "Language",
    "country": "Country",
    "time_zone": "Time zone",
}


class ContactView(ContactExplanation, ContactImport, ContactMerge, ContactPicker, PhoneMending, PanelView):
    """Pages of contacts."""

    icon = "contacts"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Search contacts, newest first, a page at a time."""
        filters = {name: request.args.get(name, "").strip()[:200] for name in ("q", "phone", "tag", "value", "consent")}
        consent = Consent(filters["consent"]) if filters["consent"] in set(Consent) else None
        list_id = positive("list") or None
        search: dict[str, Any] = {
            "text": filters["q"], "phone": filters["phone"], "tag": filters["tag"],
            "value": filters["value"] if filters["tag"] else "", "list_id": list_id, "consent": consent,
            "default_country": self.rt.settings.default_country,
        }  # fmt: skip
        after = positive("after") or None
        with self.rt.database.read() as session:
            result = search_contacts(session, after_id=after, **search)
            count = count_contacts(session, **search) if after is None else None
            has_unclear = has_unclear_phones(session)
            tags = tags_of(session, [contact.id for contact in result.contacts])
            lists = session.execute(
                select(ContactList.id, ContactList.name)
                .where(not_deleted(ContactList))
                .order_by(ContactList.name)
                .limit(500)
            ).all()
            names = list(session.scalars(select(Tag.name).where(not_deleted(Tag)).order_by(Tag.name).limit(500)))
        following = None
        if result.next_after_id is not None:
            arguments: dict[str, Any] = {name: text or None for name, text in filters.items()}
            following = url_for(".index", list=list_id, after=result.next_after_id, **arguments)
        return self.render(
            "panel/contacts.html", contacts=result.contacts, tags=tags, count=count, asked=filters, list_id=list_id,
            lists=[(row.id, row.name) for row in lists], tag_names=names, following=following, after=after,
            consents=[(consent.value, consent.value.replace("_", " ").capitalize()) for consent in Consent],
            is_filtered=any(filters.values()) or list_id, has_unclear=has_unclear,
        )  # fmt: skip

    @page("/<int:contact_id>/")
    def show(self, contact_id: int) -> ResponseReturnValue:
        """The page of a contact; a merged one redirects to the contact that remains."""
        with self.rt.database.read() as session:
            contact = session.get(Contact, contact_id)
            if contact is None:
                abort(404)
            if contact.merged_into_id is not None:
                return redirect(url_for(".show", contact_id=surviving_contact_id(session, contact_id)))
            facts = person_facts(session, contact)
            explained = explain_orders(session, [order.id for order in facts["orders"].newest])
        zone = self.rt.settings.time_zone
        attributed = {key: (order, tell_steps(order.steps, zone)) for key, order in explained.items()}
        return self.render(
            "panel/contact.html",
            contact=contact,
            own=OWN_LABELS,
            allowed=allowed_consents(contact),
            money=_money,
            attributed=attributed,
            **facts,
        )

    @form("/new", Role.MANAGER)
    def new(self) -> ResponseReturnValue:
        """Add a contact."""
        values = request.form.to_dict() if request.method == "POST" else {}
        errors: dict[str, str] = {}
        if request.method == "POST":
            columns = {
                name: values.get(name, "")
                for name in ("phone", "name", "language", "consent", "consent_source", "tags")
            }
            try:
                contact_id = add_contact(self.rt, columns, self.me.email)
            except OperatorError as error:
                errors = _by_field(str(error))
            else:
                flash("Added.", "good")
                return back(".show", contact_id=contact_id)
        consents = [
            (consent.value, consent.value.replace("_", " ").capitalize())
            for consent in Consent
            if consent != Consent.REDACTED
        ]
        shown = self.render("panel/contact_new.html", given=values, errors=errors, consents=consents)
        return shown, 400 if errors else 200

    @form("/<int:contact_id>/edit", Role.MANAGER)
    def edit(self, contact_id: int) -> ResponseReturnValue:
        """Change profile fields and attributes."""
        with self.rt.database.read() as session:
            contact = session.get(Contact, contact_id)
            attributes = list(session.scalars(select(Attribute).order_by(Attribute.name).limit(200)))
        if contact is None or contact.merged_into_id is not None or contact.redacted_at is not None:
            abort(404)
        fields = {name: getattr(contact, name) or "" for name in OWN_LABELS}
        fields |= {f"attribute-{row.id}": contact.attributes.get(row.name, "") for row in attributes}
        errors: dict[str, str] = {}
        if request.method == "POST":
            fields = {name: request.form.get(name, "") for name in fields}
            names = {f"attribute-{row.id}": row.name for row in attributes}
            try:
                values = {names.get(field, field): text for field, text in fields.items()}
                change_contact(self.rt, contact_id, values, self.me.email)
            except OperatorError as error:
                fields = {name: field for field, name in names.items()}
                errors = {fields.get(name, name): text for name, text in _by_field(str(error)).items()}
            else:
                flash("Saved.", "good")
                return back(".show", contact_id=contact_id)
        shown = self.render(
            "panel/contact_edit.html",
            contact=contact,
            given=fields,
            errors=errors,
            own=OWN_LABELS,
            attributes=attributes,
        )
        return shown, 400 if errors else 200

    @action("/<int:contact_id>/consent", Role.AGENT)
    def consent(self, contact_id: int) -> ResponseReturnValue:
        """Change the consent, within what an operator may change."""
        fields = request.form
        after = fields.get("consent", "")
        if after == Consent.SUBSCRIBED and not self.me.may(Role.MANAGER):
            abort(403)
        self.attempt(
            "Consent was changed, and the change is in the ledger.",
            lambda: change_consent(
                self.rt, contact_id, after, fields.get("source", ""), fields.get("proof", ""), self.me.email
            ),
        )
        return back(".show", contact_id=contact_id)

    @action("/<int:contact_id>/tag", Role.MANAGER)
    def tag(self, contact_id: int) -> ResponseReturnValue:
        """Add a tag to the contact."""
        name, value = request.form.get("tag", ""), request.form.get("value", "")
        self.attempt(None, lambda: tag_contact(self.rt, contact_id, name, value, self.me.email))
        return back(".show", contact_id=contact_id)

    @action("/<int:contact_id>/untag", Role.MANAGER)
    def untag(self, contact_id: int) -> ResponseReturnValue:
        """Remove a tag from the contact."""
        self.attempt(None, lambda: untag_contact(self.rt, contact_id, request.form.get("tag", ""), self.me.email))
        return back(".show", contact_id=contact_id)

    @page("/<int:contact_id>/person.json", Role.MANAGER)
    def person(self, contact_id: int) -> ResponseReturnValue:
        """Download everything that is stored about the contact as JSON."""
        try:
            data = export_contact(self.rt, contact_id, self.me.email)
        except OperatorError:
            abort(404)
        return Response(
            json.dumps(data, ensure_ascii=False, indent=2, default=str),
            mimetype="application/json",
            headers={"Content-Disposition": f'attachment; filename="contact-{contact_id}.json"'},
        )

    @action("/<int:contact_id>/redact", Role.ADMIN)
    def redact(self, contact_id: int) -> ResponseReturnValue:
        """Ask for confirmation, then redact the contact for good."""
        if request.form.get("confirmed") != "1":
            text = "Name, number, messages and all else known of this person are wiped, and no import brings them back."
            return self.render(
                "panel/confirm.html", title="Forget this person?", text=text, button="Forget for good", tone="danger",
                back=url_for(".show", contact_id=contact_id),
            )  # fmt: skip
        self.attempt(
            "Everything known of this person was wiped.", lambda: redact_contact(self.rt, contact_id, self.me.email)
        )
        return back(".index")


def _money(milli: int, currency: str) -> str:
    return f"{show_milli(milli)} {currency}"


def _by_field(line: str) -> dict[str, str]:
    field, separator, text = line.partition(": ")
    fields = {*PROFILE_FIELDS, "phone", "consent", "consent_source", "tags"}
    if separator and (field in fields or " " not in field):
        return {field: text[:1].upper() + text[1:]}
    return {"": line}
