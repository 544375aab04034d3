"""Shows, adds and describes tags."""

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from admin.operations.groups import add_tag, describe_merge, describe_tag, merge_tag
from admin.panel.audience.group_actions import GroupActions
from admin.panel.base import PAGE_ROWS, action, back, page, sentence
from models.contacts.tagging import not_deleted
from models.errors import OperatorError
from models.segments.merge_tags import find_duplicates
from models.tables.tag import ContactTag, Tag
from models.tables.user import Role


class TagView(GroupActions):
    """Pages of tags, the labels on contacts."""

    kind = "tag"

    icon = "tags"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Every tag, sorted by name, with its number of contacts; counted on the index that the audience uses."""
        after = request.args.get("after", "").replace("\x00", "")
        query = select(Tag).where(Tag.name > after, not_deleted(Tag)).order_by(Tag.name).limit(PAGE_ROWS + 1)
        with self.rt.database.read() as session:
            tags = list(session.scalars(query))
            ids = [tag.id for tag in tags[:PAGE_ROWS]]
            rows = session.execute(
                select(ContactTag.tag_id, func.count(), func.count(ContactTag.value))
                .where(ContactTag.tag_id.in_(ids))
                .group_by(ContactTag.tag_id)
            )
            counts = {tag_id: (everybody, with_value) for tag_id, everybody, with_value in rows}
            duplicates = [] if after else find_duplicates(session)
        following = url_for(".index", after=tags[PAGE_ROWS - 1].name) if len(tags) > PAGE_ROWS else None
        return self.render(
            "panel/tags.html",
            tags=tags[:PAGE_ROWS],
            counts=counts,
            following=following,
            after=after,
            duplicates=duplicates,
        )

    @action("/add", Role.MANAGER)
    def add(self) -> ResponseReturnValue:
        """Add a tag that no contact has yet."""
        name, text = request.form.get("name", ""), request.form.get("description", "")
        self.attempt("Added.", lambda: add_tag(self.rt, name, text, self.me.email))
        return back(".index")

    @action("/<int:tag_id>/describe", Role.MANAGER)
    def describe(self, tag_id: int) -> ResponseReturnValue:
        """Change the description."""
        text = request.form.get("description", "")
        self.attempt("Saved.", lambda: describe_tag(self.rt, tag_id, text, self.me.email))
        return back(".index")

    @action("/<int:tag_id>/merge/<int:merged_id>", Role.MANAGER)
    def merge(self, tag_id: int, merged_id: int) -> ResponseReturnValue:
        """Ask for confirmation, then make one tag of two whose names differ by case alone."""
        if request.form.get("confirmed") != "1":
            try:
                kept, merged, references = describe_merge(self.rt, tag_id, merged_id)
            except OperatorError as error:
                flash(sentence(error), "bad")
                return back(".index")
            named = f" From then on “{kept}” stands in {references}." if references else ""
            text = (
                f"Whoever carries “{merged}” carries “{kept}” instead.{named} Where somebody has a value for each, "
                f"that of “{kept}” stays, and the other one is kept on their page. It cannot be undone."
            )
            return self.render(
                "panel/confirm.html", title=f"Merge the tag “{merged}” into “{kept}”?", text=text, button="Merge",
                tone="danger", back=url_for(".index"),
            )  # fmt: skip
        self.attempt("Merged.", lambda: merge_tag(self.rt, tag_id, merged_id, self.me.email))
        return back(".index")
