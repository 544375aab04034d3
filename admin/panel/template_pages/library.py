"""Searches Meta's template library and takes templates from it."""

from flask import flash, request
from flask.typing import ResponseReturnValue

from admin.operations.templates.library import LibraryTemplate, button_input, search_library, take_from_library
from admin.panel.base import action, back, page, sentence
from admin.panel.template_pages.forms import TemplateForms
from admin.panel.template_preview import draw_components
from models.errors import OperatorError
from models.tables.user import Role

TOPICS = (
    ("ACCOUNT_UPDATE", "Accounts"), ("CUSTOMER_FEEDBACK", "Feedback"), ("ORDER_MANAGEMENT", "Orders"), ("PAYMENTS", "Payments"),
)  # fmt: skip


class TemplateLibrary(TemplateForms):
    """The routes of Meta's library."""

    @page("/library", Role.MANAGER)
    def library(self) -> ResponseReturnValue:
        """Search the library."""
        words, topic = request.args.get("q", "").strip()[:100], request.args.get("topic", "")[:40]
        language = request.args.get("language", "").strip()[:20]
        found: list[LibraryTemplate] = []
        problem = ""
        try:
            found = search_library(self.rt, number_id=self._any_number(), search=words, topic=topic, language=language)
        except OperatorError as error:
            problem = sentence(error)
        shown = [(item, draw_components(item.components(), category=item.category)) for item in found]
        return self.render(
            "panel/template/library.html",
            items=shown,
            words=words,
            topic=topic,
            topics=TOPICS,
            language=language,
            problem=problem,
        )

    @action("/library/take", Role.MANAGER)
    def take(self) -> ResponseReturnValue:
        """Make a template of the library's under a name of one's own; Meta approves it at once."""
        source, language = request.form.get("source", "")[:512], request.form.get("language", "")[:20]
        try:
            item = next(
                (
                    each
                    for each in search_library(self.rt, number_id=self._any_number(), name=source, language=language)
                    if (each.name, each.language) == (source, language)
                ),
                None,
            )
            if item is None:
                raise OperatorError(
                    "Meta's library has no template {name} in {language}", name=source, language=language
                )
            inputs = [
                button_input(
                    str(button.get("type", "")).upper(), request.form.get(f"input-{place}", "").strip()[:2_000]
                )
                for place, button in enumerate(item.buttons)
            ]
            taken = take_from_library(
                self.rt,
                item,
                request.form.get("name", "").strip()[:512],
                inputs,
                self.me.email,
                number_id=self._any_number(),
            )
        except OperatorError as error:
            flash(sentence(error), "bad")
            return back(".library", q=source)
        flash(f"{taken.name} is here. Its words are fixed.", "good")
        return back(".show", template_id=taken.id)

    def _any_number(self) -> int | None:
        numbers = self._numbers()
        return numbers[0][0] if numbers else None
