"""Building the body of a template message."""

from typing import Any

from bot.messages.chat import chat_body
from bot.messages.components import variable_names
from bot.messages.template import TemplateBuilder
from models.templates.content import MessageContent


def build(components: list[dict[str, Any]], values: dict[str, Any], **more: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"parameter_format": "POSITIONAL", "content": MessageContent()} | more
    builder = TemplateBuilder(name="t", language="en", components=components, installation="abc", **options)
    return builder.build(recipient_id=7, attempt=2, phone="+34600000001", bsuid="ES.1", values=values)


def test_the_envelope_prefers_the_phone_and_carries_the_callback_data() -> None:
    body = build([{"type": "BODY", "text": "Hello"}], {})
    assert body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+34600000001",
        "type": "template",
        "template": {"name": "t", "language": {"code": "en"}},
        "biz_opaque_callback_data": "h1:abc:7:2",
    }


def test_somebody_without_a_phone_is_addressed_by_bsuid() -> None:
    builder = TemplateBuilder(
        name="t",
        language="en",
        components=[],
        parameter_format="POSITIONAL",
        content=MessageContent(),
        installation="abc",
    )
    body = builder.build(recipient_id=7, attempt=1, phone=None, bsuid="ES.1", values={})
    assert body["recipient"] == "ES.1"
    assert "to" not in body


def test_positional_parameters_stand_in_the_order_of_their_numbers() -> None:
    text = "{{2}} and {{1}}, " + ", ".join(f"{{{{{number}}}}}" for number in range(3, 12))
    values = {"body": {str(number): f"v{number}" for number in range(1, 12)}}
    (body,) = build([{"type": "BODY", "text": text}], values)["template"]["components"]
    assert [parameter["text"] for parameter in body["parameters"]] == [f"v{number}" for number in range(1, 12)]


def test_named_parameters_say_their_names() -> None:
    components = [
        {"type": "HEADER", "format": "TEXT", "text": "Order {{order}}"},
        {"type": "BODY", "text": "Hi {{name}}"},
    ]
    values = {"header": {"order": 4711.0}, "body": {"name": "Ann"}}
    header, body = build(components, values, parameter_format="NAMED")["template"]["components"]
    assert header == {"type": "header", "parameters": [{"type": "text", "text": "4711", "parameter_name": "order"}]}
    assert body["parameters"] == [{"type": "text", "text": "Ann", "parameter_name": "name"}]


def test_a_media_header_is_sent_with_every_message() -> None:
    components = [{"type": "HEADER", "format": "DOCUMENT"}]
    (header,) = build(components, {}, content=MessageContent(media={"header": {"id": "9", "filename": "a.pdf"}}))[
        "template"
    ]["components"]
    assert header["parameters"] == [{"type": "document", "document": {"id": "9", "filename": "a.pdf"}}]
    components = [{"type": "HEADER", "format": "IMAGE"}]
    (header,) = build(components, {}, content=MessageContent(media={"header": {"id": "9", "filename": "a.png"}}))[
        "template"
    ]["components"]
    assert header["parameters"] == [{"type": "image", "image": {"id": "9"}}]


def test_buttons_have_what_their_kind_needs_and_static_ones_nothing() -> None:
    buttons = [
        {"type": "QUICK_REPLY", "text": "Yes"},
        {"type": "URL", "text": "Shop", "url": "https://x.test/p?c={{1}}"},
        {"type": "URL", "text": "Home", "url": "https://x.test/"},
        {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "1"},
        {"type": "COPY_CODE", "example": "A"},
    ]
    values = {"buttons": {"1": "a b/ü", "4": "CODE"}}
    found = build([{"type": "BUTTONS", "buttons": buttons}], values)["template"]["components"]
    assert [(part["sub_type"], part["index"]) for part in found] == [
        ("quick_reply", "0"),
        ("url", "1"),
        ("copy_code", "4"),
    ]
    assert found[0]["parameters"] == [{"type": "payload", "payload": "h1b:abc:7:0"}]
    assert found[1]["parameters"] == [{"type": "text", "text": "a%20b%2F%C3%BC"}]
    assert found[2]["parameters"] == [{"type": "coupon_code", "coupon_code": "CODE"}]


def test_a_document_by_link_has_the_name_of_its_file() -> None:
    components = [{"type": "HEADER", "format": "DOCUMENT"}]
    media = {"header": {"link": "https://x.test/files/Menu%20March.pdf?v=2"}}
    (header,) = build(components, {}, content=MessageContent(media=media))["template"]["components"]
    assert header["parameters"][0]["document"]["filename"] == "Menu March.pdf"


def test_a_document_by_link_in_a_chat_has_the_name_of_its_file_unless_it_has_its_own() -> None:
    content = {"type": "document", "document": {"link": "https://x.test/a.pdf"}}
    own = {"type": "document", "document": {"link": "https://x.test/a.pdf", "filename": "b.pdf"}}
    image = {"type": "image", "image": {"link": "https://x.test/a.png"}}
    address: dict[str, Any] = {"wa_id": "34600000001", "phone": None, "bsuid": None, "callback": "c"}
    assert chat_body(content, **address)["document"] == {"link": "https://x.test/a.pdf", "filename": "a.pdf"}
    assert chat_body(own, **address)["document"]["filename"] == "b.pdf"
    assert chat_body(image, **address)["image"] == {"link": "https://x.test/a.png"}


def test_a_value_with_line_breaks_is_sent_flat() -> None:
    (body,) = build([{"type": "BODY", "text": "Hi {{1}}"}], {"body": {"1": "Ana\r\nRuiz"}})["template"]["components"]
    assert body["parameters"] == [{"type": "text", "text": "Ana Ruiz"}]


def test_variables_are_found_with_spaces_and_once() -> None:
    assert variable_names("{{ 1 }} {{2}} {{1}}") == ["1", "2"]
