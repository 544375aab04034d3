"""Meta's rules: each mistake is found at its field, with what is allowed; what is allowed passes."""

from typing import Any

import pytest

from models.templates.definition.languages import LANGUAGES
from models.templates.definition.parse import check_template_json
from tests.support.template_files import changed, template_json

SPEC = "optimization_spec"
BUTTON = {"type": "QUICK_REPLY", "text": "Yes"}
URL = {"type": "URL", "text": "Shop", "url": "https://x.test/a"}


def problems_of(definition: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in check_template_json(definition).problems]


@pytest.mark.parametrize(
    ("name", "path", "value", "field", "said"),
    [
        ("coupon", "name", "Spring Sale", "name", "lower case"),
        ("coupon", "name", "a" * 513, "name", "513 characters, at most 512"),
        ("coupon", "language", "en-US", "language", "Meta writes en_US"),
        ("coupon", "language", "xx", "language", "allowed are af, "),
        ("coupon", "category", "PROMO", "category", "MARKETING, UTILITY, AUTHENTICATION"),
        ("coupon", "parameter_format", "letters", "parameter_format", "POSITIONAL, NAMED"),
        ("coupon", "message_send_ttl_seconds", 43_199, "message_send_ttl_seconds", "from 43200 to 2592000"),
        ("coupon", "message_send_ttl_seconds", -1, "message_send_ttl_seconds", "from 43200 to 2592000"),
        ("loc", "message_send_ttl_seconds", 43_201, "message_send_ttl_seconds", "from 30 to 43200"),
        ("login_code", "message_send_ttl_seconds", 901, "message_send_ttl_seconds", "from 30 to 900"),
        ("login_code", "message_send_ttl_seconds", True, "message_send_ttl_seconds", "whole number"),
        ("max_price", f"{SPEC}.bid_amount", 0, f"{SPEC}.bid_amount", "from 1 to"),
        ("max_price", f"{SPEC}.bid_amount", 2**31, f"{SPEC}.bid_amount", "from 1 to 2147483647"),
        ("max_price", f"{SPEC}.bid_amount", 1.5, f"{SPEC}.bid_amount", "whole number"),
        ("max_price", f"{SPEC}.bid_strategy", None, f"{SPEC}.bid_strategy", "LOWEST_COST_WITH_BID_CAP"),
        ("max_price", "category", "UTILITY", SPEC, "marketing templates only"),
        # The body.
        ("coupon", "components.1", None, "components", "no BODY"),
        ("coupon", "components.-1", {"type": "BODY", "text": "x"}, "components[3]", "a BODY already"),
        ("coupon", "components.1.text", "x" * 1025, "components[1].text", "1025 characters, at most 1024"),
        ("coupon", "components.1.text", "  ", "components[1].text", "is missing"),
        ("coupon", "components.1.text", "{{1}} is yours with {{2}} off today.", "components[1].text", "begins with"),
        ("coupon", "components.1.text", "Yours with {{2}} off is {{1}}", "components[1].text", "ends with"),
        ("coupon", "components.1.text", "Take this one {{1}} {{2}} off today.", "components[1].text", "side by side"),
        ("coupon", "components.1.text", "Take this one {{1}} and {{3}} off today.", "components[1].text", "count up"),
        ("coupon", "components.1.text", "Take this one {{1}} and {{name}} off.", "components[1].text", "is no number"),
        ("coupon", "components.1.text", "Take this one {{#1}} and go.", "components[1].text", "is no number"),
        ("coupon", "components.1.text", "Take this one {{$x}} and go.", "components[1].text", "is no number"),
        ("coupon", "components.1.text", "Take this one {{5%}} and go.", "components[1].text", "is no number"),
        ("coupon", "components.1.text", "Take {{1} and {{2}} today.", "components[1].text", "no number"),
        ("coupon", "components.1.text", "Take {{1}} and 2}} today.", "components[1].text", "do not match"),
        ("coupon", "components.1.text", "Hi {{1}}, {{2}}.", "components[1].text", "at least 3 words"),
        ("coupon", "components.1.example", None, "components[1].example.body_text", "{{1}}, {{2}}"),
        ("coupon", "components.1.example.body_text", [["a"]], "components[1].example.body_text", "{{2}}"),
        ("coupon", "components.1.example.body_text", [["a", " "]], "components[1].example.body_text", "{{2}}"),
        ("order_ready", "components.1.text", "Order {{1}} is ready.", "components[1].text", "is a number"),
        ("order_ready", "components.1.text", "Order {{Number}} is ready.", "components[1].text", "is no name"),
        ("order_ready", "components.1.text", "Order {{ab$}} is ready.", "components[1].text", "is no name"),
        ("order_ready", "components.1.example", None, "components[1].example.body_text_named_params", "order_number"),
        ("spm", "components.1.text", "x" * 161, "components[1].text", "at most 160"),
        ("lto", "components.2.text", "x" * 601, "components[2].text", "at most 600"),
        # The header.
        ("mpm", "components.0.text", "x" * 61, "components[0].text", "at most 60"),
        ("mpm", "components.0.text", "A {{1}} b {{2}}", "components[0].text", "a header takes one"),
        ("mpm", "components.0.text", "Hello {{2}}", "components[0].text", "must be {{1}}"),
        ("mpm", "components.0.text", "*Hello* {{1}}", "components[0].text", "formatting"),
        ("mpm", "components.0.text", "Hello\n{{1}}", "components[0].text", "line break"),
        ("mpm", "components.0.example", None, "components[0].example.header_text", "every variable needs one"),
        ("lto", "components.0.example", None, "components[0].example.header_handle", "a sample of the image"),
        ("lto", "components.0.format", "SOUND", "components[0].format", "TEXT, IMAGE, VIDEO, DOCUMENT, GIF"),
        ("coupon", "components.-1", {"type": "FOOTER", "text": "x" * 61}, "components[3].text", "at most 60"),
        ("coupon", "components.-1", {"type": "FOOTER", "text": "a {{1}}"}, "components[3].text", "takes none"),
        # Buttons.
        ("coupon", "components.2.buttons", [], "components[2].buttons", "1 to 10"),
        ("coupon", "components.2.buttons", [BUTTON] * 11, "components[2].buttons", "at most 10"),
        ("coupon", "components.2.buttons", [URL] * 3, "components[2].buttons[2].type", "more than 2 URL"),
        ("coupon", "components.2.buttons", [BUTTON, URL, BUTTON], "components[2].buttons[2].type", "stand together"),
        ("coupon", "components.2.buttons.0.text", "x" * 26, "components[2].buttons[0].text", "26 characters, at most 25"),
        ("coupon", "components.2.buttons.0.text", "🎉" * 26, "components[2].buttons[0].text", "26 characters, at most 25"),
        ("coupon", "components.2.buttons.0.text", "Yes ☀️", "components[2].buttons[0].text", "emoji"),
        ("coupon", "components.2.buttons.0.text", "Hi {{1}}", "components[2].buttons[0].text", "takes none"),
        ("coupon", "components.2.buttons.0.text", None, "components[2].buttons[0].text", "is missing"),
        ("coupon", "components.2.buttons.0.type", "LINK", "components[2].buttons[0].type", "QUICK_REPLY, URL"),
        ("coupon", "components.2.buttons.1.example", "x" * 21, "components[2].buttons[1].example", "at most 20"),
        ("coupon", "components.2.buttons.1.example", None, "components[2].buttons[1].example", "is missing"),
        ("seasonal_promo", "components.3.buttons.1.url", "https://x.test/{{1}}/a", "components[3].buttons[1].url", "at the end"),
        ("seasonal_promo", "components.3.buttons.1.url", "https://x.test/{{2}}", "components[3].buttons[1].url", "{{1}}"),
        ("seasonal_promo", "components.3.buttons.1.url", "https://{{1}}", "components[3].buttons[1].url", "a host"),
        ("seasonal_promo", "components.3.buttons.1.url", "ftp://x.test", "components[3].buttons[1].url", "https://"),
        ("seasonal_promo", "components.3.buttons.1.url", "https://[", "components[3].buttons[1].url", "https://"),
        ("seasonal_promo", "components.3.buttons.1.url", "https://x.test/" + "a" * 2000, "components[3].buttons[1].url", "2000"),
        ("seasonal_promo", "components.3.buttons.1.example", None, "components[3].buttons[1].example", "is missing"),
        ("seasonal_promo", "components.3.buttons.2.phone_number", "1" * 21, "components[3].buttons[2].phone_number", "20"),
        ("seasonal_promo", "components.3.buttons.2.phone_number", "call me", "components[3].buttons[2].phone_number", "digits"),
        ("flow_button", "components.1.buttons.0.flow_id", None, "components[1].buttons[0].flow_id", "one of flow_id"),
        ("flow_button", "components.1.buttons.0.flow_action", "jump", "components[1].buttons[0].flow_action", "NAVIGATE"),
        ("catalog", "components.2.buttons.-1", BUTTON, "components[2].buttons[1].type", "CATALOG button stands alone"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_at_its_field(name: str, path: str, value: Any, field: str, said: str) -> None:
    problems = problems_of(changed(template_json(name), path, value))
    assert any(found.startswith(f"{field}: ") and said in found for found in problems), problems


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("coupon", "message_send_ttl_seconds", 2_592_000),
        ("loc", "message_send_ttl_seconds", -1),
        ("coupon", "components.1.text", "x" * 1024),
        ("coupon", "components.1.text", "您好{{1}}，您的订单{{2}}已发货。"),
        ("coupon", "components.1.text", "Use {{1}} (that is {{1}}) for {{2}} off.\n\n*Today*, _really_."),
        ("catalog", "components.0.text", "Hello {{1}}!"),
        ("coupon", "components.2.buttons.0.text", "Ça ★ ✓ → © ™ – prix €"),
        ("coupon", "components.2.buttons", [BUTTON] * 10),
        ("coupon", "components.2.buttons", [BUTTON, BUTTON, URL, URL]),
        ("coupon", "components.2.buttons", [URL, BUTTON, BUTTON]),
        ("spm", "components.1.text", "x" * 160),
        ("seasonal_promo", "components.3.buttons.2.phone_number", "+1 555-005-1310"),
        ("seasonal_promo", "components.3.buttons.1.example", "https://x.test/p?c=summer2023"),
        ("call_ask", "components.-1", {"type": "FOOTER", "text": "We call once"}),
        ("login_code", "components.0.add_security_recommendation", None),
        ("login_code", "components.1", None),
    ],
)
def test_what_meta_takes_passes(name: str, path: str, value: Any) -> None:
    assert problems_of(changed(template_json(name), path, value)) == []


def test_every_language_of_metas_is_known() -> None:
    assert len(LANGUAGES) == len(set(LANGUAGES)) > 90
    assert {"en", "en_US", "pt_BR", "prs_AF", "zh_HK", "zu"} <= set(LANGUAGES)
