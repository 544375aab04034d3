"""Renders the bot flows: the list, each version with its diagram, and the form that loads one."""

from flask import abort, flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from admin.operations.flows import (
    FlowNameTakenError,
    check_flow,
    choose_fallback,
    free_name,
    load_flow_file,
    roll_back_flow,
)
from admin.operations.money.flow_price import stored_flow_costs
from admin.panel.base import PanelView, action, back, form, page, positive
from admin.panel.flow_diagram import draw_flow
from models.db.dialect import literal_word
from models.errors import OperatorError
from models.tables.campaign import Campaign, CampaignKind
from models.tables.flow import Flow, FlowVersion
from models.tables.user import Role

MAX_BYTES = 400_000
EXAMPLE_NAME = "my_replies"
BEGINNING = """name: {name}
start: hello

nodes:
  hello:
    type: message
    step: greeted
    text: Thank you for writing, {first_name|there}! Shall somebody call you?
    buttons:
      - title: Yes, please
        next: helper
      - title: No, thanks
        next: bye

  helper:
    type: handoff
    text: One of us writes to you in a moment.
    reason: Wants to be called

  bye:
    type: end
"""


class FlowView(PanelView):
    """The routes of bot flows. A flow is YAML, is checked before it is stored, and its versions are never changed."""

    icon = "flows"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """The list of flows."""
        with self.rt.database.read() as session:
            flows = list(session.scalars(select(Flow).order_by(Flow.name)))
            rows = session.execute(
                select(Campaign.flow_id, func.count())
                .where(
                    Campaign.flow_id.is_not(None),
                    Campaign.deleted_at.is_(None),
                    Campaign.kind == literal_word(CampaignKind.REAL),
                )
                .group_by(Campaign.flow_id)
            )
            used = dict(rows.all())
        return self.render("panel/flows.html", flows=flows, used=used)

    @page("/<int:flow_id>/")
    def show(self, flow_id: int) -> ResponseReturnValue:
        """One flow in its newest version, or in the one of `?version=`."""
        with self.rt.database.read() as session:
            flow = session.get(Flow, flow_id)
            if flow is None:
                abort(404)
            versions = list(
                session.scalars(
                    select(FlowVersion)
                    .where(FlowVersion.flow_id == flow_id)
                    .order_by(FlowVersion.version.desc())
                    .limit(50)
                )
            )
        number = positive("version", flow.version)
        version = next((row for row in versions if row.version == number), None)
        if version is None:
            abort(404)
        return self.render(
            "panel/flow.html",
            flow=flow,
            versions=versions,
            version=version,
            picture=draw_flow(version.definition),
            costs=stored_flow_costs(self.rt, version.definition),
        )

    @form("/load", Role.MANAGER)
    def load(self) -> ResponseReturnValue:
        """The form that loads a flow from a file or a text: checks it, or stores it if it is valid."""
        text, problems, checked, taken = "", [], None, None
        if request.method == "GET":
            text, edited = self._begin()
        else:
            edited = request.form.get("edited", "")
            try:
                text = self._submitted_text()
                if request.form.get("check"):
                    checked = check_flow(self.rt, text)
                else:
                    replaces = request.form.get("replaces") or edited or None
                    loaded = load_flow_file(self.rt, text, self.me.email, replaces=replaces)
                    flash(f"{loaded.name} is at version {loaded.version}.", "good")
                    for warning in loaded.warnings:
                        flash(warning.removeprefix("flow: "), "warn")
                    return back(".show", flow_id=loaded.id)
            except FlowNameTakenError as error:
                taken = error
            except OperatorError as error:
                problems = [line.removeprefix("flow: ") for line in str(error).split("; ")]
        shown = self.render(
            "panel/flow_load.html", text=text, problems=problems, checked=checked, taken=taken, edited=edited
        )
        return shown, 400 if problems else 409 if taken else 200

    @action("/<int:flow_id>/rollback", Role.MANAGER)
    def rollback(self, flow_id: int) -> ResponseReturnValue:
        """Make an earlier version current."""
        with self.rt.database.read() as session:
            flow = session.get(Flow, flow_id)
        text = request.form.get("version", "")
        if flow is None or not (text.isascii() and text.isdigit() and len(text) < 10):
            abort(404)
        self.attempt(
            f"Version {text} is current again.", lambda: roll_back_flow(self.rt, flow.name, int(text), self.me.email)
        )
        return back(".show", flow_id=flow_id)

    @action("/<int:flow_id>/fallback", Role.MANAGER)
    def fallback(self, flow_id: int) -> ResponseReturnValue:
        """Make it the fallback flow, which answers contacts whom no other flow serves, or unset it."""
        fallback_id = flow_id if request.form.get("on") == "1" else None
        if not choose_fallback(self.rt, flow_id, self.me.email, is_fallback=fallback_id is not None):
            abort(404)
        flash(
            "It takes whoever writes and belongs nowhere else." if fallback_id else "No flow takes strangers any more.",
            "good",
        )
        return back(".show", flow_id=flow_id)

    def _begin(self) -> tuple[str, str]:
        """The text with which the form begins, and the name of the flow that is edited; empty for a new one."""
        with self.rt.database.read() as session:
            row = session.execute(
                select(FlowVersion.source, Flow.name)
                .join(Flow, Flow.id == FlowVersion.flow_id)
                .where(Flow.id == positive("flow"), FlowVersion.version == Flow.version)
            ).first()
            if row is not None:
                return row.source, row.name
            return BEGINNING.replace("{name}", free_name(session, EXAMPLE_NAME), 1), ""

    def _submitted_text(self) -> str:
        upload = request.files.get("file")
        if upload is not None and upload.filename:
            content = upload.stream.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise OperatorError("the file is larger than {max_bytes} kB", max_bytes=MAX_BYTES // 1000)
            try:
                return content.decode("utf-8-sig")
            except UnicodeDecodeError:
                raise OperatorError("the file is not UTF-8 text") from None
        return request.form.get("text", "").replace("\r\n", "\n")
