"""Draws what can be tapped below a message: its buttons, and the sheet that opens from the bottom of the screen."""

from collections.abc import Sequence

from markupsafe import Markup

from bot.preview.bubble import BubbleButton, ButtonKind, ChoiceSheet, ListRow
from bot.preview.elements import element, joined, void
from bot.preview.icons import button_icon, icon
from bot.preview.look import Look, Tap

MOST_VISIBLE = 3
VISIBLE_OF_MORE = 2
"""More than three buttons: two are visible, the rest stand behind "See all options" (docs/meta.md §2.5)."""
_FOLLOWED = ("https://", "http://")


def draw_buttons(
    buttons: Sequence[BubbleButton], sheet: ChoiceSheet | None, look: Look, card: int | None = None
) -> Markup | None:
    """The buttons of a message, or of the card at this index; None if there are none.

    The button that opens `sheet`'s products is drawn with the sheet.
    """
    shown = [button for button in buttons if not (sheet and sheet.is_products and button.kind is ButtonKind.ITEMS)]
    if not shown:
        return None
    if len(shown) <= MOST_VISIBLE:
        return element("div", *(_button(button, look, card) for button in shown), class_="wa-buttons")
    visible = (_button(button, look, card) for button in shown[:VISIBLE_OF_MORE])
    opener = element("summary", icon("list"), element("span", look.words.all_options), class_="wa-button")
    rest = element("div", *(_button(button, look, card) for button in shown), class_="wa-sheet")
    return element("div", *visible, element("details", opener, rest, class_="wa-all"), class_="wa-buttons")


def _button(button: BubbleButton, look: Look, card: int | None) -> Markup:
    tap = Tap(button.kind.value, button.title, button.place, button.payload, card)
    content = joined(button_icon(button.kind), element("span", button.title, dir="auto"))
    attributes = dict(look.tap(tap) or {}) if look.tap else {}
    if attributes:
        return element("button", content, type="button", class_="wa-button", title=button.target or None, **attributes)
    if look.opens_links and button.kind is ButtonKind.URL and button.target.startswith(_FOLLOWED):
        return element("a", content, class_="wa-button", href=button.target, rel="noopener noreferrer", target="_blank")
    return element("span", content, class_="wa-button", title=button.target or None)


def draw_sheet(sheet: ChoiceSheet | None, look: Look) -> Markup | None:
    """A list or the products of a message, behind the button that opens it; None if there are none."""
    if sheet is None:
        return None
    parts: list[Markup] = []
    place = 0
    for section in sheet.sections:
        if section.title:
            parts.append(element("div", section.title, class_="wa-section", dir="auto"))
        for row in section.rows:
            parts.append(_row(row, place, look, is_product=sheet.is_products))
            place += 1
    opener = element("summary", icon("list"), element("span", sheet.opener, dir="auto"), class_="wa-button")
    return element(
        "div",
        element("details", opener, element("div", *parts, class_="wa-sheet"), class_="wa-all"),
        class_="wa-buttons",
    )


def _row(row: ListRow, place: int, look: Look, *, is_product: bool) -> Markup:
    kind = "product_row" if is_product else "row"
    picture: Markup | None = None
    if row.product is not None:
        inner = void("img", src=row.product.url, alt="", loading="lazy") if row.product.url else icon("image")
        picture = element("span", inner, class_="wa-picture" if row.product.url else "wa-picture wa-empty")
    lines = element(
        "span",
        element("span", row.title, class_="wa-name", dir="auto"),
        element("span", row.description, class_="wa-soft", dir="auto") if row.description else None,
        class_="wa-lines",
    )
    attributes = dict(look.tap(Tap(kind, row.title, place, row.payload)) or {}) if look.tap else {}
    if attributes:
        return element("button", picture, lines, type="button", class_="wa-row", **attributes)
    return element("span", picture, lines, class_="wa-row")
