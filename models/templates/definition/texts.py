"""The body and the footer of a template, with one's own words or, in authentication, with Meta's (docs/meta.md §5.6)."""

from dataclasses import dataclass, field
from typing import Any

from models.templates.definition.examples import Examples, read_examples
from models.templates.definition.part import Part, present
from models.templates.definition.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Body(Part):
    """The text of the message."""

    text: str
    example: Examples = field(default_factory=Examples)

    def to_json(self) -> dict[str, Any]:
        """Meta's component."""
        return {**self.extra, "type": "BODY", "text": self.text, **present(example=self.example.to_json("body"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationBody(Part):
    """Meta's text with a one-time code. `text` is what was written there, which Meta does not take."""

    add_security_recommendation: bool | None = None
    text: str = ""

    def to_json(self) -> dict[str, Any]:
        """Meta's component."""
        return {
            **self.extra, "type": "BODY", **present(add_security_recommendation=self.add_security_recommendation),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer(Part):
    """A small line below the text, without variables."""

    text: str

    def to_json(self) -> dict[str, Any]:
        """Meta's component."""
        return {**self.extra, "type": "FOOTER", "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationFooter(Part):
    """Meta's line on when the code expires."""

    code_expiration_minutes: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Meta's component."""
        return {**self.extra, "type": "FOOTER", **present(code_expiration_minutes=self.code_expiration_minutes)}


def read_body(part: Reader, *, is_authentication: bool) -> Body | AuthenticationBody:
    """Read a body. In an authentication template, and where its flag is set, it is Meta's text."""
    if is_authentication or part.has("add_security_recommendation"):
        flag, text = part.flag("add_security_recommendation"), part.text("text")
        part.raw("example")  # Meta returns samples of its own text
        return AuthenticationBody(add_security_recommendation=flag, text=text, path=part.path, extra=part.extra)
    text, example = part.required_text("text"), read_examples(part, "body")
    return Body(text=text, example=example, path=part.path, extra=part.extra)


def read_footer(part: Reader, *, is_authentication: bool) -> Footer | AuthenticationFooter:
    """Read a footer. In an authentication template, and where it names minutes, it is Meta's line."""
    if is_authentication or part.has("code_expiration_minutes"):
        minutes = part.number("code_expiration_minutes")
        part.raw("text")
        return AuthenticationFooter(code_expiration_minutes=minutes, path=part.path, extra=part.extra)
    return Footer(text=part.required_text("text"), path=part.path, extra=part.extra)
