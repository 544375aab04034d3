"""Serves Meta's template library, and makes templates of it, which are approved at once (docs/meta.md §5.9)."""

import json
from typing import Any

from aiohttp import web

from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.wire import answer, authorize

LIBRARY: list[dict[str, Any]] = [
    {
        "name": "delivery_update_1", "language": "en_US", "category": "UTILITY", "topic": "ORDER_MANAGEMENT",
        "usecase": "DELIVERY_UPDATE", "industry": ["E_COMMERCE"], "header": "Your order is on its way",
        "body": "Hi {{1}}, good news: your order {{2}} will arrive on {{3}}. We will tell you when it is there.",
        "body_params": ["Ana", "4711", "3 May"], "body_param_types": ["TEXT", "NUMBER", "DATE"],
        "buttons": [{"type": "URL", "text": "Track order", "url": "https://www.example.com/{{1}}"}], "id": "700000000000001",
    },
    {
        "name": "order_confirmation_1", "language": "en_US", "category": "UTILITY", "topic": "ORDER_MANAGEMENT",
        "usecase": "ORDER_CONFIRMATION", "industry": ["E_COMMERCE"],
        "body": "Thank you for your order, {{1}}! Its number is {{2}}, its total is {{3}}. We will write when it is sent.",
        "body_params": ["Ana", "4711", "EUR 99.90"], "body_param_types": ["TEXT", "NUMBER", "AMOUNT"], "buttons": [],
        "id": "700000000000002",
    },
    {
        "name": "payment_overdue_1", "language": "en_US", "category": "UTILITY", "topic": "PAYMENTS",
        "usecase": "PAYMENT_OVERDUE", "industry": ["FINANCIAL_SERVICES"],
        "body": "Hi {{1}}, the payment of {{2}} that was due on {{3}} has not arrived. Please pay it soon.",
        "body_params": ["Ana", "EUR 99.90", "3 May"], "body_param_types": ["TEXT", "AMOUNT", "DATE"],
        "buttons": [{"type": "PHONE_NUMBER", "text": "Call us", "phone_number": "+15550100001"}], "id": "700000000000003",
    },
]  # fmt: skip


async def search(request: web.Request) -> web.StreamResponse:
    """``GET /message_template_library``: filtered by words, topic, use case, industry, language and name."""
    authorize(request)
    query = request.query
    items = [item for item in LIBRARY if _matches(item, query)]
    return answer({"data": items, "paging": {}})


def _matches(item: dict[str, Any], query: Any) -> bool:
    words = query.get("search", "").lower()
    if words and words not in f"{item['name']} {item.get('header', '')} {item['body']}".lower():
        return False
    if "industry" in query and query["industry"] not in item["industry"]:
        return False
    return all(query.get(key, item[key]) == item[key] for key in ("topic", "usecase", "language", "name"))


def components_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The components of a template that is taken from the library. Raises SandboxGraphError if it is not there, or lacks inputs."""
    item = next((item for item in LIBRARY if item["name"] == body["library_template_name"]), None)
    if item is None or item["language"] != body.get("language") or item["category"] != str(body["category"]).upper():
        raise SandboxGraphError(100, "There is no such template in the library, in this language and category")
    inputs = body.get("library_template_button_inputs") or []
    if isinstance(inputs, str):
        try:
            inputs = json.loads(inputs)
        except ValueError:
            raise SandboxGraphError(100, "library_template_button_inputs must be a list") from None
    if not isinstance(inputs, list) or len(inputs) != len(item["buttons"]):
        raise SandboxGraphError(100, "library_template_button_inputs needs an entry for every button")
    header = [{"type": "HEADER", "format": "TEXT", "text": item["header"]}] if "header" in item else []
    text = {"type": "BODY", "text": item["body"], "example": {"body_text": [item["body_params"]]}}
    buttons = [_filled(button, given) for button, given in zip(item["buttons"], inputs, strict=True)]
    return [*header, text, *([{"type": "BUTTONS", "buttons": buttons}] if buttons else [])]


def _filled(button: dict[str, Any], given: Any) -> dict[str, Any]:
    url = given.get("url") if isinstance(given, dict) else None
    if button["type"] == "URL" and isinstance(url, dict) and url.get("base_url"):
        return button | {"url": url["base_url"], "example": [url.get("url_suffix_example", "")]}
    if button["type"] == "PHONE_NUMBER" and isinstance(given, dict) and given.get("phone_number"):
        return button | {"phone_number": given["phone_number"]}
    raise SandboxGraphError(100, f"library_template_button_inputs: a {button['type']} button needs its input")
