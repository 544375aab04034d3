"""Reads what Meta says that messages cost, and what became of templates (docs/meta.md §15), over the management API."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.meta.management import GraphAdmin, GraphError
from models.billing.amount import read_cost
from models.billing.rate_cards import plain_category

DIMENSIONS = '["PRICING_CATEGORY","PRICING_TYPE","COUNTRY","PHONE"]'
MAX_PAGES = 200
MAX_TEMPLATES = 10
"""Templates of one request."""
CLOUD_API = "CLOUD_API"
MARKETING_PRODUCTS = ("MARKETING_MESSAGES_LITE_API", "MARKETING_MESSAGES_API_FOR_WHATSAPP")
"""Meta's pages name both for the Marketing Messages API: on code 100 the other is asked for."""
INVALID_PARAMETER = 100
METRICS = "SENT,DELIVERED,READ,COST"
_MAX_COUNT = 10**12


@dataclass(frozen=True, slots=True)
class PricePoint:
    """What Meta counted from `begin` to `end`: delivered messages, and what they cost in millionths (None: she does not say).

    `phone` has the digits of our number, `country` a code of two letters; both are empty where she does not name them.
    """

    begin: datetime
    end: datetime
    phone: str
    country: str
    category: str
    pricing_type: str
    volume: int
    cost: int | None


@dataclass(frozen=True, slots=True)
class TemplatePoint:
    """What became of a template's messages from `begin` to `end`. `cost` is in millionths, None where Meta does not say."""

    begin: datetime
    template_id: str
    product: str
    sent: int
    delivered: int
    read: int
    cost: int | None


def price_points(graph: GraphAdmin, waba_id: str, begin: datetime, end: datetime) -> list[PricePoint]:
    """Return what Meta counted by day, number, category, type and country. Raises GraphError if she refuses."""
    span = f"start({int(begin.timestamp())}).end({int(end.timestamp())})"
    fields = f"pricing_analytics.{span}.granularity(DAILY).dimensions({DIMENSIONS})"
    answer = graph.fields(waba_id, fields).get("pricing_analytics")
    points: list[PricePoint] = []
    for page in _pages(graph, answer):
        for data in _objects(page.get("data")):
            points += [point for item in _objects(data.get("data_points")) if (point := _price_point(item)) is not None]
    return points


def template_points(
    graph: GraphAdmin, waba_id: str, template_ids: Sequence[str], begin: datetime, end: datetime
) -> list[TemplatePoint]:
    """Return what became of templates by UTC day, by the Cloud API and by the Marketing Messages API.

    Raises GraphError if Meta refuses, as where an account has not switched these analytics on.
    """
    points: list[TemplatePoint] = []
    for first in range(0, len(template_ids), MAX_TEMPLATES):
        ids = template_ids[first : first + MAX_TEMPLATES]
        points += _of_product(graph, waba_id, ids, begin, end, CLOUD_API)
        points += _of_marketing_api(graph, waba_id, ids, begin, end)
    return points


def _of_marketing_api(
    graph: GraphAdmin, waba_id: str, ids: Sequence[str], begin: datetime, end: datetime
) -> list[TemplatePoint]:
    for product in MARKETING_PRODUCTS:
        try:
            return _of_product(graph, waba_id, ids, begin, end, product)
        except GraphError as error:
            if error.code != INVALID_PARAMETER:
                raise
    return []


def _of_product(
    graph: GraphAdmin, waba_id: str, ids: Sequence[str], begin: datetime, end: datetime, product: str
) -> list[TemplatePoint]:
    params = {
        "start": str(int(begin.timestamp())),
        "end": str(int(end.timestamp())),
        "granularity": "DAILY",
        "template_ids": f"[{','.join(ids)}]",
        "metric_types": METRICS,
        "product_type": product,
        "use_waba_timezone": "false",
    }
    pages = graph.page_lists(waba_id, "template_analytics", params)
    items = (item for page, _ in pages for data in page for item in _objects(data.get("data_points")))
    return [point for item in items if (point := _template_point(item, product)) is not None]


def _pages(graph: GraphAdmin, answer: Any) -> Iterator[dict[str, Any]]:
    """The pages of an analytics field; a page that `next` leads to comes bare, or under the field's name."""
    for _ in range(MAX_PAGES):
        page = answer.get("pricing_analytics", answer) if isinstance(answer, dict) else {}
        if not isinstance(page, dict):
            return
        yield page
        paging = page.get("paging")
        following = paging.get("next") if isinstance(paging, dict) else None
        if not following:
            return
        answer = graph.follow(following)
    raise GraphError("pricing_analytics: more than {max_pages} pages", max_pages=MAX_PAGES)


def _price_point(item: dict[str, Any]) -> PricePoint | None:
    begin, end, volume = _moment(item.get("start")), _moment(item.get("end")), _count(item.get("volume"))
    if begin is None or end is None or begin >= end or volume is None:
        return None
    return PricePoint(
        begin,
        end,
        "".join(sign for sign in _word(item.get("phone_number"), 32) if sign.isdigit()),
        _country(item.get("country")),
        plain_category(_word(item.get("pricing_category"), 40)),
        _word(item.get("pricing_type"), 40).lower(),
        volume,
        read_cost(item.get("cost")),
    )


def _template_point(item: dict[str, Any], product: str) -> TemplatePoint | None:
    begin, template_id = _moment(item.get("start")), _word(item.get("template_id"), 64)
    counts = [_count(item.get(name, 0)) for name in ("sent", "delivered", "read")]
    sent, delivered, read = counts
    if begin is None or not template_id or sent is None or delivered is None or read is None:
        return None
    spent = [line.get("value") for line in _objects(item.get("cost")) if line.get("type") == "amount_spent"]
    return TemplatePoint(begin, template_id, product, sent, delivered, read, read_cost(spent[0]) if spent else None)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _moment(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**32:
        return None
    return datetime.fromtimestamp(value, UTC)


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_COUNT
    return value if is_count else None


def _word(value: Any, length: int) -> str:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isprintable() and len(text) <= length else ""


def _country(value: Any) -> str:
    word = _word(value, 2).upper()
    return word if len(word) == 2 and word.isalpha() else ""
