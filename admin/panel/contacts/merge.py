"""Making one record of two, from the page of either, and what that leaves behind."""

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
    """What the contacts' view inherits."""

    @action("/<int:contact_id>/merge", Role.MANAGER)
    def merge(self, contact_id: int) -> ResponseReturnValue:
        """Make one record of this one and another, once it was said which stays."""
        other = request.form.get("other", "")
        try:
            if request.form.get("confirmed") != "1":
                pair = preview_merge(self.rt, contact_id, other)
                return self.render(
                    "panel/contact_merge.html", pair=pair, kept=_called(pair.kept), merged=_called(pair.merged), other=other,
                    contact_id=contact_id, rows=_rows(pair), ids=_ids(pair),
                )  # fmt: skip
            contact_id = merge_by_phone(self.rt, contact_id, other, self.me.email)
        except OperatorError as error:
            flash(sentence(error), "bad")
        else:
            flash("The two are one record now.", "good")
        return back(".show", contact_id=contact_id)

    @action("/<int:contact_id>/former/<int:former_id>/release", Role.MANAGER)
    def release(self, contact_id: int, former_id: int) -> ResponseReturnValue:
        """A number that the person had before is somebody else's by now."""
        self.attempt(
            "The number does not lead to this person any more.",
            lambda: release_number_alias(self.rt, contact_id, former_id, self.me.email),
        )
        return back(".show", contact_id=contact_id)


def label_of(kind: AliasKind, name: str) -> str:
    """What a former value was a value of, as the page says it."""
    return LABELS.get(name, name) if kind is AliasKind.FIELD else name


def before_the_merge(values: list[MergedValue]) -> dict[str, list[str]]:
    """What the records of a person said before, by what it was said of."""
    found: dict[str, list[str]] = {}
    for row in values:
        found.setdefault(label_of(row.kind, row.name), []).append(row.value)
    return found


def _rows(pair: MergePreview) -> list[tuple[str, str, str]]:
    """(what, what stays, what is kept as former), where both say something."""
    return [(label_of(kind, name), str(kept), str(value)) for kind, name, value, kept in pair.leftovers.values]


def _ids(pair: MergePreview) -> list[str]:
    """What leads to the person besides their number."""
    phone = pair.kept.phone or pair.merged.phone
    return [it.shown for it in pair.leftovers.ids.values() if it.shown != phone]


def _called(contact: Contact) -> str:
    return ", ".join(filter(None, (contact.name, contact.phone))) or f"record {contact.id}"
