"""Tags and lists: how contacts are grouped by hand."""

import tempfile
from pathlib import Path, PurePath

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from admin.groups import add_tag, describe_tag
from admin.panel.base import EXPECTED, PAGE_ROWS, action, back, page, positive, sentence
from admin.panel.group_actions import GroupActions
from jobs.import_reader import BadFile
from jobs.imports import add_to_list
from models.clock import utcnow
from models.groups import there_still
from models.tag import ContactList, ContactTag, ListMember, Tag
from models.user import Role, record_audit

MOST_BYTES = 60 * 1024 * 1024


class TagView(GroupActions):
    """Labels on contacts."""

    kind = "tag"

    icon = "tags"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Every tag, by name; counted by the index that the audience uses."""
        after = request.args.get("after", "").replace("\x00", "")
        query = select(Tag).where(Tag.name > after, there_still(Tag)).order_by(Tag.name).limit(PAGE_ROWS + 1)
        with self.rt.database.read() as session:
            tags = list(session.scalars(query))
            ids = [tag.id for tag in tags[:PAGE_ROWS]]
            rows = session.execute(
                select(ContactTag.tag_id, func.count(), func.count(ContactTag.value))
                .where(ContactTag.tag_id.in_(ids))
                .group_by(ContactTag.tag_id)
            )
            counts = {tag_id: (everybody, with_value) for tag_id, everybody, with_value in rows}
        following = url_for(".index", after=tags[PAGE_ROWS - 1].name) if len(tags) > PAGE_ROWS else None
        return self.render("panel/tags.html", tags=tags[:PAGE_ROWS], counts=counts, following=following, after=after)

    @action("/add", Role.MANAGER)
    def add(self) -> ResponseReturnValue:
        """A tag that nobody has yet."""
        name, text = request.form.get("name", ""), request.form.get("description", "")
        self.attempt("Added.", lambda: add_tag(self.rt, name, text, self.me.email))
        return back(".index")

    @action("/<int:tag_id>/describe", Role.MANAGER)
    def describe(self, tag_id: int) -> ResponseReturnValue:
        """What it is for."""
        text = request.form.get("description", "")
        self.attempt("Saved.", lambda: describe_tag(self.rt, tag_id, text, self.me.email))
        return back(".index")


class ListView(GroupActions):
    """Static sets of contacts."""

    kind = "list"

    icon = "lists"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Every list with its size."""
        after = positive("after")
        query = (
            select(ContactList)
            .where(ContactList.id > after, there_still(ContactList))
            .order_by(ContactList.id)
            .limit(PAGE_ROWS + 1)
        )
        with self.rt.database.read() as session:
            lists = list(session.scalars(query))
            ids = [it.id for it in lists[:PAGE_ROWS]]
            sizes = session.execute(
                select(ListMember.list_id, func.count()).where(ListMember.list_id.in_(ids)).group_by(ListMember.list_id)
            )
            counts = dict(sizes.all())
        following = url_for(".index", after=lists[PAGE_ROWS - 1].id) if len(lists) > PAGE_ROWS else None
        return self.render("panel/lists.html", lists=lists[:PAGE_ROWS], counts=counts, following=following, after=after)

    @action("/add", Role.MANAGER)
    def add(self) -> ResponseReturnValue:
        """Make a list, or add to it, from a file with a column of phones."""
        name, upload = request.form.get("name", ""), request.files.get("file")
        if upload is None or not upload.filename:
            flash("Choose a file with a column phone.", "bad")
            return back(".index")
        file_name = PurePath(upload.filename.replace("\\", "/")).name[-100:] or "file"
        with tempfile.TemporaryDirectory(prefix="hark-") as directory:
            path = Path(directory) / file_name
            content = upload.stream.read(MOST_BYTES + 1)
            if len(content) > MOST_BYTES:
                flash(f"{file_name} is larger than {MOST_BYTES // 1024**2} MB; cut it into several files.", "bad")
                return back(".index")
            path.write_bytes(content)
            try:
                result = add_to_list(self.rt, name, path)
            except (*EXPECTED, BadFile) as error:
                flash(sentence(error), "bad")
                return back(".index")
        with self.rt.database.write() as session:
            record_audit(session, utcnow(), self.me.email, "fill", "list", result.id, added=result.added)
        flash(f"{result.added} added, {result.already} were on it, {len(result.refused)} refused.", "good")
        for refusal in result.refused[:10]:
            flash(f"Line {refusal['line']}: {refusal['reason']}", "warn")
        return back(".index")
