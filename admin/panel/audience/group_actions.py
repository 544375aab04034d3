"""Renames and deletes tags, lists and segments, for the views of all three."""

from typing import ClassVar

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from admin.operations.groups import describe_deletion, remove, rename
from admin.panel.base import PanelView, action, back, sentence
from admin.panel.format import number
from models.errors import OperatorError
from models.segments.references import ReferenceKind
from models.tables.user import Role

STAYS = "Nobody is deleted with it: people stay, with all else that is known of them."


class GroupActions(PanelView):
    """The actions that the views of tags, lists and segments inherit."""

    kind: ClassVar[ReferenceKind]

    @action("/<int:group_id>/rename", Role.MANAGER)
    def rename(self, group_id: int) -> ResponseReturnValue:
        """Rename the group, and references to it in segments and in campaigns that have not ended."""
        name = request.form.get("name", "")
        self.attempt("Renamed.", lambda: rename(self.rt, self.kind, group_id, name, self.me.email))
        return back(".show", segment_id=group_id) if self.kind == "segment" else back(".index")

    @action("/<int:group_id>/delete", Role.MANAGER)
    def delete(self, group_id: int) -> ResponseReturnValue:
        """Ask for confirmation, with the number of members, then delete the group."""
        if request.form.get("confirmed") != "1":
            try:
                name, people = describe_deletion(self.rt, self.kind, group_id)
            except OperatorError as error:
                flash(sentence(error), "bad")
                return back(".index")
            return self.render(
                "panel/confirm.html", title=f"Delete the {self.kind} “{name}”?", text=self._deletion_text(people),
                button="Delete", tone="danger", back=url_for(".index"),
            )  # fmt: skip
        self.attempt("Deleted.", lambda: remove(self.rt, self.kind, group_id, self.me.email))
        return back(".index")

    def _deletion_text(self, people: int) -> str:
        if self.kind == "segment":
            return f"Its rule is deleted. {STAYS}"
        if people == 1:
            return f"1 person {'carries it' if self.kind == 'tag' else 'is on it'}. {STAYS}"
        return f"{number(people)} people {'carry it' if self.kind == 'tag' else 'are on it'}. {STAYS}"
