"""Reads a definition from Meta's JSON, whatever shape it has, and checks it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.templates.definition.buttons import ButtonDefinition, read_buttons
from models.templates.definition.examples import PARAMETER_FORMATS
from models.templates.definition.formats import CardDefinition, Carousel, OfferDefinition
from models.templates.definition.headers import Header, read_header
from models.templates.definition.problems import DefinitionError, Problem, Problems
from models.templates.definition.reader import Reader, kind_of, unstorable_values
from models.templates.definition.rules import check_definition
from models.templates.definition.template import AUTHENTICATION, CATEGORIES, TemplateDefinition
from models.templates.definition.texts import (
    AuthenticationBody,
    AuthenticationFooter,
    Body,
    Footer,
    read_body,
    read_footer,
)

MAX_BYTES = 1_000_000
"""A definition's JSON; the largest that Meta takes has some ten thousand characters."""
COMPONENT_TYPES = ("HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER", "CALL_PERMISSION_REQUEST")
CARD_COMPONENT_TYPES = ("HEADER", "BODY", "BUTTONS")


@dataclass(frozen=True, slots=True)
class CheckedDefinition:
    """What was read, and everything that is wrong with it. `definition` is None if the JSON is no object."""

    definition: TemplateDefinition | None
    problems: tuple[Problem, ...]

    def valid(self) -> TemplateDefinition:
        """The definition. Raises DefinitionError if there is a problem."""
        if self.problems or self.definition is None:
            raise DefinitionError("{problems}", problems=self.problems)
        return self.definition


def definition_json(content: bytes) -> Any:
    """The JSON of a file. Raises DefinitionError if it is too large, not UTF-8 or not JSON."""
    problems = Problems()
    if len(content) > MAX_BYTES:
        problems.add("", "the file has more than {most} bytes", most=MAX_BYTES)
        raise DefinitionError("{problems}", problems=tuple(problems))
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        problems.add("", "the file is not UTF-8 text")
    except json.JSONDecodeError as error:
        problems.add(
            "", "not JSON: {why} in line {line}, column {column}", why=error.msg, line=error.lineno, column=error.colno
        )
    except (ValueError, RecursionError):
        problems.add("", "not JSON that can be read: a number is too long, or it lies too deep")
    raise DefinitionError("{problems}", problems=tuple(problems))


def check_template_json(data: Any) -> CheckedDefinition:
    """Read and check a definition."""
    problems = Problems()
    for path, what in unstorable_values(data):
        problems.add(path[:200], "{what}", what=what)
    if len(problems):
        return CheckedDefinition(None, tuple(problems))
    if not isinstance(data, Mapping):
        problems.add(
            "", "must be an object with name, language, category and components, not {kind}", kind=kind_of(data)
        )
        return CheckedDefinition(None, tuple(problems))
    definition = _read(Reader(data, "", problems))
    check_definition(definition, problems)
    return CheckedDefinition(definition, tuple(problems))


def _read(data: Reader) -> TemplateDefinition:
    category = data.word("category", CATEGORIES)
    parts = _Components()
    library_name = data.text("library_template_name") or None
    for component in data.items("components"):
        parts.read(component, is_authentication=category == AUTHENTICATION)
    if library_name is None and not data.has("components"):
        data.problems.add("components", "is missing; the least is a BODY with a text")
    spec = data.child("optimization_spec")
    return TemplateDefinition(
        name=data.required_text("name"),
        language=data.required_text("language"),
        category=category,
        parameter_format=data.word("parameter_format", PARAMETER_FORMATS, "POSITIONAL") or "POSITIONAL",
        header=parts.header,
        offer=parts.offer,
        body=parts.body,
        carousel=parts.carousel,
        footer=parts.footer,
        buttons=parts.buttons,
        buttons_path=parts.buttons_path,
        asks_for_calls="CALL_PERMISSION_REQUEST" in parts.seen,
        send_ttl_seconds=data.number("message_send_ttl_seconds"),
        is_tracking_opted_out=data.flag("cta_url_link_tracking_opted_out"),
        optimization_spec=spec.extra if spec is not None else None,
        library_name=library_name,
        extra=data.extra,
    )


class _Components:
    """The components that were read so far."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.header: Header | None = None
        self.offer: OfferDefinition | None = None
        self.body: Body | AuthenticationBody | None = None
        self.footer: Footer | AuthenticationFooter | None = None
        self.buttons: tuple[ButtonDefinition, ...] = ()
        self.buttons_path = ""
        self.carousel: Carousel | None = None

    def read(self, part: Reader, *, is_authentication: bool) -> None:
        """Read one component; one of a type that was there before is a problem."""
        kind = _component_type(part, COMPONENT_TYPES, self.seen)
        if kind == "HEADER":
            self.header = read_header(part)
        elif kind == "BODY":
            self.body = read_body(part, is_authentication=is_authentication)
        elif kind == "FOOTER":
            self.footer = read_footer(part, is_authentication=is_authentication)
        elif kind == "BUTTONS":
            self.buttons, self.buttons_path = read_buttons(part), part.place("buttons")
            if not part.has("buttons") or part.raw("buttons") == []:
                part.problems.add(self.buttons_path, "is empty; allowed are 1 to 10 buttons")
        elif kind == "LIMITED_TIME_OFFER":
            self.offer = _read_offer(part)
        elif kind == "CAROUSEL":
            cards = tuple(_read_card(card) for card in part.items("cards"))
            self.carousel = Carousel(cards=cards, path=part.path, extra=part.extra)


def _component_type(part: Reader, allowed: tuple[str, ...], seen: set[str]) -> str | None:
    kind = part.word("type", allowed)
    if kind in seen:
        part.problems.add(part.path, "there is a {kind} already; allowed is one", kind=kind)
        return None
    if kind is not None:
        seen.add(kind)
    return kind


def _read_offer(part: Reader) -> OfferDefinition | None:
    inner = part.child("limited_time_offer")
    if inner is None:
        if not part.has("limited_time_offer"):
            part.problems.add(part.place("limited_time_offer"), "is missing: an object with text and has_expiration")
        return None
    text, flag = inner.required_text("text"), inner.flag("has_expiration")
    return OfferDefinition(text=text, has_expiration=flag, path=inner.path, extra=inner.extra)


def _read_card(card: Reader) -> CardDefinition:
    """Read a card. Its parts are named without Meta's inner list: `cards[0].header`, `cards[0].buttons[1].text`."""
    seen: set[str] = set()
    header: Header | None = None
    body: Body | AuthenticationBody | None = None
    buttons: tuple[ButtonDefinition, ...] = ()
    if not card.has("components"):
        card.problems.add(card.path, "has no components")
    for part in card.items("components"):
        kind = _component_type(part, CARD_COMPONENT_TYPES, seen)
        if kind == "HEADER":
            part.path = card.place("header")
            header = read_header(part)
        elif kind == "BODY":
            part.path = card.place("body")
            body = read_body(part, is_authentication=False)
        elif kind == "BUTTONS":
            part.path = card.path
            buttons = read_buttons(part)
    if isinstance(body, AuthenticationBody):
        card.problems.add(body.path, "a card's text cannot be Meta's; allowed is a text")
        body = None
    return CardDefinition(header=header, body=body, buttons=buttons, path=card.path, extra=card.extra)
