"""Tags, lists and segments: how contacts are grouped."""

import tempfile
from pathlib import Path, PurePath
from typing import Any

from flask import abort, flash, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from admin.groups import add_tag, describe_tag
from admin.panel.base import EXPECTED, PAGE_ROWS, action, back, form, page, positive, sentence
from admin.panel.group_actions import GroupActions
from admin.panel.rule_form import KINDS, empty_rule, groups_of, read_groups
from admin.panel.rule_words import rule_in_words
from admin.segments import put_segment
from jobs.import_reader import BadFile
from jobs.imports import add_to_list
from models.clock import utcnow
from models.contact import Consent
from models.groups import there_still
from models.refusal import Refused
from models.rule import parse_rule
from models.rule_sql import count_matching
from models.rule_terms import MONEY, OPERATORS
from models.segment import Segment
from models.segments import count_each, sample_matching
from models.tag import Attribute, ContactList, ContactTag, ListMember, Tag
from models.user import Role, record_audit

MOST_BYTES = 60 * 1024 * 1024


class TagView(GroupActions):
    """Labels on contacts."""

    kind = "tag"

    icon = "tags"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Every tag, by name; counted by the index that the audience uses."""
        after = request.args.get("after", "")
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


class SegmentView(GroupActions):
    """Stored rules."""

    kind = "segment"

    icon = "segments"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Every segment, in words."""
        with self.rt.database.read() as session:
            segments = list(session.scalars(select(Segment).order_by(Segment.name).limit(500)))
        return self.render("panel/segments.html", segments=[(it, rule_in_words(it.rule)) for it in segments])

    @page("/<int:segment_id>/")
    def show(self, segment_id: int) -> ResponseReturnValue:
        """One segment: who matches now, and how many match each condition."""
        with self.rt.database.read() as session:
            segment = session.get(Segment, segment_id)
            if segment is None:
                abort(404)
            problem, count, sample, each = None, 0, [], []
            try:
                rule = parse_rule(session, segment.rule, inside=(segment.name,))
                count, sample = count_matching(session, rule, utcnow()), sample_matching(session, rule, utcnow())
                each = count_each(session, rule, utcnow())
            except Refused as error:
                problem = sentence(error)
        return self.render(
            "panel/segment.html", segment=segment, words_of_rule=rule_in_words(segment.rule), count=count, sample=sample,
            each=each, problem=problem,
        )  # fmt: skip

    @form("/new", Role.MANAGER)
    def new(self) -> ResponseReturnValue:
        """Build one."""
        return self._form("", empty_rule(), None)

    @form("/<int:segment_id>/edit", Role.MANAGER)
    def edit(self, segment_id: int) -> ResponseReturnValue:
        """Change its rule; its name is changed on its page."""
        with self.rt.database.read() as session:
            segment = session.get(Segment, segment_id)
        if segment is None:
            abort(404)
        return self._form(segment.name, segment.rule, segment)

    def _form(self, name: str, rule: Any, segment: Segment | None) -> ResponseReturnValue:
        error, status = None, 200
        groups = groups_of(rule)
        if request.method == "POST":
            name = segment.name if segment else request.form.get("name", "")
            groups = read_groups(request.form)
            if not request.form.get("refresh"):
                try:
                    if not any(groups):
                        raise Refused("Add at least one condition.")
                    saved = put_segment(
                        self.rt, name, {"any": [{"all": group} for group in groups if group]}, self.me.email
                    )
                except EXPECTED as problem:
                    error, status = sentence(problem), 400
                else:
                    flash("Saved.", "good")
                    return back(".show", segment_id=saved.id)
        with self.rt.database.read() as session:
            names = {
                "tag": list(session.scalars(select(Tag.name).where(there_still(Tag)).order_by(Tag.name).limit(500))),
                "attribute": list(session.scalars(select(Attribute.name).order_by(Attribute.name).limit(500))),
                "list": list(
                    session.scalars(
                        select(ContactList.name).where(there_still(ContactList)).order_by(ContactList.name).limit(500)
                    )
                ),
                "segment": list(
                    session.scalars(select(Segment.name).where(Segment.name != name).order_by(Segment.name))
                ),
            }
        shown = self.render(
            "panel/segment_form.html", segment=segment, given_name=name, groups=groups, error=error, kinds=KINDS,
            operators=OPERATORS, money=MONEY, names=names, consents=[consent.value for consent in Consent],
        )  # fmt: skip
        return shown, status
