"""Shows and edits attributes, the fields of contacts that an operator defines, each with a type and a default."""

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin.operations.attributes import add_attribute, attribute_name, change_attribute, delete_attribute
from admin.panel.base import PAGE_ROWS, PanelView, action, back, page, sentence
from models.errors import OperatorError
from models.tables.tag import Attribute, AttributeType
from models.tables.user import Role

STAYS = "Values that people have stay with them, and count again if an attribute of that name is added."


class AttributeView(PanelView):
    """Pages of attributes."""

    icon = "attributes"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Every attribute, sorted by name, a page at a time."""
        after = request.args.get("after", "")
        query = select(Attribute).where(Attribute.name > after).order_by(Attribute.name).limit(PAGE_ROWS + 1)
        with self.rt.database.read() as session:
            attributes = list(session.scalars(query))
        following = url_for(".index", after=attributes[PAGE_ROWS - 1].name) if len(attributes) > PAGE_ROWS else None
        types = [kind.value for kind in AttributeType]
        return self.render(
            "panel/attributes.html", attributes=attributes[:PAGE_ROWS], types=types, following=following, after=after
        )

    @action("/add", Role.MANAGER)
    def add(self) -> ResponseReturnValue:
        """Add an attribute."""
        fields = request.form
        name, kind, default = fields.get("name", ""), fields.get("type", ""), fields.get("default", "")
        self.attempt("Added.", lambda: add_attribute(self.rt, name, kind, default, self.me.email))
        return back(".index")

    @action("/<int:attribute_id>/change", Role.MANAGER)
    def change(self, attribute_id: int) -> ResponseReturnValue:
        """Change the default or the type."""
        kind, default = request.form.get("type"), request.form.get("default")
        self.attempt("Saved.", lambda: change_attribute(self.rt, attribute_id, kind, default, self.me.email))
        return back(".index")

    @action("/<int:attribute_id>/delete", Role.MANAGER)
    def delete(self, attribute_id: int) -> ResponseReturnValue:
        """Ask for confirmation, then delete the attribute."""
        if request.form.get("confirmed") != "1":
            try:
                name = attribute_name(self.rt, attribute_id)
            except OperatorError as error:
                flash(sentence(error), "bad")
                return back(".index")
            return self.render(
                "panel/confirm.html", title=f"Delete the attribute “{name}”?", text=STAYS, button="Delete",
                tone="danger", back=url_for(".index"),
            )  # fmt: skip
        self.attempt("Deleted.", lambda: delete_attribute(self.rt, attribute_id, self.me.email))
        return back(".index")
