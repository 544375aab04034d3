"""Shows message templates as Meta has them, each with a preview."""

from flask import flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from admin.panel.base import PAGE_ROWS, PanelView, action, back, page, positive, sentence
from admin.panel.template_preview import preview_of
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.maintenance.meta_sync import SyncResult, read_templates
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.number import Number, Waba
from models.tables.template import Template
from models.tables.user import Role
from models.templates.opt_out_buttons import opt_out_titles
from models.templates.slots import template_slots
from models.templates.variables import media_format


class TemplateView(PanelView):
    """Pages of templates; they are created and changed in WhatsApp Manager."""

    icon = "templates"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Templates with previews, filtered by account and name."""
        account_id, after = positive("account"), positive("after")
        text = request.args.get("q", "").strip().lower()[:100]
        query = (
            select(Template)
            .where(Template.missing_at.is_(None), Template.id > after)
            .options(joinedload(Template.waba))
        )
        query = query.where(Template.waba_id == account_id) if account_id else query
        query = query.where(Template.name.contains(text, autoescape=True)) if text else query
        with self.rt.database.read() as session:
            accounts = list(
                session.scalars(select(Waba).where(Waba.id.in_(select(Number.waba_id))).order_by(Waba.name))
            )
            numbers = list(session.scalars(select(Number).order_by(Number.name)))
            rows = list(session.scalars(query.order_by(Template.id).limit(PAGE_ROWS + 1)))
        shown = [
            (row, preview_of(row), template_slots(row), media_format(row), opt_out_titles(row))
            for row in rows[:PAGE_ROWS]
        ]
        names = {
            waba.id: ", ".join(number.name for number in numbers if number.waba_id == waba.id) for waba in accounts
        }
        following = rows[PAGE_ROWS - 1].id if len(rows) > PAGE_ROWS else None
        return self.render(
            "panel/templates.html", templates=shown, accounts=accounts, names=names, wanted=account_id, text=text,
            following=following, after=after,
        )  # fmt: skip

    @action("/sync", Role.MANAGER)
    def sync(self) -> ResponseReturnValue:
        """Read every account's templates from Meta again."""
        with self.rt.database.read() as session:
            accounts = list(session.scalars(select(Number.waba_id).distinct()))
        if not accounts:
            flash("Add a number first: templates belong to its account.", "bad")
        total, failed = SyncResult(), 0
        for waba_id in accounts:
            try:
                total.add(read_templates(self.rt, waba_id, utcnow()))
            except (OperatorError, LookupError) as error:
                failed += 1
                flash(f"Meta could not be asked: {sentence(error)}", "bad")
        if len(accounts) > failed:
            _record_sync(self.rt, total, self.me.email)
            flash(f"{total.created} new, {total.updated} changed, {total.missing} gone.", "good")
        return back(".index")


@retry_conflicts
def _record_sync(rt: Runtime, total: SyncResult, actor: str) -> None:
    with rt.database.write() as session:
        record_audit(session, utcnow(), actor, AuditAction.SYNC, "templates", "all", **total.to_json())
