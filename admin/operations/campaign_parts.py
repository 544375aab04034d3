"""The parts of the public campaign file that say what its message holds besides media: sources, products, an offer, a place."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from models.retry.rule import MAX_HOURS
from models.tables.goal import MAX_DAYS
from models.templates.content_problems import MAX_PRODUCTS, MAX_SECTION_TITLE, MAX_SECTIONS
from models.templates.link_urls import url_problem
from models.templates.order_fields import ORDER_FIELDS
from models.templates.sources import PRODUCT_FIELDS

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1024)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,60}$")]
Sku = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
CatalogId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,64}$")]


class FilePart(BaseModel):
    """A part of the file: unknown fields are refused, types are not guessed."""

    model_config = ConfigDict(extra="forbid", strict=True)


_OWN_FIELDS = {
    "tag": ("tag",),
    "text": ("text",),
    "attribute": ("attribute",),
    "url": ("link",),
    "field": ("order", "product"),
}
"""Which sources need which field, and no others."""


class VariableSource(FilePart):
    """Where a variable's value comes from."""

    source: Literal[
        "name", "first_name", "last_name", "phone", "email", "language", "country", "tag", "text", "attribute", "order", "product",
        "shop", "link",
    ]  # fmt: skip
    tag: Text | None = None
    text: Text | None = None
    attribute: Text | None = None
    url: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] | None = None
    """Where a tracked link leads."""
    field: Literal[
        "number", "total", "currency", "product", "collection", "brand", "placed_at", "day", "name", "price", "sku", "url"
    ] | None = None  # fmt: skip
    """Of the contact's latest order, or of a product; `day` is another word for `placed_at`."""
    format: Literal["upper", "lower", "title", "date", "money"] | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    """Of the format `money`, where the amount has none of its own."""
    fallback: Annotated[str, StringConstraints(max_length=1024)] | None = None

    @model_validator(mode="after")
    def _its_own_field(self) -> Self:
        for field, sources in _OWN_FIELDS.items():
            has_field = getattr(self, field) is not None
            if has_field is not (self.source in sources):
                raise ValueError(
                    f"source {self.source!r} {'has no field' if has_field else 'needs the field'} {field!r}"
                )
        if self.url is not None and (problem := url_problem(self.url)):
            raise ValueError(problem)
        if self.source == "order" and self.field == "day":
            self.field = "placed_at"
        allowed = {"order": ORDER_FIELDS, "product": PRODUCT_FIELDS}.get(self.source)
        if allowed is not None and self.field not in allowed:
            raise ValueError(f"field {self.field!r} is not one of {', '.join(allowed)}")
        return self


class Variables(FilePart):
    """The sources of the template's variables, by component and key."""

    header: dict[Key, VariableSource] = Field(default_factory=dict)
    body: dict[Key, VariableSource] = Field(default_factory=dict)
    buttons: dict[Key, VariableSource] = Field(default_factory=dict)


class CardProduct(FilePart):
    """The product that a card shows."""

    sku: Sku
    catalog_id: CatalogId | None = None


class ProductSection(FilePart):
    """A part of a list of products."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_SECTION_TITLE)]
    skus: Annotated[list[Sku], Field(min_length=1)]


class Products(FilePart):
    """One product, or a list of products in sections. `catalog_id`: None is the catalog of the account."""

    catalog_id: CatalogId | None = None
    sections: Annotated[list[ProductSection], Field(max_length=MAX_SECTIONS)] | None = None
    sku: Sku | None = None

    @model_validator(mode="after")
    def _within_limits(self) -> Self:
        if self.sections is not None and self.sku is not None:
            raise ValueError("allowed is one of sections and sku")
        count = sum(len(section.skus) for section in self.sections or ())
        if count > MAX_PRODUCTS:
            raise ValueError(f"{count} products are given; allowed are at most {MAX_PRODUCTS} in all sections")
        return self


def _with_its_zone(text: str | None) -> str | None:
    try:
        moment = datetime.fromisoformat(text) if text is not None else None
        if moment is not None and moment.tzinfo is None:
            raise ValueError("no zone")
        return moment.isoformat() if moment is not None else None
    except ValueError:
        raise ValueError("allowed is a time with its zone, such as 2026-12-24T23:59:00+01:00") from None


ZonedMoment = Annotated[str | None, AfterValidator(_with_its_zone)]
"""A time with its zone in ISO 8601."""


class Offer(FilePart):
    """The end of a limited-time offer, and the code that its button copies."""

    expires_at: ZonedMoment = None
    code: VariableSource | None = None


class GoalFields(FilePart):
    """What people shall do, and within how many days after the message was accepted. `value`: whether its money counts."""

    event: Literal["purchase"]
    within_days: int
    value: bool = True

    @field_validator("within_days")
    @classmethod
    def _a_window(cls, days: int) -> int:
        if not 1 <= days <= MAX_DAYS:
            raise ValueError(f"{days} is given; allowed are 1 to {MAX_DAYS} days")
        return days


def differing_goals(goals: list[GoalFields]) -> list[GoalFields]:
    """Return the goals. Raises ValueError if two of them count the same."""
    windows = [(goal.event, goal.within_days) for goal in goals]
    for event, days in windows:
        if windows.count((event, days)) > 1:
            raise ValueError(f"{event} within {days} days is named twice")
    return goals


class Location(FilePart):
    """The place that the header shows."""

    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None
    name: Text | None = None
    address: Text | None = None


class RetryRule(FilePart):
    """How long temporary failures are tried again by themselves: until a time, or for hours from the launch."""

    until: ZonedMoment = None
    for_hours: Annotated[int, Field(ge=1, le=MAX_HOURS)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.until is None) == (self.for_hours is None):
            raise ValueError("allowed is exactly one of until and for_hours")
        return self
