"""Every format of template message: the template, what a campaign file adds to it, and what Meta gets (docs/meta.md §2.3)."""

from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.seed import CATALOG_ID

NAMED = "NAMED"


@dataclass(frozen=True)
class Format:
    """`added` are fields of the campaign file. `sent` are the components that Meta's page shows for it; `<…>` is ours.

    `taps` is what a person taps, by the place of the choice on the phone, with the place at which it is kept.
    """

    name: str
    components: list[dict[str, Any]]
    added: dict[str, Any]
    sent: list[dict[str, Any]]
    category: str = "MARKETING"
    parameter_format: str = "POSITIONAL"
    taps: dict[int, str] = field(default_factory=dict)

    @property
    def template(self) -> dict[str, Any]:
        """As the sandbox keeps it."""
        return {
            "name": self.name,
            "language": "en",
            "category": self.category,
            "status": "APPROVED",
            "parameter_format": self.parameter_format,
            "components": self.components,
        }


def text(value: str, name: str | None = None) -> dict[str, Any]:
    return {"type": "text", "text": value} | ({"parameter_name": name} if name else {})


def fixed(value: str) -> dict[str, Any]:
    return {"source": "text", "text": value}


def head(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "header", "parameters": [{"type": kind, kind: value}]}


def button(sub_type: str, index: int, parameter: dict[str, Any]) -> dict[str, Any]:
    return {"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter]}


def quick(index: int, card: int | None = None) -> dict[str, Any]:
    place = index if card is None else f"{card}:{index}"
    return button("quick_reply", index, {"type": "payload", "payload": f"<payload>:{place}"})


def body(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "BODY", "text": value, **more}


def buttons(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": list(rows)}


def link(label: str, url: str) -> dict[str, Any]:
    return {"type": "URL", "text": label, "url": url, "example": ["x"]}


def reply(label: str) -> dict[str, Any]:
    return {"type": "QUICK_REPLY", "text": label}


def media_card(value: str) -> dict[str, Any]:
    url = link("Shop", "https://x.test/{{1}}")
    return {"components": [{"type": "HEADER", "format": "IMAGE"}, body(value), buttons(reply("More"), url)]}


def product_card() -> dict[str, Any]:
    view = {"type": "SPM", "text": "View"}
    return {"components": [{"type": "HEADER", "format": "PRODUCT"}, buttons(view)]}


PICTURE = "https://x.test/a.jpg"
NAME = fixed("Maria")
FORMATS = (
    Format(
        "text_positional",
        [
            {"type": "HEADER", "format": "TEXT", "text": "For {{1}}"},
            body("Use {{1}} for {{2}} percent off."),
            buttons(reply("Yes"), reply("No")),
        ],
        {"variables": {"header": {"1": NAME}, "body": {"1": fixed("SUMMER20"), "2": fixed("10")}}},
        [
            {"type": "header", "parameters": [text("Maria")]},
            {"type": "body", "parameters": [text("SUMMER20"), text("10")]},
            quick(0),
            quick(1),
        ],
        taps={0: "0", 1: "1"},
    ),
    Format(
        "text_named",
        [
            {"type": "HEADER", "format": "TEXT", "text": "Hi {{first_name}}"},
            body("Order {{order_number}} is ready, {{first_name}}."),
            buttons(link("Open", "https://x.test/o/{{customer_name}}"), reply("Thanks")),
        ],
        {
            "variables": {
                "header": {"first_name": NAME},
                "body": {"first_name": NAME, "order_number": fixed("860198")},
                "buttons": {"0": fixed("maria: ñ")},
            }
        },
        [
            {"type": "header", "parameters": [text("Maria", "first_name")]},
            {"type": "body", "parameters": [text("860198", "order_number"), text("Maria", "first_name")]},
            button("url", 0, text("maria%3A%20%C3%B1", "customer_name")),
            quick(1),
        ],
        parameter_format=NAMED,
        taps={1: "1"},
    ),
    Format(
        "image",
        [{"type": "HEADER", "format": "IMAGE"}, body("Look."), buttons(reply("More"))],
        {"media": {"header": {"link": PICTURE}}},
        [head("image", {"link": PICTURE}), quick(0)],
        taps={0: "0"},
    ),
    Format(
        "video",
        [{"type": "HEADER", "format": "VIDEO"}, body("Look."), buttons(reply("More"))],
        {"media": {"header": {"link": "https://x.test/a.mp4"}}},
        [head("video", {"link": "https://x.test/a.mp4"}), quick(0)],
        taps={0: "0"},
    ),
    Format(
        "document",
        [{"type": "HEADER", "format": "DOCUMENT"}, body("Your bill."), buttons(reply("Thanks"))],
        {"media": {"header": {"link": "https://x.test/b.pdf", "filename": "boleto.pdf"}}},
        [head("document", {"link": "https://x.test/b.pdf", "filename": "boleto.pdf"}), quick(0)],
        category="UTILITY",
        taps={0: "0"},
    ),
    Format(
        "location",
        [{"type": "HEADER", "format": "LOCATION"}, body("Your parcel waits here."), buttons(reply("Coming"))],
        {
            "location": {
                "latitude": 37.4421,
                "longitude": -122.1615,
                "name": "Store",
                "address": "101 Forest Ave",
            }
        },
        [
            head(
                "location",
                {"latitude": "37.4421", "longitude": "-122.1615", "name": "Store", "address": "101 Forest Ave"},
            ),
            quick(0),
        ],
        taps={0: "0"},
    ),
    Format(
        "coupon",
        [
            body("Use it today."),
            buttons(
                reply("Unsubscribe"),
                {"type": "COPY_CODE", "example": "WINTER25"},
                link("Shop", "https://x.test/p?c={{1}}"),
                link("Home", "https://x.test/"),
                {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "15550051310"},
            ),
        ],
        {"variables": {"buttons": {"1": fixed("CARIBE25"), "2": fixed("n3mtql")}}},
        [
            quick(0),
            button("copy_code", 1, {"type": "coupon_code", "coupon_code": "CARIBE25"}),
            button("url", 2, text("n3mtql")),
        ],
        taps={0: "0"},
    ),
    Format(
        "form",
        [body("Tell us."), buttons({"type": "FLOW", "text": "Open", "flow_id": "1", "flow_action": "navigate"})],
        {"flow_data": {"city": fixed("Lima")}},
        [
            button(
                "flow",
                0,
                {"type": "action", "action": {"flow_token": "<token>:0", "flow_action_data": {"city": "Lima"}}},
            )
        ],
        taps={0: "0"},
    ),
    Format(
        "catalog",
        [body("See what is new, {{1}}."), buttons({"type": "CATALOG", "text": "View catalog"})],
        {"variables": {"body": {"1": NAME}}, "thumbnail_sku": "SKU-1"},
        [
            {"type": "body", "parameters": [text("Maria")]},
            button("CATALOG", 0, {"type": "action", "action": {"thumbnail_product_retailer_id": "SKU-1"}}),
        ],
        taps={0: "0"},
    ),
    Format(
        "product_list",
        [
            {"type": "HEADER", "format": "TEXT", "text": "Forgot something, {{1}}?"},
            body("Still interested?"),
            buttons({"type": "MPM", "text": "View items"}),
        ],
        {
            "variables": {"header": {"1": NAME}},
            "products": {"sections": [{"title": "Popular", "skus": ["SKU-1", "SKU-2"]}]},
        },
        [
            {"type": "header", "parameters": [text("Maria")]},
            button(
                "mpm",
                0,
                {
                    "type": "action",
                    "action": {
                        "thumbnail_product_retailer_id": "SKU-1",
                        "sections": [
                            {
                                "title": "Popular",
                                "product_items": [
                                    {"product_retailer_id": "SKU-1"},
                                    {"product_retailer_id": "SKU-2"},
                                ],
                            }
                        ],
                    },
                },
            ),
        ],
        taps={0: "0"},
    ),
    Format(
        "single_product",
        [
            {"type": "HEADER", "format": "PRODUCT"},
            body("Use {{code}} on our newest."),
            buttons({"type": "SPM", "text": "View"}),
        ],
        {
            "variables": {"body": {"code": fixed("25OFF")}},
            "products": {"sku": "SKU-2", "catalog_id": CATALOG_ID},
        },
        [
            head("product", {"product_retailer_id": "SKU-2", "catalog_id": CATALOG_ID}),
            {"type": "body", "parameters": [text("25OFF", "code")]},
        ],
        parameter_format=NAMED,
        taps={0: "0"},
    ),
    Format(
        "media_cards",
        [
            body("For you, {{1}}:"),
            {"type": "CAROUSEL", "cards": [media_card("Take {{1}}."), media_card("Or take {{1}}.")]},
        ],
        {
            "variables": {"body": {"1": NAME}},
            "cards": [
                {
                    "media": {"header": {"link": PICTURE}},
                    "variables": {"body": {"1": fixed("10%")}, "buttons": {"1": fixed("blue-elf")}},
                },
                {
                    "media": {"header": {"link": "https://x.test/b.jpg"}},
                    "variables": {"body": {"1": fixed("20%")}, "buttons": {"1": fixed("red-elf")}},
                },
            ],
        },
        [
            {"type": "body", "parameters": [text("Maria")]},
            {
                "type": "carousel",
                "cards": [
                    {
                        "card_index": 0,
                        "components": [
                            head("image", {"link": PICTURE}),
                            {"type": "body", "parameters": [text("10%")]},
                            quick(0, 0),
                            button("url", 1, text("blue-elf")),
                        ],
                    },
                    {
                        "card_index": 1,
                        "components": [
                            head("image", {"link": "https://x.test/b.jpg"}),
                            {"type": "body", "parameters": [text("20%")]},
                            quick(0, 1),
                            button("url", 1, text("red-elf")),
                        ],
                    },
                ],
            },
        ],
        taps={0: "0.0", 2: "1.0"},
    ),
    Format(
        "product_cards",
        [body("For you:"), {"type": "CAROUSEL", "cards": [product_card(), product_card()]}],
        {
            "products": {"catalog_id": CATALOG_ID},
            "cards": [{"product": {"sku": sku}} for sku in ("SKU-3", "SKU-1", "SKU-2")],
        },
        [
            {
                "type": "carousel",
                "cards": [
                    {
                        "card_index": index,
                        "components": [head("product", {"product_retailer_id": sku, "catalog_id": CATALOG_ID})],
                    }
                    for index, sku in enumerate(("SKU-3", "SKU-1", "SKU-2"))
                ],
            }
        ],
        taps={0: "0.0", 1: "1.0", 2: "2.0"},
    ),
    Format(
        "offer",
        [
            {"type": "HEADER", "format": "IMAGE"},
            {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Expiring offer!", "has_expiration": True}},
            body("Hi {{1}}, 25% off."),
            buttons({"type": "COPY_CODE", "example": "CARIBE25"}, link("Book", "https://x.test/o?c={{1}}")),
        ],
        {
            "media": {"header": {"link": PICTURE}},
            "variables": {"body": {"1": NAME}, "buttons": {"1": fixed("n3mtql")}},
            "offer": {"expires_at": "2126-12-29T16:06:40+00:00", "code": fixed("CARIBE25")},
        },
        [
            head("image", {"link": PICTURE}),
            {"type": "body", "parameters": [text("Maria")]},
            {
                "type": "limited_time_offer",
                "parameters": [
                    {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 4954234000000}}
                ],
            },
            button("copy_code", 0, {"type": "coupon_code", "coupon_code": "CARIBE25"}),
            button("url", 1, text("n3mtql")),
        ],
    ),
    Format(
        "login_code",
        [
            {"type": "BODY", "add_security_recommendation": True},
            {"type": "FOOTER", "code_expiration_minutes": 10},
            buttons({"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code"}),
        ],
        {"variables": {"body": {"1": fixed("J$FpnYnP")}, "buttons": {"0": fixed("J$FpnYnP")}}},
        [{"type": "body", "parameters": [text("J$FpnYnP")]}, button("url", 0, text("J$FpnYnP"))],
        category="AUTHENTICATION",
    ),
)
BY_NAME = {each.name: each for each in FORMATS}


def comparable(components: Any) -> Any:
    """Components without what Meta takes in two ways: the index as a number or a text, the letters of `sub_type`."""
    if isinstance(components, list):
        return [comparable(part) for part in components]
    if not isinstance(components, dict):
        return components
    changed = {key: comparable(value) for key, value in components.items()}
    if "index" in changed:
        changed["index"] = int(changed["index"])
    if "sub_type" in changed:
        changed["sub_type"] = str(changed["sub_type"]).lower()
    return changed


def with_ours(components: Any, payload: str, token: str) -> Any:
    """Expected components with our payload and token in their places."""
    if isinstance(components, list):
        return [with_ours(part, payload, token) for part in components]
    if isinstance(components, dict):
        return {key: with_ours(value, payload, token) for key, value in components.items()}
    if isinstance(components, str):
        return components.replace("<payload>", payload).replace("<token>", token)
    return components
