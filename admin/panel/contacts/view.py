"""Contacts: search, one person's page, adding and changing."""

import json
from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

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
from admin.panel.contacts.imports import ContactImport
from admin.panel.contacts.merge import ContactMerge, before_the_merge
from admin.panel.contacts.picker import ContactPicker
from models.billing.amount import MICRO, show_amount
from models.clock import utcnow
from models.contacts.aliases import aliases_of, merged_values_of
from models.contacts.field_values import PROFILE_FIELDS
from models.contacts.resolve import surviving_contact_id
from models.contacts.search import count_contacts, search_contacts
from models.contacts.tagging import not_deleted
from models.errors import OperatorError
from models.shop.orders import load_orders
from models.tables.campaign import Campaign
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.conversation import Case, Conversation
from models.tables.engagement import Engagement
from models.tables.order import MILLI
from models.tables.recipient import Recipient
from models.tables.tag import Attribute, ContactList, ContactTag, ListMember, Tag
from models.tables.user import Role

MAX_ROWS = 50
OWN_LABELS = {
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail",
    "language": "Language",
    "country": "Country",
    "time_zone": "Time zone",
}


class ContactView(ContactImport, ContactMerge, ContactPicker, PanelView):
    """Everybody we know."""

    icon = "contacts"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Search, newest first, by key."""
        asked = {name: request.args.get(name, "").strip()[:200] for name in ("q", "phone", "tag", "value", "consent")}
        consent = Consent(asked["consent"]) if asked["consent"] in set(Consent) else None
        list_id = positive("list") or None
        search: dict[str, Any] = {
            "text": asked["q"], "phone": asked["phone"], "tag": asked["tag"], "value": asked["value"] if asked["tag"] else "",
            "list_id": list_id, "consent": consent, "default_country": self.rt.settings.default_country,
        }  # fmt: skip
        after = positive("after") or None
        with self.rt.database.read() as session:
            found = search_contacts(session, after_id=after, **search)
            count = count_contacts(session, **search) if after is None else None
            tags = _tags_of(session, [contact.id for contact in found.contacts])
            lists = session.execute(
                select(ContactList.id, ContactList.name)
                .where(not_deleted(ContactList))
                .order_by(ContactList.name)
                .limit(500)
            ).all()
            names = list(session.scalars(select(Tag.name).where(not_deleted(Tag)).order_by(Tag.name).limit(500)))
        following = None
        if found.next_after_id is not None:
            arguments: dict[str, Any] = {name: text or None for name, text in asked.items()}
            following = url_for(".index", list=list_id, after=found.next_after_id, **arguments)
        return self.render(
            "panel/contacts.html", contacts=found.contacts, tags=tags, count=count, asked=asked, list_id=list_id,
            lists=[(row.id, row.name) for row in lists], tag_names=names, following=following, after=after,
            consents=[(consent.value, consent.value.replace("_", " ").capitalize()) for consent in Consent],
            is_filtered=any(asked.values()) or list_id,
        )  # fmt: skip

    @page("/<int:contact_id>/")
    def show(self, contact_id: int) -> ResponseReturnValue:
        """One person."""
        with self.rt.database.read() as session:
            contact = session.get(Contact, contact_id)
            if contact is None:
                abort(404)
            if contact.merged_into_id is not None:
                return redirect(url_for(".show", contact_id=surviving_contact_id(session, contact_id)))
            facts = _facts(session, contact)
        return self.render(
            "panel/contact.html",
            contact=contact,
            own=OWN_LABELS,
            allowed=allowed_consents(contact),
            money=_money,
            **facts,
        )

    @form("/new", Role.MANAGER)
    def new(self) -> ResponseReturnValue:
        """Add one person."""
        given = request.form.to_dict() if request.method == "POST" else {}
        errors: dict[str, str] = {}
        if request.method == "POST":
            columns = {
                name: given.get(name, "") for name in ("phone", "name", "language", "consent", "consent_source", "tags")
            }
            try:
                contact_id = add_contact(self.rt, columns, self.me.email)
            except OperatorError as error:
                errors = _by_field(str(error))
            else:
                flash("Added.", "good")
                return back(".show", contact_id=contact_id)
        consents = [
            (value.value, value.value.replace("_", " ").capitalize()) for value in Consent if value != Consent.REDACTED
        ]
        shown = self.render("panel/contact_new.html", given=given, errors=errors, consents=consents)
        return shown, 400 if errors else 200

    @form("/<int:contact_id>/edit", Role.MANAGER)
    def edit(self, contact_id: int) -> ResponseReturnValue:
        """What is known of a person."""
        with self.rt.database.read() as session:
            contact = session.get(Contact, contact_id)
            attributes = list(session.scalars(select(Attribute).order_by(Attribute.name).limit(200)))
        if contact is None or contact.merged_into_id is not None or contact.redacted_at is not None:
            abort(404)
        given = {name: getattr(contact, name) or "" for name in OWN_LABELS}
        given |= {f"attribute-{row.id}": contact.attributes.get(row.name, "") for row in attributes}
        errors: dict[str, str] = {}
        if request.method == "POST":
            given = {name: request.form.get(name, "") for name in given}
            names = {f"attribute-{row.id}": row.name for row in attributes}
            try:
                values = {names.get(field, field): text for field, text in given.items()}
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
            given=given,
            errors=errors,
            own=OWN_LABELS,
            attributes=attributes,
        )
        return shown, 400 if errors else 200

    @action("/<int:contact_id>/consent", Role.AGENT)
    def consent(self, contact_id: int) -> ResponseReturnValue:
        """Change consent, as far as an operator's word allows."""
        given = request.form
        after = given.get("consent", "")
        if after == Consent.SUBSCRIBED and not self.me.may(Role.MANAGER):
            abort(403)
        self.attempt(
            "Consent was changed, and the change is in the ledger.",
            lambda: change_consent(
                self.rt, contact_id, after, given.get("source", ""), given.get("proof", ""), self.me.email
            ),
        )
        return back(".show", contact_id=contact_id)

    @action("/<int:contact_id>/tag", Role.MANAGER)
    def tag(self, contact_id: int) -> ResponseReturnValue:
        """Put a tag on."""
        name, value = request.form.get("tag", ""), request.form.get("value", "")
        self.attempt(None, lambda: tag_contact(self.rt, contact_id, name, value, self.me.email))
        return back(".show", contact_id=contact_id)

    @action("/<int:contact_id>/untag", Role.MANAGER)
    def untag(self, contact_id: int) -> ResponseReturnValue:
        """Take a tag off."""
        self.attempt(None, lambda: untag_contact(self.rt, contact_id, request.form.get("tag", ""), self.me.email))
        return back(".show", contact_id=contact_id)

    @page("/<int:contact_id>/person.json", Role.MANAGER)
    def person(self, contact_id: int) -> ResponseReturnValue:
        """Everything that is kept of one person, for whoever asks what that is."""
        try:
            found = export_contact(self.rt, contact_id, self.me.email)
        except OperatorError:
            abort(404)
        return Response(
            json.dumps(found, ensure_ascii=False, indent=2, default=str),
            mimetype="application/json",
            headers={"Content-Disposition": f'attachment; filename="contact-{contact_id}.json"'},
        )

    @action("/<int:contact_id>/redact", Role.ADMIN)
    def redact(self, contact_id: int) -> ResponseReturnValue:
        """Forget a person for good."""
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


def _tags_of(session: Session, contact_ids: list[int]) -> dict[int, list[Any]]:
    rows = session.execute(
        select(ContactTag.contact_id, Tag.name, ContactTag.value)
        .join(Tag, Tag.id == ContactTag.tag_id)
        .where(ContactTag.contact_id.in_(contact_ids), not_deleted(Tag))
        .order_by(Tag.name)
    )
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.contact_id, []).append(row)
    return found


def _facts(session: Session, contact: Contact) -> dict[str, Any]:
    mine = contact.id
    campaigns = (
        select(Recipient, Campaign.name, Campaign.kind)
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .where(Recipient.contact_id == mine, Campaign.deleted_at.is_(None))
        .order_by(Recipient.id.desc())
        .limit(MAX_ROWS)
    )
    engaged = select(Campaign.id, Campaign.name).join(Engagement).where(Engagement.person_key == contact.person_key)
    talks = select(Conversation).where(Conversation.contact_id == mine).options(joinedload(Conversation.number))
    return {
        "tags": _tags_of(session, [mine]).get(mine, []),
        "tag_names": list(session.scalars(select(Tag.name).where(not_deleted(Tag)).order_by(Tag.name).limit(500))),
        "lists": session.execute(
            select(ContactList.id, ContactList.name)
            .join(ListMember)
            .where(ListMember.contact_id == mine, not_deleted(ContactList))
        ).all(),
        "ledger": list(
            session.scalars(
                select(ConsentEvent)
                .where(ConsentEvent.contact_id == mine)
                .order_by(ConsentEvent.id.desc())
                .limit(MAX_ROWS)
            )
        ),
        "campaigns": session.execute(campaigns).all(),
        "engaged": session.execute(engaged).first(),
        "conversations": list(session.scalars(talks.order_by(Conversation.last_message_at.desc()))),
        "orders": load_orders(session, mine, MAX_ROWS),
        "found_by": [row for row in aliases_of(session, mine) if row.shown != contact.phone],
        "before_merge": before_the_merge(merged_values_of(session, mine)),
        "open_case": session.scalar(select(Case).where(Case.contact_id == mine, Case.closed_at.is_(None))),
        "now": utcnow(),
    }


def _money(milli: int, currency: str) -> str:
    return f"{show_amount(milli * (MICRO // MILLI))} {currency}"


def _by_field(line: str) -> dict[str, str]:
    field, separator, text = line.partition(": ")
    known = {*PROFILE_FIELDS, "phone", "consent", "consent_source", "tags"}
    if separator and (field in known or " " not in field):
        return {field: text[:1].upper() + text[1:]}
    return {"": line}
