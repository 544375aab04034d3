"""One free-form message of each kind, as Meta's JSON has it, for tests that draw them."""

from typing import Any


def interactive(kind: str, action: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """An interactive message with a body and a footer."""
    words = {"body": {"text": "What shall it be?"}, "footer": {"text": "Sandbox Shop"}}
    return {"type": "interactive", "interactive": {"type": kind, **words, "action": action, **parts}}


def _reply(title: str) -> dict[str, Any]:
    return {"type": "reply", "reply": {"id": f"flow:{title}", "title": title}}


def _link_card(place: int, text: str) -> dict[str, Any]:
    parameters = {"display_text": "Buy", "url": f"https://x.test/{place}"}
    return {
        "card_index": place,
        "type": "cta_url",
        "header": {"type": "image", "image": {"id": "1602186516975000"}},
        "body": {"text": text},
        "action": {"name": "cta_url", "parameters": parameters},
    }


_SECTIONS = [{"title": "New", "product_items": [{"product_retailer_id": "SKU-1"}, {"product_retailer_id": "SKU-2"}]}]
_ROWS = [{"id": f"r{place}", "title": f"Row {place}", "description": "What it is"} for place in range(4)]
_MARKS = "*bold* _italic_ ~struck~ `code`\n> quoted *text*\n- one\n- two\n1. first\n2. second\n```if a:\n  b```\nsnake_case 2*3*4"

MESSAGES: dict[str, dict[str, Any]] = {
    "plain_text": {"type": "text", "text": {"body": "Hello, see https://x.test/a_b_c?x=1, or write to help@x.test 👍"}},
    "formatting": {"type": "text", "text": {"body": _MARKS}},
    "emoji": {"type": "text", "text": {"body": "🎉👍🏽"}},
    "photo": {"type": "image", "image": {"id": "1602186516975000", "caption": "A *caption*"}},
    "film": {"type": "video", "video": {"link": "https://x.test/film.mp4"}},
    "file": {"type": "document", "document": {"id": "pdf", "filename": "invoice.pdf", "caption": "c"}},
    "voice": {"type": "audio", "audio": {"id": "1", "voice": True}},
    "sticker": {"type": "sticker", "sticker": {"id": "1602186516975000"}},
    "place": {
        "type": "location",
        "location": {"latitude": 1.0, "longitude": 2.0, "name": "Shop", "address": "Main street"},
    },
    "contacts": {
        "type": "contacts",
        "contacts": [{"name": {"formatted_name": "Ana Costa"}, "phones": [{"phone": "+551199"}]}],
    },
    "reaction": {"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "😮"}},
    "reply_buttons": interactive(
        "button",
        {"buttons": [_reply("Yes"), _reply("No"), _reply("Later")]},
        header={"type": "image", "image": {"id": "1602186516975000"}},
    ),
    "list": interactive(
        "list",
        {"button": "Open the menu", "sections": [{"title": "Section", "rows": _ROWS}]},
        header={"type": "text", "text": "Menu"},
    ),
    "link": interactive(
        "cta_url", {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://x.test"}}
    ),
    "one_product": interactive("product", {"catalog_id": "1", "product_retailer_id": "SKU-1"}),
    "product_list": interactive(
        "product_list", {"catalog_id": "1", "sections": _SECTIONS}, header={"type": "text", "text": "Chosen for you"}
    ),
    "catalog_message": interactive(
        "catalog_message", {"name": "catalog_message", "parameters": {"thumbnail_product_retailer_id": "SKU-1"}}
    ),
    "carousel": interactive(
        "carousel",
        {
            "cards": [
                _link_card(place, text) for place, text in enumerate(("Blue", "Red, and a *longer* text", "Green"))
            ]
        },
    ),
    "flow_message": interactive("flow", {"name": "flow", "parameters": {"flow_cta": "Book", "flow_id": "1"}}),
    "ask_location": interactive("location_request_message", {"name": "send_location"}),
    "ask_contact": interactive("request_contact_info", {"name": "request_contact_info"}),
    "ask_to_call": interactive("call_permission_request", {"name": "call_permission_request"}),
    "call": interactive("voice_call", {"name": "voice_call", "parameters": {"display_text": "Call us"}}),
    "address": interactive("address_message", {"name": "address_message", "parameters": {"country": "IN"}}),
    "order": {
        "type": "order",
        "order": {
            "catalog_id": "1",
            "text": "Please wrap it",
            "product_items": [
                {"product_retailer_id": "SKU-1", "quantity": 3, "item_price": 59.9, "currency": "EUR"},
                {"product_retailer_id": "SKU-3", "quantity": 1, "item_price": 49.9, "currency": "EUR"},
            ],
        },
    },
    "unknown": {"type": "unsupported", "errors": [], "unsupported": {"type": "poll"}},
}
