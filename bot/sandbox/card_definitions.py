"""Checks the cards of a carousel's definition as Meta does (docs/meta.md §5.6)."""

from collections.abc import Callable
from typing import Any

from bot.sandbox.definition_buttons import check_buttons
from bot.sandbox.definition_texts import refuse

FORM = 2_388_072
MEDIA_BUTTONS = {"QUICK_REPLY", "URL", "PHONE_NUMBER"}
PRODUCT_BUTTONS = {"SPM", "URL"}

CheckHeader = Callable[[dict[str, Any]], None]
CheckBody = Callable[[dict[str, Any], str, int], None]


def check_carousel(cards: Any, form: str, check_header: CheckHeader, check_body: CheckBody) -> None:
    """Check that there are 2 to 10 cards of one shape, of products exactly 2. Raises SandboxGraphError."""
    if not isinstance(cards, list) or not 2 <= len(cards) <= 10:
        refuse("CAROUSEL needs 2 to 10 cards", FORM)
    shapes = [_check_card(card, form, check_header, check_body) for card in cards]
    if any(shape != shapes[0] for shape in shapes):
        refuse("all cards need the same components", FORM)
    if shapes[0][0] == "PRODUCT" and len(cards) != 2:
        refuse("a product carousel is created with exactly 2 cards", FORM)


def _check_card(card: Any, form: str, check_header: CheckHeader, check_body: CheckBody) -> list[str]:
    parts = card.get("components") if isinstance(card, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        refuse("every card needs components", FORM)
    kinds = [str(part.get("type", "")).upper() for part in parts]
    by_kind = dict(zip(kinds, parts, strict=True))
    if len(by_kind) != len(parts) or not {"HEADER", "BODY", "BUTTONS"}.issuperset(kinds) or "HEADER" not in by_kind:
        refuse("a card has a header, a body and buttons, each once", FORM)
    header = str(by_kind["HEADER"].get("format", "")).upper()
    if header not in ("IMAGE", "VIDEO", "PRODUCT"):
        refuse("a card's header is IMAGE, VIDEO or PRODUCT", FORM)
    check_header(by_kind["HEADER"])
    if "BODY" in by_kind:
        check_body(by_kind["BODY"], form, 160)
    buttons = by_kind.get("BUTTONS", {}).get("buttons")
    most = 1 if header == "PRODUCT" else 2
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= most:
        refuse(f"a card takes 1 to {most} buttons", FORM)
    check_buttons(buttons, form, 20)
    found = [str(button.get("type", "")).upper() for button in buttons]
    if not (PRODUCT_BUTTONS if header == "PRODUCT" else MEDIA_BUTTONS).issuperset(found):
        refuse("a card has a button of another kind than its header allows", FORM)
    return [header, *sorted(set(kinds) - {"BUTTONS"}), *found]
