"""Merges two contacts from the page of either, and shows the former values that a merge keeps."""

from flask import flash, request
from flask.typing import ResponseReturnValue

from admin.operations.contact_merge import MergePreview, merge_by_phone, preview_merge, release_number_alias
from admin.panel.base import PanelView, action, back, sentence
from models.errors import OperatorError
from models.tables.contact import Contact
from models.tables.contact_alias import AliasKind, MergedValue
from models.tables.user import Role

LABELS = {
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail",
    "username": "Username",
    "language": "Language",
    "country": "Country",
    "time_zone": "Time zone",
}


class ContactMerge(PanelView):
    """The merge actions that the view of contacts inherits."""

    @action("/<int:contact_id>/merge", Role.MANAGER)
    def merge(self, contact_id: int) -> ResponseReturnValue:
        """Show which contact remains, then merge the two."""
        other = request.form.get("other", "")
        try:
            if request.form.get("confirmed") != "1":
                pair = preview_merge(self.rt, contact_id, other)
                return self.render(
                    "panel/contact_merge.html", pair=pair, kept=_display_name(pair.winner), merged=_display_name(pair.loser),
                    other=other, contact_id=contact_id, rows=_rows(pair), ids=_ids(pair),
                )  # fmt: skip
            contact_id = merge_by_phone(self.rt, contact_id, other, self.me.email)
        except OperatorError as error:
            flash(sentence(error), "bad")
        else:
            flash("The two are one record now.", "good")
        return back(".show", contact_id=contact_id)

    @action("/<int:contact_id>/former/<int:alias_id>/release", Role.MANAGER)
    def release(self, contact_id: int, alias_id: int) -> ResponseReturnValue:
        """Remove a former number that belongs to somebody else now."""
        self.attempt(
            "The number does not lead to this person any more.",
            lambda: release_number_alias(self.rt, contact_id, alias_id, self.me.email),
        )
        return back(".show", contact_id=contact_id)


def value_label(kind: AliasKind, name: str) -> str:
    """The label of the field, attribute or tag of which a merged contact had another value."""
    return LABELS.get(name, name) if kind is AliasKind.FIELD else name


def values_before_merge(values: list[MergedValue]) -> dict[str, list[str]]:
    """The values that merged contacts had, by label."""
    values_by_label: dict[str, list[str]] = {}
    for row in values:
        values_by_label.setdefault(value_label(row.kind, row.name), []).append(row.value)
    return values_by_label


def _rows(pair: MergePreview) -> list[tuple[str, str, str]]:
    """(label, value that remains, former value), where both contacts have one."""
    return [
        (value_label(kind, name), str(current), str(former)) for kind, name, former, current in pair.leftovers.values
    ]


def _ids(pair: MergePreview) -> list[str]:
    """The ids that lead to the contact besides its phone."""
    phone = pair.winner.phone or pair.loser.phone
    return [identifier.shown for identifier in pair.leftovers.ids.values() if identifier.shown != phone]


def _display_name(contact: Contact) -> str:
    return ", ".join(filter(None, (contact.name, contact.phone))) or f"record {contact.id}"
