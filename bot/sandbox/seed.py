"""Defines the default world of the sandbox. Its phone numbers are from a range that is never assigned."""

from typing import Any

PORTFOLIO_ID = "900000000000001"
APP_ID = "300000000000001"
WABA_ID = "100000000000001"
PHONE_NUMBER_ID = "200000000000001"
SECOND_PHONE_NUMBER_ID = "200000000000002"
CATALOG_ID = "400000000000001"


def quick_reply(text: str) -> dict[str, str]:
    """Return a quick reply button of a template."""
    return {"type": "QUICK_REPLY", "text": text}


def _body(text: str, *examples: str) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "BODY", "text": text}
    return part | {"example": {"body_text": [list(examples)]}} if examples else part


def _template(
    name: str, language: str, category: str, *components: dict[str, Any], status: str = "APPROVED", **more: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "language": language,
        "category": category,
        "status": status,
        "components": list(components),
        **more,
    }


def _buttons(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": list(buttons)}


def _card(text: str) -> dict[str, Any]:
    url = {"type": "URL", "text": "Shop now", "url": "https://shop.example/shoes/{{1}}", "example": ["blue"]}
    header = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::c2FuZGJveA=="]}}
    return {"components": [header, _body(text), _buttons(quick_reply("Tell me more"), url)]}


_SPRING = [
    _template(
        "spring_sale",
        "en",
        "MARKETING",
        _body("Hi {{1}}, our spring sale is on: {{2}} off everything until Sunday.", "Maria", "20%"),
        {"type": "FOOTER", "text": "Reply STOP to leave"},
        _buttons(quick_reply("Tell me more"), quick_reply("Stop promos")),
        quality="GREEN",
    ),
    _template(
        "spring_sale",
        "es",
        "MARKETING",
        _body("Hola {{1}}, empiezan las rebajas de primavera: {{2}} en todo hasta el domingo.", "María", "20 %"),
        {"type": "FOOTER", "text": "Responde BAJA para salir"},
        _buttons(quick_reply("Cuéntame más"), quick_reply("No quiero promociones")),
        quality="GREEN",
    ),
    _template(
        "spring_sale",
        "pt_BR",
        "MARKETING",
        _body("Olá {{1}}, a promoção de primavera começou: {{2}} em tudo até domingo.", "Maria", "20%"),
        {"type": "FOOTER", "text": "Responda SAIR para parar"},
        _buttons(quick_reply("Quero saber mais"), quick_reply("Parar promoções")),
        quality="GREEN",
    ),
]

_OTHERS = [
    _template(
        "new_collection",
        "en",
        "MARKETING",
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::c2FuZGJveA=="]}},
        _body("Hello {{1}}, the new collection has arrived. Shall we show you around?", "Maria"),
        {"type": "FOOTER", "text": "Reply STOP to leave"},
        _buttons(quick_reply("Show me"), quick_reply("Stop promos")),
        quality="GREEN",
    ),
    _template(
        "order_update",
        "en",
        "UTILITY",
        {"type": "HEADER", "format": "TEXT", "text": "Order {{order_number}}",
         "example": {"header_text_named_params": [{"param_name": "order_number", "example": "4711"}]}},
        {"type": "BODY", "text": "Dear {{first_name}}, your order will arrive on {{arrival_date}} at your door.",
         "example": {"body_text_named_params": [{"param_name": "first_name", "example": "Maria"},
                                                {"param_name": "arrival_date", "example": "3 May"}]}},
        parameter_format="NAMED",
        quality="GREEN",
    ),
    _template(
        "cart_reminder",
        "en",
        "MARKETING",
        _body("Hi {{1}}, you left something in your basket. It is kept for you until tonight.", "Maria"),
        _buttons({"type": "URL", "text": "Open basket", "url": "https://shop.example/basket/{{1}}",
                  "example": ["https://shop.example/basket/a1b2"]}, quick_reply("No thanks")),
    ),
    _template(
        "opening_hours",
        "en",
        "UTILITY",
        _body("Our shop is open from 9 to 18 on weekdays and from 10 to 14 on Saturdays."),
    ),
    _template(
        "coupon_gift",
        "en",
        "MARKETING",
        _body("Thank you for staying with us, {{1}}. Here is a coupon for your next visit.", "Maria"),
        _buttons({"type": "COPY_CODE", "example": "CARIBE25"}),
    ),
    _template(
        "spring_cards",
        "en",
        "MARKETING",
        _body("Chosen for you, {{1}}: *three new shoes* for spring.", "Maria"),
        {"type": "CAROUSEL", "cards": [_card("Blue, for every day"), _card("Red, for the evening"), _card("Green, for the hills")]},
        quality="GREEN",
    ),
    _template(
        "spring_products",
        "en",
        "MARKETING",
        {"type": "HEADER", "format": "TEXT", "text": "Spring at home, {{1}}", "example": {"header_text": ["Maria"]}},
        _body("Hi {{1}}, these have just arrived. Shipping is free until Sunday.", "Maria"),
        {"type": "FOOTER", "text": "Reply STOP to leave"},
        _buttons({"type": "MPM", "text": "View items"}),
        quality="GREEN",
    ),
    _template("winter_sale", "en", "MARKETING", _body("Hi {{1}}, winter is over and so are our prices.", "Maria"),
              status="PAUSED", quality="RED"),
    _template("lottery_win", "en", "MARKETING", _body("Hi {{1}}, you have won. Click to collect it now.", "Maria"),
              status="REJECTED", rejected_reason="SCAM"),
    _template("summer_sale", "en", "MARKETING", _body("Hi {{1}}, our summer sale starts on Monday.", "Maria"),
              status="PENDING"),
    _template("hello_world", "en_US", "UTILITY", {"type": "HEADER", "format": "TEXT", "text": "Hello World"},
              _body("Welcome, and congratulations! This message shows that your number can send.")),
]  # fmt: skip

WORLD: dict[str, Any] = {
    "portfolio_id": PORTFOLIO_ID,
    "app_id": APP_ID,
    "wabas": [
        {
            "id": WABA_ID,
            "name": "Sandbox Shop",
            "numbers": [
                {"id": PHONE_NUMBER_ID, "display_phone_number": "+1 555-010-0001", "verified_name": "Sandbox Shop"},
                {
                    "id": SECOND_PHONE_NUMBER_ID,
                    "display_phone_number": "+1 555-010-0002",
                    "verified_name": "Sandbox Help",
                },
            ],
            "templates": _SPRING + _OTHERS,
            "catalogs": [{"id": CATALOG_ID, "name": "Sandbox Shop", "seeded": 24}],
        }
    ],
}
