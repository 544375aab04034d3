"""One message of each format, as Meta's JSON has it, for tests that draw them."""

from dataclasses import dataclass, field
from typing import Any

from bot.preview.bubble import Bubble
from bot.preview.message import message_bubble
from bot.preview.pictures import DrawnMedium, DrawnProduct, Pictures
from tests.support.preview_messages import MESSAGES

NOW = 1_798_000_000.0
PICTURES = Pictures(
    media={
        "1602186516975000": DrawnMedium("/picture.svg", "spring.jpg", 482_113),
        "pdf": DrawnMedium("", "invoice.pdf", 1_204_000),
    },
    products={
        "SKU-1": DrawnProduct("Blue sneaker", "€59.90", "/picture.svg"),
        "SKU-2": DrawnProduct("Red sneaker with a name that runs over two lines", "€64.90", "/picture.svg"),
        "SKU-3": DrawnProduct("Green sneaker", "€49.90"),
    },
)


@dataclass(frozen=True)
class Sample:
    """A template message: what was approved, and the components that were sent."""

    components: list[dict[str, Any]]
    sent: list[dict[str, Any]] = field(default_factory=list)
    category: str = "MARKETING"

    def message(self) -> dict[str, Any]:
        """The message as it was sent."""
        template = {"name": "sample", "language": {"code": "en"}, "components": self.sent}
        return {"type": "template", "template": template}

    def bubble(self) -> Bubble:
        """The bubble of the message."""
        return message_bubble(self.message(), PICTURES, components=self.components, category=self.category)


def body(text: str) -> dict[str, Any]:
    """A body component."""
    return {"type": "BODY", "text": text}


def header(form: str, text: str = "") -> dict[str, Any]:
    """A header component."""
    return {"type": "HEADER", "format": form, **({"text": text} if text else {})}


def buttons(*items: dict[str, Any]) -> dict[str, Any]:
    """A component of buttons."""
    return {"type": "BUTTONS", "buttons": list(items)}


def button(kind: str, text: str = "", **more: Any) -> dict[str, Any]:
    """A button of a template."""
    return {"type": kind, **({"text": text} if text else {}), **more}


def texts(kind: str, *values: str) -> dict[str, Any]:
    """The parameters of a header or body that was sent."""
    return {"type": kind, "parameters": [{"type": "text", "text": value} for value in values]}


def medium(kind: str, **value: str) -> dict[str, Any]:
    """A media header that was sent."""
    return {"type": "header", "parameters": [{"type": kind, kind: value or {"id": "1602186516975000"}}]}


def pressed(sub_type: str, index: int, **parameter: Any) -> dict[str, Any]:
    """A button component that was sent."""
    return {"type": "button", "sub_type": sub_type, "index": str(index), "parameters": [parameter]}


def product(sku: str) -> dict[str, Any]:
    """A product header that was sent."""
    value = {"product_retailer_id": sku, "catalog_id": "1"}
    return {"type": "header", "parameters": [{"type": "product", "product": value}]}


_STOP = button("QUICK_REPLY", "Stop promos")
_SHOP = button("URL", "Shop now", url="https://x.test/{{1}}")
_CARD_BUTTONS = buttons(button("QUICK_REPLY", "More"), _SHOP)
_CARDS = ("Blue, for *every* day", "Red, light and soft, with soles that were made for long walks in the rain", "Green")
_LONG = "Our biggest sale of the year has begun. " * 12

TEMPLATES: dict[str, Sample] = {
    "text": Sample(
        [
            header("TEXT", "Our {{1}} is on!"),
            body("Hi {{1}}, *20 %* off _everything_ until ~Friday~ Sunday: https://x.test/s"),
            {"type": "FOOTER", "text": "Reply STOP to leave"},
            buttons(_STOP, _SHOP, button("PHONE_NUMBER", "Call us", phone_number="15550051310")),
        ],
        [texts("header", "Summer Sale"), texts("body", "Ana"), pressed("url", 1, type="text", text="spring")],
    ),
    "image": Sample(
        [header("IMAGE"), body("Hello {{1}}, the new collection has arrived."), buttons(_STOP)],
        [medium("image"), texts("body", "Ana")],
    ),
    "video": Sample([header("VIDEO"), body("See how it is made.")], [medium("video")]),
    "gif": Sample([header("GIF"), body("It moves.")], [medium("gif")]),
    "document": Sample(
        [header("DOCUMENT"), body("Your invoice.")],
        [medium("document", id="pdf", filename="invoice 4711.pdf")],
        "UTILITY",
    ),
    "location": Sample(
        [header("LOCATION"), body("Your parcel waits here.")],
        [
            {
                "type": "header",
                "parameters": [
                    {
                        "type": "location",
                        "location": {
                            "latitude": "37.4421",
                            "longitude": "-122.1615",
                            "name": "Store",
                            "address": "101 Forest Ave",
                        },
                    }
                ],
            }
        ],
        "UTILITY",
    ),
    "coupon": Sample(
        [body("Use {{1}} today."), buttons(_STOP, button("COPY_CODE", example="X"))],
        [texts("body", "WINTER25"), pressed("copy_code", 1, type="coupon_code", coupon_code="WINTER25")],
    ),
    "limited_time_offer": Sample(
        [
            header("IMAGE"),
            {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Expiring offer!", "has_expiration": True}},
            body("Hi {{1}}, 25 % off."),
            buttons(button("COPY_CODE", example="X"), button("URL", "Book", url="https://x.test/o")),
        ],
        [
            medium("image"),
            texts("body", "Ana"),
            pressed("copy_code", 0, type="coupon_code", coupon_code="CARIBE25"),
            {
                "type": "limited_time_offer",
                "parameters": [
                    {
                        "type": "limited_time_offer",
                        "limited_time_offer": {"expiration_time_ms": int((NOW + 90_000) * 1000)},
                    }
                ],
            },
        ],
    ),
    "four_buttons": Sample(
        [
            body("What shall we show you?"),
            buttons(*(button("QUICK_REPLY", text) for text in ("Shoes", "Shirts", "Bags")), _SHOP),
        ],
        [pressed("url", 3, type="text", text="a")],
    ),
    "flow": Sample([body("Tell us when."), buttons(button("FLOW", "Book a visit", flow_id="1"))], category="UTILITY"),
    "catalog": Sample(
        [
            body("See what is new, {{1}}."),
            {"type": "FOOTER", "text": "Best deals"},
            buttons(button("CATALOG", "View catalog")),
        ],
        [texts("body", "Ana"), pressed("CATALOG", 0, type="action", action={"thumbnail_product_retailer_id": "SKU-1"})],
    ),
    "multi_product": Sample(
        [header("TEXT", "Forgot something, {{1}}?"), body("Still interested?"), buttons(button("MPM", "View items"))],
        [
            texts("header", "Ana"),
            pressed(
                "mpm",
                0,
                type="action",
                action={
                    "thumbnail_product_retailer_id": "SKU-1",
                    "sections": [
                        {
                            "title": "Popular",
                            "product_items": [{"product_retailer_id": "SKU-1"}, {"product_retailer_id": "SKU-2"}],
                        },
                        {"title": "New", "product_items": [{"product_retailer_id": "SKU-3"}]},
                    ],
                },
            ),
        ],
    ),
    "single_product": Sample(
        [header("PRODUCT"), body("Use 25OFF on our newest."), buttons(button("SPM", "View"))], [product("SKU-1")]
    ),
    "media_carousel": Sample(
        [
            body("For you, {{1}}:"),
            {
                "type": "CAROUSEL",
                "cards": [{"components": [header("IMAGE"), body(text), _CARD_BUTTONS]} for text in _CARDS],
            },
        ],
        [
            texts("body", "Ana"),
            {
                "type": "carousel",
                "cards": [
                    {
                        "card_index": place,
                        "components": [
                            medium("image"),
                            pressed("quick_reply", 0, type="payload", payload=f"card{place}"),
                            pressed("url", 1, type="text", text="a"),
                        ],
                    }
                    for place in range(3)
                ],
            },
        ],
    ),
    "product_carousel": Sample(
        [
            body("For you:"),
            {"type": "CAROUSEL", "cards": [{"components": [header("PRODUCT"), buttons(button("SPM", "View"))]}] * 2},
        ],
        [
            {
                "type": "carousel",
                "cards": [{"card_index": place, "components": [product(f"SKU-{place + 1}")]} for place in range(3)],
            }
        ],
    ),
    "call_permission": Sample(
        [body("May we call you, {{first_name}}?"), {"type": "CALL_PERMISSION_REQUEST"}],
        [{"type": "body", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "Ana"}]}],
    ),
    "authentication": Sample(
        [
            {"type": "BODY", "add_security_recommendation": True},
            {"type": "FOOTER", "code_expiration_minutes": 10},
            buttons(button("OTP", otp_type="COPY_CODE")),
        ],
        [texts("body", "123456"), pressed("url", 0, type="text", text="123456")],
        "AUTHENTICATION",
    ),
    "long": Sample(
        [header("IMAGE"), body(_LONG), buttons(_SHOP)], [medium("image"), pressed("url", 0, type="text", text="a")]
    ),
    "arabic": Sample(
        [
            header("TEXT", "تخفيضات الصيف"),
            body("مرحبا {{1}}، خصم *٢٠٪* على كل شيء حتى يوم الأحد.\nOrder 4711\n- أحذية\n- حقائب"),
            {"type": "FOOTER", "text": "أرسل إيقاف للخروج"},
            buttons(button("QUICK_REPLY", "أرني"), button("QUICK_REPLY", "إيقاف")),
        ],
        [texts("body", "آنا")],
    ),
    "hebrew": Sample([body("שלום {{1}}, ההזמנה *שלך* מוכנה!")], [texts("body", "אנה")], "UTILITY"),
    "missing_values": Sample([header("IMAGE"), body("Hi {{1}}, {{2}} off."), buttons(_SHOP)], [texts("body", "Ana")]),
}


def bubbles() -> dict[str, Bubble]:
    """Every sample's bubble by its name."""
    return {name: sample.bubble() for name, sample in TEMPLATES.items()} | {
        name: message_bubble(message, PICTURES) for name, message in MESSAGES.items()
    }
