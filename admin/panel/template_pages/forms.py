"""Renders and saves the form that writes a template: a new one, an edit, or one from Meta's JSON."""

from typing import Any

from flask import abort, flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin.operations.templates.drafts import check_written, create_template, definition_of, edit_template
from admin.operations.templates.samples import is_sample_for, keep_sample, library_samples, sample_sha256
from admin.operations.templates.submit import submit_template
from admin.panel.base import PanelView, back, form, sentence
from admin.panel.template_pages.form_definition import KINDS, FormDefinition
from admin.panel.template_pages.form_of import values_of
from admin.panel.template_pages.form_values import FormValues, apply_change, read_form
from admin.panel.template_pages.language_names import language_choices
from admin.panel.template_preview import draw_components
from jobs.media.incoming import chunks_of
from models.errors import OperatorError
from models.tables.number import Number
from models.tables.template import Template
from models.tables.user import Role
from models.templates.definition.parse import MAX_BYTES, definition_json
from models.templates.definition.problems import DefinitionError, Problem
from models.templates.definition.text_rules import variables_of
from models.templates.life import DRAFT

NEW_BUTTONS = (
    ("QUICK_REPLY", "Quick reply"), ("URL", "Link"), ("tracked", "Tracked link"),
    ("opt_out", "Marketing opt-out"), ("PHONE_NUMBER", "Call a phone"), ("COPY_CODE", "Copy a code"),
    ("FLOW", "Open a form (Flow)"),    ("VOICE_CALL", "Call on WhatsApp"), ("REQUEST_CONTACT_INFO", "Share contact info"),
)  # fmt: skip
OFFER_BUTTONS = (("COPY_CODE", "Copy a code"), ("URL", "Link"), ("tracked", "Tracked link"))
CARD_BUTTONS = (
    ("QUICK_REPLY", "Quick reply"), ("URL", "Link"), ("tracked", "Tracked link"),
    ("PHONE_NUMBER", "Call a phone"),
)  # fmt: skip
PRODUCT_BUTTONS = (("SPM", "View the product"), ("URL", "Link"))
CATEGORIES = (("MARKETING", "Marketing"), ("UTILITY", "Utility"))
Wrong = dict[str, str]


class TemplateForms(PanelView):
    """The routes that write templates."""

    @form("/new", Role.MANAGER)
    def new(self) -> ResponseReturnValue:
        """The form of a new template."""
        if request.method == "GET":
            beginning = {"kind": "plain", "language": "en", "category": "MARKETING", "parameter_format": "POSITIONAL"}
            return self._page(None, FormValues(beginning), {}, [])
        return self._submitted(None)

    @form("/<int:template_id>/edit", Role.MANAGER)
    def edit(self, template_id: int) -> ResponseReturnValue:
        """The form of a draft, or of an edit of a template that Meta has."""
        with self.rt.database.read() as session:
            template = session.get(Template, template_id)
            if template is None or template.missing_at is not None:
                abort(404)
            definition = definition_of(session, template)
        if "library_template_name" in definition:
            flash("A template of Meta's library has fixed words.", "warn")
            return back(".show", template_id=template_id)
        if request.method == "GET":
            return self._page(template, values_of(definition), {}, [])
        return self._submitted(template)

    @form("/load", Role.MANAGER)
    def load(self) -> ResponseReturnValue:
        """A form that takes a template in Meta's JSON, as a text or a file."""
        text, problems, number = "", [], request.form.get("number", "")
        if request.method == "POST":
            upload = request.files.get("file")
            has_file = upload is not None and upload.filename
            content = (
                upload.stream.read(MAX_BYTES + 1) if upload and has_file else request.form.get("text", "").encode()
            )
            text = content.decode("utf-8", "replace")
            try:
                written = create_template(self.rt, definition_json(content), self.me.email, number_id=_number(number))
            except DefinitionError as error:
                problems = [problem.line.translated() for problem in error.problems]
            except OperatorError as error:
                problems = [sentence(error)]
            else:
                flash("Saved as a draft. Meta does not know of it yet.", "good")
                return back(".show", template_id=written.id)
        shown = self.render(
            "panel/template/load.html", text=text, problems=problems, numbers=self._numbers(), number=number
        )
        return shown, 400 if problems else 200

    def _submitted(self, template: Template | None) -> ResponseReturnValue:
        values, wrong = read_form(request.form), self._keep_files()
        _put_handles(values, wrong)
        is_redrawn = bool(request.form.get("refresh")) or apply_change(values, request.form, self.rt.settings.link_base)
        if is_redrawn or wrong:
            return self._page(template, values, wrong, []), 400 if wrong else 200
        made = FormDefinition(values)
        try:
            saved = self._save(template, made, values)
        except DefinitionError as error:
            wrong, others = _placed(made, error.problems)
            return self._page(template, values, wrong, others), 400
        except OperatorError as error:
            return self._page(template, values, {}, [sentence(error)]), 400
        if request.form.get("submit"):
            try:
                submit_template(
                    self.rt, made.json["name"], made.json["language"], self.me.email,
                    number_id=self._number_id(template, values),
                )  # fmt: skip
            except OperatorError as error:
                flash(sentence(error), "bad")
            else:
                flash("Submitted. Meta reviews it, usually within minutes.", "good")
        else:
            is_draft = template is None or template.status == DRAFT
            flash(
                "Saved as a draft. Meta does not know of it yet."
                if is_draft
                else "Saved. The edit waits to be submitted.",
                "good",
            )
        return back(".show", template_id=saved)

    def _save(self, template: Template | None, made: FormDefinition, values: FormValues) -> int:
        number_id = self._number_id(template, values)
        if template is None:
            return create_template(self.rt, made.json, self.me.email, number_id=number_id).id
        return edit_template(
            self.rt, template.name, template.language, made.json, self.me.email, number_id=number_id
        ).id

    def _number_id(self, template: Template | None, values: FormValues) -> int | None:
        if template is None:
            return _number(values.get("number"))
        with self.rt.database.read() as session:
            return session.scalars(
                select(Number.id).where(Number.waba_id == template.waba_id).order_by(Number.id)
            ).first()

    def _keep_files(self) -> Wrong:
        """Store the files that came along, and take those that were chosen from the library.

        Returns what is wrong with them, and their handles as `handle:<field>`.
        """
        wrong: Wrong = {}
        for name, chosen in request.form.items():
            if not name.endswith("-from") or len(name) > 20:
                continue
            owner = name.removesuffix("-from")
            if is_sample_for(self.rt, chosen, _shape_of(owner)):
                wrong[f"handle:{owner}"] = chosen
            elif sample_sha256(request.form.get(f"{owner}-handle")) is not None:
                wrong[f"handle:{owner}"] = ""  # the list shows which file was taken: none now
        for name, upload in request.files.items():
            if not upload.filename or not name.endswith("-file") or len(name) > 20:
                continue
            owner = name.removesuffix("-file")
            try:
                wrong[f"handle:{owner}"] = keep_sample(
                    self.rt, upload.filename, chunks_of(upload.stream), _shape_of(owner), "", self.me.email
                )
            except DefinitionError as error:
                wrong[name] = "; ".join(problem.text.translated() for problem in error.problems)
        return wrong

    def _page(self, template: Template | None, values: FormValues, wrong: Wrong, others: list[str]) -> str:
        made = FormDefinition(values)
        kind = values.get("kind") or "plain"
        category = str(made.json.get("category") or "")
        return self.render(
            "panel/template/form.html", row=template, values=values, kind=kind, wrong=wrong, others=others, kinds=KINDS,
            categories=CATEGORIES, languages=language_choices(), numbers=self._numbers(),
            is_draft=template is None or template.status == DRAFT,
            new_buttons=OFFER_BUTTONS if kind == "offer" else NEW_BUTTONS, labels=dict(NEW_BUTTONS + PRODUCT_BUTTONS),
            card_buttons=PRODUCT_BUTTONS if kind == "products" else CARD_BUTTONS, variables_of=variables_of,
            in_library={shape: library_samples(self.rt, shape) for shape in _shapes(values)},
            picture=draw_components(made.json["components"], category=category), advice=self._advice(made, values),
        )  # fmt: skip

    def _advice(self, made: FormDefinition, values: FormValues) -> list[Problem]:
        """What is still wrong with a form that is being filled in; empty for one that nobody has begun."""
        if not values.get("body").strip() and not values.get("name").strip():
            return []
        return list(check_written(self.rt, made.json).problems)[:8]

    def _numbers(self) -> list[tuple[int, str]]:
        """One number for every account."""
        with self.rt.database.read() as session:
            numbers = session.scalars(select(Number).order_by(Number.id)).all()
        firsts: dict[int, tuple[int, str]] = {}
        for number in numbers:
            firsts.setdefault(number.waba_id, (number.id, number.name))
        return list(firsts.values())


def _shape_of(owner: str) -> str:
    """The format of the header that a file belongs to: `header`, or a card as `c-0`."""
    return request.form.get("header" if owner == "header" else f"{owner}-header", "IMAGE")[:20]


def _shapes(values: FormValues) -> set[str]:
    """The formats of the headers that the form shows."""
    return {values.get("header"), *(card.get("header") or "IMAGE" for card in values.cards)}


def _put_handles(values: FormValues, wrong: Wrong) -> None:
    """Move the handles of files that were stored into the values."""
    for key in [key for key in wrong if key.startswith("handle:")]:
        owner, handle = key.removeprefix("handle:"), wrong.pop(key)
        if owner == "header":
            values.plain["header-handle"] = handle
        elif owner[2:].isdecimal() and int(owner[2:]) < len(values.cards):
            values.cards[int(owner[2:])]["handle"] = handle


def _placed(made: FormDefinition, problems: tuple[Problem, ...]) -> tuple[Wrong, list[str]]:
    """The problems by the field at which they stand, and those that belong to no field."""
    wrong: Wrong = {}
    others: list[str] = []
    for problem in problems:
        field, text = made.field_of(problem), problem.text.translated()
        if field:
            wrong[field] = f"{wrong[field]}; {text}" if field in wrong else text
        else:
            others.append(problem.line.translated())
    return wrong, others


def _number(text: Any) -> int | None:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10 else None
