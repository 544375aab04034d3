"""Reads and validates the public campaign file (docs/campaigns.md). Every error names field, value and what is allowed."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from admin.operations.campaign_parts import (
    CardProduct,
    FilePart,
    GoalFields,
    Key,
    Location,
    Offer,
    Products,
    ProductSection,
    RetryRule,
    Sku,
    Text,
    Variables,
    VariableSource,
    differing_goals,
)
from models.conversions.goals import CampaignGoal
from models.errors import OperatorError
from models.segments.values import is_storable
from models.tables.goal import MAX_GOALS, GoalEvent
from models.templates.content_problems import MAX_CARDS
from models.templates.languages import plain_language

MAX_BYTES = 2_000_000
Place = Annotated[str, StringConstraints(pattern=r"^([0-9]\.)?[0-9]$")]
MAX_FLOW_DATA = 50
MAX_LANGUAGES = 50


class TemplateName(FilePart):
    """One language of one template, or several among which a contact's own chooses."""

    name: Text
    language: Text | None = None
    languages: Annotated[list[Text], Field(min_length=1, max_length=MAX_LANGUAGES)] | None = None
    fallback: Text | None = None
    """One of `languages`, for whom none of them fits; None: they are left out."""

    @model_validator(mode="after")
    def _language_or_languages(self) -> Self:
        if self.languages is None:
            if self.fallback is not None:
                raise ValueError("fallback belongs to languages")
            if self.language is None:
                raise ValueError("language is missing")
            return self
        if self.language is not None:
            raise ValueError("allowed is one of language and languages")
        codes = [plain_language(code) for code in self.languages]
        if twice := sorted(code for code, number in Counter(codes).items() if number > 1):
            raise ValueError(f"languages: {twice[0]} is named twice")
        if self.fallback is not None and plain_language(self.fallback) not in codes:
            raise ValueError(f"fallback: {self.fallback} is not one of languages ({', '.join(self.languages)})")
        return self

    @property
    def first(self) -> str:
        """The language whose template stands for the campaign: the fallback, else the first."""
        return self.language or self.fallback or (self.languages or [""])[0]


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Medium(FilePart):
    """A link, a media id at Meta, a file of the library by its id or SHA-256, or one of the machine on which the command runs."""

    link: Annotated[str, StringConstraints(pattern=r"^https://[^\s]+$", max_length=2000)] | None = None
    id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,64}$")] | None = None
    media: (
        Annotated[str, BeforeValidator(_as_text), StringConstraints(pattern=r"^([0-9]{1,9}|[0-9a-fA-F]{64})$")] | None
    ) = None
    file: Text | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    filename: Text | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        file = self.file or self.sha256
        if sum(value is not None for value in (self.link, self.id, self.media, file)) != 1:
            raise ValueError("allowed is exactly one of media, link, id and file")
        return self


class CampaignMedia(FilePart):
    """The media of the template's header."""

    header: Medium | None = None


class Card(FilePart):
    """A card of a carousel: with media and variables of its own, or with a product."""

    media: CampaignMedia = Field(default_factory=CampaignMedia)
    variables: Variables = Field(default_factory=Variables)
    product: CardProduct | None = None


class MessageParts(FilePart):
    """What a message holds besides its template."""

    variables: Variables = Field(default_factory=Variables)
    media: CampaignMedia = Field(default_factory=CampaignMedia)
    cards: Annotated[list[Card], Field(max_length=MAX_CARDS)] = Field(default_factory=list)
    products: Products | None = None
    thumbnail_sku: Sku | None = None
    """The product whose picture stands for the catalog."""
    offer: Offer | None = None
    location: Location | None = None
    flow_data: Annotated[dict[Key, VariableSource], Field(max_length=MAX_FLOW_DATA)] = Field(default_factory=dict)
    """What the form behind the template's button begins with."""


class PaceFields(FilePart):
    """The pace in messages per second or per hour: exactly one of the two."""

    per_second: Annotated[float, Field(gt=0, le=1000)] | None = None
    per_hour: Annotated[float, Field(gt=0, le=3_600_000)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.per_second is None) == (self.per_hour is None):
            raise ValueError("allowed is exactly one of per_second and per_hour")
        return self


class Money(FilePart):
    """An amount of money: text with at most six decimals, and a currency of three letters."""

    amount: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$")]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

    @model_validator(mode="after")
    def _above_zero(self) -> Self:
        if not self.amount.strip("0."):
            raise ValueError("allowed is an amount above 0")
        return self


class CampaignFile(MessageParts):
    """A campaign as a person writes it. Missing parts make it a draft, wrong ones are an error."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    number: Text | None = None
    template: TemplateName | None = None
    audience: dict[str, Any] | None = None
    by_language: Annotated[dict[Text, MessageParts], Field(max_length=MAX_LANGUAGES)] = Field(default_factory=dict)
    """What differs in one of the template's languages."""
    opt_out_buttons: Annotated[list[Place], Field(max_length=30)] | None = None
    """The places of the template's quick replies that opt out; None: those recognized in the template."""
    max_price: Money | None = None
    """The most that a delivered message may cost; only for a template that has a maximum price."""
    flow: Text | None = None
    pace: PaceFields | None = None
    ends_after_hours: Annotated[float, Field(gt=0, le=24 * 365)] | None = None
    retry: RetryRule | None = None
    """None: temporary failures are not tried again by themselves."""
    goals: Annotated[list[GoalFields], Field(max_length=MAX_GOALS), AfterValidator(differing_goals)] = Field(
        default_factory=list
    )

    @property
    def campaign_goals(self) -> list[CampaignGoal]:
        """The goals in their order."""
        return [CampaignGoal(GoalEvent(goal.event), goal.within_days, goal.value) for goal in self.goals]


def read_campaign(data: Any) -> CampaignFile:
    """Validate the file's content. Raises OperatorError with one line that lists every problem (at most 20)."""
    if not isinstance(data, dict):
        raise OperatorError("campaign: must be an object with name, number, template, audience, …")
    if where := _unstorable_place(data, ""):
        raise OperatorError("{where}: holds a character that is no text", where=where)
    try:
        return CampaignFile.model_validate(data)
    except ValidationError as error:
        problems = dict.fromkeys(_sentence(details) for details in error.errors()[:20])
        raise OperatorError("{problems}", problems="; ".join(problems)) from None


def read_campaign_text(text: str, file: str) -> Any:
    """Parse the text of a file; `file` names it in errors. Raises OperatorError if it is too long or no JSON."""
    if len(text) > MAX_BYTES:
        raise OperatorError("{file}: allowed are {max_bytes} bytes", file=file, max_bytes=MAX_BYTES)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise OperatorError(
            "{file}: line {line}: is no JSON ({problem})", file=file, line=error.lineno, problem=error.msg
        ) from None


def read_campaign_file(path: Path) -> Any:
    """Parse the file at `path`. Raises OSError if it cannot be read, OperatorError if it is too long or no JSON."""
    return read_campaign_text(path.read_text(encoding="utf-8-sig"), str(path))


_FIELDS: dict[str, type[FilePart]] = {
    "": CampaignFile,
    "template": TemplateName,
    "variables": Variables,
    "media": CampaignMedia,
    "media.header": Medium,
    "cards.*": Card,
    "cards.*.media": CampaignMedia,
    "cards.*.media.header": Medium,
    "cards.*.variables": Variables,
    "cards.*.product": CardProduct,
    "products": Products,
    "products.sections.*": ProductSection,
    "offer": Offer,
    "goals.*": GoalFields,
    "location": Location,
    "pace": PaceFields,
    "max_price": Money,
    "retry": RetryRule,
}
"""What stands at each place of the file; everywhere else stands a source."""


def _model_of(place: tuple[int | str, ...]) -> type[FilePart]:
    """The part of the file at a place."""
    if place[:1] == ("by_language",) and len(place) > 1:
        return MessageParts if len(place) == 2 else _model_of(place[2:])
    return _FIELDS.get(".".join("*" if isinstance(part, int) else part for part in place), VariableSource)


def _unstorable_place(data: Any, where: str) -> str:
    """The place of a text that no database stores (a NUL, a lone surrogate); empty if there is none."""
    if isinstance(data, str):
        return "" if is_storable(data) else where or "campaign"
    parts = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, part in parts:
        if not is_storable(key):
            return f"{where or 'campaign'}: a field's name"
        if place := _unstorable_place(
            part, f"{where}[{key}]" if isinstance(data, list) else f"{where}.{key}".lstrip(".")
        ):
            return place
    return ""


def _sentence(details: ErrorDetails) -> str:
    place = tuple(part for part in details["loc"] if part != "[key]")
    where = ".".join(map(str, place)) or "campaign"
    kind, value = details["type"], details.get("input")
    if kind == "extra_forbidden":
        model = _model_of(place[:-1])
        return f"{where}: there is no such field; allowed are {', '.join(model.model_fields)}"
    if kind == "missing":
        return f"{where} is missing"
    text = details["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return f"{where}: {text}"
    if kind == "string_pattern_mismatch":
        if place[0] == "opt_out_buttons":
            text = "allowed is the place of a button, counted from 0, such as 1, or 0.1 for a card's"
        text = _ALLOWED.get(str(place[-1]), text)
    return f"{where}={_short(value)}: {text[:1].lower()}{text[1:]}"


_ALLOWED = {
    "link": "allowed is an https address",
    "id": "allowed are digits",
    "media": "allowed is the id or the SHA-256 of a file of the library",
    "catalog_id": "allowed are digits",
    "currency": "allowed is a code of three letters, such as EUR",
    "amount": "allowed is a text such as 0.045",
}


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:60]}…"
