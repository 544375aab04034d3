"""Shows segments and who matches them, and edits their rules in a form."""

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, jsonify, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.operations.segments import put_segment
from admin.panel.audience.group_actions import GroupActions
from admin.panel.audience.match_count import ASK_SECONDS, PAGE_SECONDS, Matches, condition_counts, count_matches
from admin.panel.audience.rule_campaigns import campaign_choices, campaign_label, campaign_names, find_campaign
from admin.panel.audience.rule_form import (
    KINDS,
    Row,
    as_rule,
    is_day,
    missing_input,
    read_rows,
    rows_from_rule,
    set_operators,
)
from admin.panel.audience.rule_text import OPS, describe_rule
from admin.panel.base import action, back, form, page, sentence
from admin.panel.labels import NOT_SENT
from models.contacts.tagging import not_deleted
from models.errors import OperatorError
from models.segments.campaign_people import FIGURE_NAMES
from models.segments.operators import MONEY
from models.segments.rule import parse_rule
from models.tables.contact import Consent
from models.tables.segment import Segment
from models.tables.tag import Attribute, ContactList, Tag
from models.tables.user import Role

MAX_NAMES = 500
Rows = Sequence[Sequence[Row]]


class SegmentView(GroupActions):
    """Pages of segments, the stored rules."""

    kind = "segment"

    icon = "segments"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Every segment, described in sentences."""
        with self.rt.database.read() as session:
            segments = list(session.scalars(select(Segment).order_by(Segment.name).limit(MAX_NAMES)))
            campaigns = campaign_names(session, [segment.rule for segment in segments])
        segment_texts = [(segment, describe_rule(segment.rule, campaigns)) for segment in segments]
        return self.render("panel/segments.html", segments=segment_texts)

    @page("/<int:segment_id>/")
    def show(self, segment_id: int) -> ResponseReturnValue:
        """A segment: who matches now, and how many match each condition."""
        problem, matches = None, None
        with self.rt.database.read() as session:
            segment = _segment(session, segment_id)
            rows, campaigns = rows_from_rule(segment.rule), campaign_names(session, [segment.rule])
            try:
                matches = count_matches(session, rows, segment.name, "", PAGE_SECONDS)
            except OperatorError as error:
                problem = sentence(error)
        return self.render(
            "panel/segment.html", segment=segment, words_of_rule=describe_rule(segment.rule, campaigns), matches=matches,
            counts=condition_counts(matches.tally, rows) if matches else {}, problem=problem,
        )  # fmt: skip

    @page("/<int:segment_id>/live")
    def recount(self, segment_id: int) -> ResponseReturnValue:
        """The next slice of the count of a stored rule, as JSON."""
        with self.rt.database.read() as session:
            segment = _segment(session, segment_id)
            rows = rows_from_rule(segment.rule)
            return _count_response(session, rows, segment.name, request.args.get("state", ""))

    @action("/count", Role.MANAGER)
    def count(self) -> ResponseReturnValue:
        """The next slice of the count of the rule in the form, as JSON."""
        rows = read_rows(request.form)
        with self.rt.database.read() as session:
            name = request.form.get("segment", "")
            _check(session, rows, name)
            return _count_response(session, rows, name, request.form.get("state", ""))

    @form("/new", Role.MANAGER)
    def new(self) -> ResponseReturnValue:
        """Build a segment."""
        return self._form(None)

    @form("/<int:segment_id>/edit", Role.MANAGER)
    def edit(self, segment_id: int) -> ResponseReturnValue:
        """Change the rule; the name is changed on the page of the segment."""
        with self.rt.database.read() as session:
            return self._form(_segment(session, segment_id))

    def _form(self, segment: Segment | None) -> ResponseReturnValue:
        is_sent = request.method == "POST"
        rows = read_rows(request.form) if is_sent else rows_from_rule(segment.rule) if segment else []
        name = segment.name if segment else request.form.get("name", "")
        is_saved = is_sent and not any(request.form.get(button) for button in ("refresh", "drop", "count"))
        with self.rt.database.read() as session:
            if not is_saved:
                _set_operators(session, rows)
            _check(session, rows, name)
        error = None
        if is_saved:
            try:
                return self._save(name, rows, is_new=segment is None)
            except OperatorError as problem:
                error = sentence(problem)
        return self._render_form(segment, name, rows, error), 400 if error else 200

    def _save(self, name: str, rows: Rows, *, is_new: bool) -> ResponseReturnValue:
        if not any(rows):
            raise OperatorError("Add at least one condition.")
        if any(row.problem for group in rows for row in group):
            raise OperatorError("Nothing is saved yet: look at the marked conditions.")
        saved = put_segment(self.rt, name, as_rule(rows), self.me.email, replaces=not is_new)
        flash("Saved.", "good")
        return back(".show", segment_id=saved.id)

    def _render_form(self, segment: Segment | None, name: str, rows: Rows, error: str | None) -> str:
        matches = None
        with self.rt.database.read() as session:
            _set_operators(session, rows)
            for row in (row for group in rows for row in group if row.is_open and not error):
                row.problem = ""
            if request.form.get("count"):
                try:
                    matches = count_matches(session, rows, name, "", 2 * ASK_SECONDS)
                except OperatorError as problem:
                    error = sentence(problem)
            names = _names(session, segment.name if segment else "")
            campaigns = {
                key: campaign_label(key, title) for key, title in campaign_names(session, [as_rule(rows)]).items()
            }
            offers = campaign_choices(session)
        counts = condition_counts(matches.tally, rows) if matches else {}
        for row in (row for group in rows for row in group):
            row.count = counts.get(row.field, "")
        return self.render(
            "panel/segment_form.html", segment=segment, given_name=name, groups=rows, error=error, kinds=KINDS, said=OPS,
            money=MONEY, names=names, consents=list(Consent), campaigns=campaigns, offers=offers, is_day=is_day,
            matches=matches, figures=[(figure.value, name) for figure, name in FIGURE_NAMES.items()],
            reasons=[(reason.value, text) for reason, text in NOT_SENT.items()],
        )  # fmt: skip


def _segment(session: Session, segment_id: int) -> Segment:
    segment = session.get(Segment, segment_id)
    if segment is None:
        abort(404)
    return segment


def _check(session: Session, rows: Rows, name: str) -> None:
    """Set the problem of each condition that cannot be read, and replace typed campaign names by ids."""
    for row in (row for group in rows for row in group):
        if isinstance(text := row.item.get("campaign"), str):
            row.item["campaign"] = find_campaign(session, text)
        row.problem = missing_input(row.item)
        row.is_open = bool(row.problem)
        if isinstance(row.item.get("campaign"), str):
            row.problem = f"There is no launched campaign “{row.item['campaign'][:60]}”. Choose one from the list."
        if row.problem:
            continue
        try:
            parse_rule(session, {"all": [row.item]}, inside=(name,) if name else ())
        except OperatorError as error:
            row.problem = sentence(str(error).removeprefix("all[0]: "))


def _set_operators(session: Session, rows: Rows) -> None:
    types = dict(session.execute(select(Attribute.name, Attribute.type)).all())
    for row in (row for group in rows for row in group):
        set_operators(row, types)


def _count_response(session: Session, rows: Rows, name: str, state: str) -> ResponseReturnValue:
    try:
        matches: Matches = count_matches(session, rows, name, state, ASK_SECONDS)
    except OperatorError as error:
        message = Markup('<p class="wrong">{}</p>').format(sentence(error))
        return jsonify(parts={"matches": message}, counts={}, problems={}, state="", done=True)
    return jsonify(matches.answer(rows))


def _names(session: Session, name: str) -> dict[str, Any]:
    """The names that conditions can refer to, by kind."""
    queries = {
        "tag": select(Tag.name).where(not_deleted(Tag)).order_by(Tag.name),
        "attribute": select(Attribute.name).order_by(Attribute.name),
        "list": select(ContactList.name).where(not_deleted(ContactList)).order_by(ContactList.name),
        "segment": select(Segment.name).where(Segment.name != name).order_by(Segment.name),
    }
    return {kind: list(session.scalars(query.limit(MAX_NAMES))) for kind, query in queries.items()}
