"""Searches Meta's template library and takes templates from it, which it approves at once (docs/meta.md §5.9)."""

from dataclasses import dataclass
from typing import Any

from admin.operations.templates.accounts import account_of, template_admin
from admin.operations.templates.drafts import WrittenTemplate, create_template
from admin.operations.templates.submit import submit_template
from jobs.core.runtime import Runtime
from models.errors import OperatorError

MAX_SHOWN = 50


@dataclass(frozen=True, slots=True)
class LibraryTemplate:
    """A template of Meta's library. Its words are fixed; every button needs an input of its kind (`URL`, `PHONE_NUMBER`)."""

    name: str
    language: str
    category: str
    topic: str
    use_case: str
    header: str
    body: str
    samples: tuple[str, ...]
    buttons: tuple[dict[str, Any], ...]

    def components(self) -> list[dict[str, Any]]:
        """As a definition's components, for the preview."""
        header = [{"type": "HEADER", "format": "TEXT", "text": self.header}] if self.header else []
        body = {"type": "BODY", "text": self.body, "example": {"body_text": [list(self.samples)]}}
        buttons = [{"type": "BUTTONS", "buttons": list(self.buttons)}] if self.buttons else []
        return [*header, body, *buttons]


def search_library(rt: Runtime, *, number_id: int | None = None, **filters: str) -> list[LibraryTemplate]:
    """Search the library: `search`, `topic`, `usecase`, `industry`, `language`, `name`. Raises OperatorError if Meta refuses."""
    with rt.database.read() as session:
        account = account_of(session, number_id)
    with template_admin(rt, account) as graph:
        items = graph.library(**filters)
    return [_read(item) for item in items[:MAX_SHOWN] if _word(item, "name") and _word(item, "body")]


def take_from_library(
    rt: Runtime,
    item: LibraryTemplate,
    name: str,
    inputs: list[dict[str, Any]],
    actor: str,
    *,
    number_id: int | None = None,
) -> WrittenTemplate:
    """Make a template of the library's, called `name`, and submit it. `inputs`: what each button needs, in their order.

    Raises DefinitionError if the name is not allowed, OperatorError if an input is missing or Meta refuses.
    """
    if len(inputs) != len(item.buttons):
        raise OperatorError(
            "the template {name} has {count} buttons; each needs its link or phone number", name=item.name,
            count=len(item.buttons),
        )  # fmt: skip
    definition: dict[str, Any] = {
        "name": name, "language": item.language, "category": item.category, "library_template_name": item.name,
    }  # fmt: skip
    if inputs:
        definition["library_template_button_inputs"] = inputs
    written = create_template(rt, definition, actor, number_id=number_id)
    return submit_template(rt, written.name, written.language, actor, number_id=number_id)


def button_input(kind: str, value: str) -> dict[str, Any]:
    """What Meta wants for a button: a link, whose end may be a variable, or a phone number."""
    if kind == "PHONE_NUMBER":
        return {"type": "PHONE_NUMBER", "phone_number": value}
    if kind == "OTP":
        return {"type": "OTP", "otp_type": "COPY_CODE"}
    return {"type": kind, "url": {"base_url": value, "url_suffix_example": value.replace("{{1}}", "sample")}}


def _read(item: dict[str, Any]) -> LibraryTemplate:
    samples, buttons = item.get("body_params"), item.get("buttons")
    return LibraryTemplate(
        name=_word(item, "name"),
        language=_word(item, "language"),
        category=_word(item, "category").upper(),
        topic=_word(item, "topic"),
        use_case=_word(item, "usecase"),
        header=_word(item, "header"),
        body=_word(item, "body"),
        samples=tuple(str(sample) for sample in samples) if isinstance(samples, list) else (),
        buttons=tuple(button for button in buttons if isinstance(button, dict)) if isinstance(buttons, list) else (),
    )


def _word(item: dict[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""
