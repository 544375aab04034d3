"""Lists templates by name with their languages, shows one with its life, and runs what can be done with it."""

from collections.abc import Callable
from typing import Any

from flask import abort, flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from admin.operations.templates.delete import delete_template, unpause_template
from admin.operations.templates.drafts import discard_edit, duplicate_template
from admin.operations.templates.submit import submit_template
from admin.panel.base import PAGE_ROWS, action, back, page, positive, sentence
from admin.panel.template_pages.language_names import language_choices
from admin.panel.template_pages.library import TemplateLibrary
from admin.panel.template_preview import draw_components, preview_of
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from jobs.maintenance.meta_sync import SyncResult, read_templates
from models.billing.max_price import shown_price
from models.clock import utcnow
from models.errors import OperatorError
from models.stored_texts import read_text
from models.tables.audit import AuditAction, record_audit
from models.tables.number import Number, Waba
from models.tables.template import Template
from models.tables.user import Role
from models.templates.advice import template_advice
from models.templates.life import APPROVED, DRAFT, EDITABLE, edits_left, life_of, pending_draft
from models.templates.opt_out_buttons import opt_out_titles
from models.templates.slots import template_slots
from models.templates.variables import media_format

TONES = {
    "APPROVED": "good", "PENDING": "info", "IN_APPEAL": "info", "REJECTED": "bad", "PAUSED": "warn", "DISABLED": "bad",
    "DRAFT": "quiet",
}  # fmt: skip
QUALITIES = {"GREEN": ("good", "Good"), "YELLOW": ("warn", "Medium"), "RED": ("bad", "Low")}


class TemplateView(TemplateLibrary):
    """Pages of templates."""

    icon = "templates"

    @page("/")
    def index(self) -> ResponseReturnValue:
        """Templates by name, each with its languages and the preview of one, filtered by account and name."""
        account_id, after = positive("account"), request.args.get("after", "")[:512]
        text = request.args.get("q", "").strip().lower()[:100].replace("\x00", "")
        query = select(Template).where(Template.missing_at.is_(None)).options(joinedload(Template.waba))
        query = query.where(Template.waba_id == account_id) if account_id else query
        query = query.where(Template.name.contains(text, autoescape=True)) if text else query
        with self.rt.database.read() as session:
            accounts = list(
                session.scalars(select(Waba).where(Waba.id.in_(select(Number.waba_id))).order_by(Waba.name))
            )
            numbers = list(session.scalars(select(Number).order_by(Number.name)))
            names = query.with_only_columns(Template.name).where(Template.name > after.replace("\x00", "")).distinct()
            page_names = list(session.scalars(names.order_by(Template.name).limit(PAGE_ROWS + 1)))
            shown_names = page_names[:PAGE_ROWS]
            rows = session.scalars(
                query.where(Template.name.in_(shown_names)).order_by(Template.name, Template.waba_id, Template.language)
            )
            groups = _groups(list(rows))
        owners = {
            waba.id: ", ".join(number.name for number in numbers if number.waba_id == waba.id) for waba in accounts
        }
        following = shown_names[-1] if len(page_names) > PAGE_ROWS else None
        return self.render(
            "panel/templates.html", groups=groups, accounts=accounts, names=owners, wanted=account_id, text=text,
            following=following, after=after, tones=TONES, qualities=QUALITIES,
        )  # fmt: skip

    @page("/<int:template_id>/")
    def show(self, template_id: int) -> ResponseReturnValue:
        """One language of a template: tabs to the others, its status, what to do, its life."""
        now = utcnow()
        with self.rt.database.read() as session:
            template = session.get(Template, template_id)
            if template is None:
                abort(404)
            query = select(Template).where(
                Template.waba_id == template.waba_id, Template.name == template.name, Template.missing_at.is_(None)
            )
            languages = list(session.scalars(query.order_by(Template.language)))
            price = shown_price(template)
            draft = pending_draft(session, template.id)
            events = life_of(session, template.id)
            left = edits_left(session, template.id, now) if template.status == APPROVED else None
        drawn = preview_of(template) if template.components else None
        waiting = None
        if draft is not None and template.status != DRAFT:
            waiting = draw_components(draft.definition.get("components"), category=template.category)
        return self.render(
            "panel/template/show.html", row=template, languages=languages, draft=draft, picture=drawn, waiting=waiting,
            life=[(event, read_text(event.reason), _what_to_do(event.after, event.reason)) for event in events],
            advice=template_advice(template.status, template.rejected_reason), left=left, tones=TONES,
            qualities=QUALITIES, price=price,
            free_languages=[choice for choice in language_choices() if choice[0] not in {each.language for each in languages}],
            can_edit=template.missing_at is None and template.status in (*EDITABLE, DRAFT, "PENDING"),
        )  # fmt: skip

    @action("/<int:template_id>/submit", Role.MANAGER)
    def submit(self, template_id: int) -> ResponseReturnValue:
        """Submit what is written of it to Meta."""
        return self._do(template_id, "Submitted. Meta reviews it, usually within minutes.", submit_template)

    @action("/<int:template_id>/unpause", Role.MANAGER)
    def unpause(self, template_id: int) -> ResponseReturnValue:
        """Lift Meta's pause."""
        return self._do(template_id, "The pause is lifted.", unpause_template)

    @action("/<int:template_id>/discard", Role.MANAGER)
    def discard(self, template_id: int) -> ResponseReturnValue:
        """Drop the edit that waits."""
        return self._do(template_id, "The edit is dropped; what Meta has stays.", discard_edit)

    @action("/<int:template_id>/delete", Role.MANAGER)
    def delete(self, template_id: int) -> ResponseReturnValue:
        """Delete it in this language, or in all."""
        name, language, number_id = self._named(template_id)
        chosen = None if request.form.get("all") == "1" else language
        done = f"Deleted {name} in every language." if chosen is None else f"Deleted {name} ({language})."
        is_done = self.attempt(done, lambda: delete_template(self.rt, name, chosen, self.me.email, number_id=number_id))
        return back(".index") if is_done else back(".show", template_id=template_id)

    @action("/<int:template_id>/duplicate", Role.MANAGER)
    def duplicate(self, template_id: int) -> ResponseReturnValue:
        """Make a draft of it in another language."""
        name, language, number_id = self._named(template_id)
        target = request.form.get("language", "")[:20]
        try:
            copied = duplicate_template(self.rt, name, language, target, self.me.email, number_id=number_id)
        except OperatorError as error:
            flash(sentence(error), "bad")
            return back(".show", template_id=template_id)
        flash(f"A draft in {target}: translate it, then submit it.", "good")
        return back(".edit", template_id=copied.id)

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

    def _do(self, template_id: int, done: str, operation: Callable[..., Any]) -> ResponseReturnValue:
        name, language, number_id = self._named(template_id)
        self.attempt(done, lambda: operation(self.rt, name, language, self.me.email, number_id=number_id))
        return back(".show", template_id=template_id)

    def _named(self, template_id: int) -> tuple[str, str, int | None]:
        """Name and language of a template, and a number of its account. Aborts with 404 if there is none."""
        with self.rt.database.read() as session:
            template = session.get(Template, template_id)
            if template is None:
                abort(404)
            return template.name, template.language, number_of_account(session, template.waba_id)


def number_of_account(session: Session, waba_pk: int) -> int | None:
    """A number of the account, by which the operations know it."""
    return session.scalars(select(Number.id).where(Number.waba_id == waba_pk).order_by(Number.id)).first()


def _groups(rows: list[Template]) -> list[dict[str, Any]]:
    """The rows of a page by account and name, each with the preview of its first language that can be sent."""
    by_name: dict[tuple[int, str], list[Template]] = {}
    for row in rows:
        by_name.setdefault((row.waba_id, row.name), []).append(row)
    groups = []
    for languages in by_name.values():
        first = next((row for row in languages if row.status == APPROVED), languages[0])
        groups.append(
            {
                "first": first,
                "languages": languages,
                "picture": preview_of(first),
                "slots": template_slots(first),
                "needed": media_format(first),
                "opt_outs": opt_out_titles(first),
            }
        )
    return groups


def _what_to_do(status: str | None, reason: str | None) -> str:
    word = (reason or "").partition(":")[0]
    advice = template_advice(status, word) if status in {"REJECTED", "PAUSED", "DISABLED"} else None
    return advice.translated() if advice is not None else ""


@retry_conflicts
def _record_sync(rt: Runtime, total: SyncResult, actor: str) -> None:
    with rt.database.write() as session:
        record_audit(session, utcnow(), actor, AuditAction.SYNC, "templates", "all", **total.to_json())
