"""Making one record of two, from the page of either."""

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from admin.merging import Pair, look_at_pair, merge_by_hand
from admin.panel.base import EXPECTED, PanelView, action, back, sentence
from models.contact import Contact
from models.user import Role


class ContactMerge(PanelView):
    """What the contacts' view inherits."""

    @action("/<int:contact_id>/merge", Role.MANAGER)
    def merge(self, contact_id: int) -> ResponseReturnValue:
        """Make one record of this one and another, once it was said which stays."""
        other = request.form.get("other", "")
        try:
            if request.form.get("confirmed") != "1":
                pair = look_at_pair(self.rt, contact_id, other)
                return self.render(
                    "panel/confirm.html", title="Make one record of the two?", text=_of_two(pair), button="Merge for good",
                    tone="danger", back=url_for(".show", contact_id=contact_id),
                )  # fmt: skip
            contact_id = merge_by_hand(self.rt, contact_id, other, self.me.email)
        except EXPECTED as error:
            flash(sentence(error), "bad")
        else:
            flash("The two are one record now.", "good")
        return back(".show", contact_id=contact_id)


def _of_two(pair: Pair) -> str:
    kept, merged = (_called(record) for record in (pair.kept, pair.merged))
    lost = f" Its phone is {pair.kept.phone}; {pair.merged.phone} is dropped." if _has_two_phones(pair) else ""
    return (
        f"“{merged}” becomes a part of “{kept}”: tags, lists, attributes, orders, chats and campaigns are kept. Where both say "
        f"something, “{kept}” counts; who left on either record has left.{lost} It cannot be undone."
    )


def _has_two_phones(pair: Pair) -> bool:
    return bool(pair.kept.phone and pair.merged.phone and pair.kept.phone != pair.merged.phone)


def _called(contact: Contact) -> str:
    return ", ".join(filter(None, (contact.name, contact.phone))) or f"record {contact.id}"
