"""Draws a bubble as HTML. The classes are those of static/preview.css; nothing is loaded from outside, nothing is inline style."""

from markupsafe import Markup

from bot.preview.bubble import Bubble, BubbleCard, Header, MediumHeader, MediumKind, OfferBanner, TextTitle
from bot.preview.cut import cut_of
from bot.preview.draw_buttons import draw_buttons, draw_sheet
from bot.preview.draw_header import draw_header
from bot.preview.elements import element, joined
from bot.preview.filled_text import FilledText
from bot.preview.formatting import formatted, plain
from bot.preview.icons import icon
from bot.preview.look import DEFAULT_LOOK, Look, Theme

_SECONDS_A_DAY = 86_400
_JUMBO = 3


def draw(bubble: Bubble, look: Look = DEFAULT_LOOK) -> Markup:
    """The HTML of a message: its bubble, and below it the cards of a carousel."""
    theme = None if look.theme == "auto" else f"wa-{look.theme}"
    classes = " ".join(name for name in ("wa", f"wa-{look.side}", theme) if name)
    return element("div", _bubble(bubble, look), _cards(bubble.cards, look), class_=classes)


def draw_on_screen(*messages: str, theme: Theme = "auto") -> Markup:
    """Messages that are drawn already on the wall of a chat."""
    classes = "wa-screen" if theme == "auto" else f"wa-screen wa-{theme}"
    return element("div", *messages, class_=classes)


def _bubble(bubble: Bubble, look: Look) -> Markup:
    parts = [
        draw_header(bubble.header, look.words) if bubble.header else None,
        _offer(bubble.offer, look) if bubble.offer else None,
        _body(bubble.body, look, is_marketing=bubble.is_marketing) if bubble.body else None,
        element("div", plain(bubble.footer), class_="wa-footer", dir="auto") if bubble.footer else None,
        element("div", bubble.notice, class_="wa-notice", dir="auto") if bubble.notice else None,
    ]
    buttons = joined(draw_buttons(bubble.buttons, bubble.sheet, look), draw_sheet(bubble.sheet, look))
    is_wide = bool(buttons or bubble.cards or bubble.offer) or not _is_narrow(bubble.header)
    stamp = element("div", look.stamp, class_="wa-stamp") if look.stamp else None
    return element(
        "div",
        element("div", *parts, stamp, class_="wa-content"),
        buttons or None,
        class_="wa-bubble wa-wide" if is_wide else "wa-bubble",
        role="group",
        aria_label=look.label or look.words.message,
    )


def _is_narrow(header: Header | None) -> bool:
    """Whether the bubble is as wide as its text."""
    is_sticker = isinstance(header, MediumHeader) and header.kind is MediumKind.STICKER
    return header is None or is_sticker or isinstance(header, TextTitle)


def _body(text: FilledText, look: Look, *, is_marketing: bool) -> Markup:
    whole = formatted(text, opens_links=look.opens_links)
    cut = cut_of(text.text, is_marketing=is_marketing)
    if cut is None:
        return element("div", whole, class_="wa-body wa-jumbo" if _is_jumbo(text.text) else "wa-body")
    # One <details> with both: the beginning is its summary, and is hidden while it is open.
    beginning = element("span", formatted(text.up_to(cut), opens_links=False), class_="wa-beginning")
    more = element("span", look.words.read_more, class_="wa-more")
    return element("details", element("summary", beginning, more), element("div", whole), class_="wa-body wa-long")


def _is_jumbo(text: str) -> bool:
    """Whether it is one to three emoji and nothing else: the phone draws these large."""
    symbols = [character for character in text.strip() if ord(character) >= 0x2190 and not character.isalnum()]
    bases = [character for character in symbols if ord(character) not in (0xFE0F, 0x200D) and not _is_skin(character)]
    return 0 < len(bases) <= _JUMBO and len(symbols) == len(text.strip())


def _is_skin(character: str) -> bool:
    return 0x1F3FB <= ord(character) <= 0x1F3FF


def _offer(offer: OfferBanner, look: Look) -> Markup:
    words = look.words
    countdown = countdown_of(offer, look)
    return element(
        "div",
        element("span", icon("tag"), class_="wa-offer-sign"),
        element(
            "div",
            element("div", plain(offer.text), class_="wa-offer-text", dir="auto"),
            element("div", countdown, class_="wa-countdown") if countdown else None,
            element("div", _code(offer.code, words.code), class_="wa-code") if offer.code else None,
        ),
        class_="wa-offer",
    )


def _code(code: FilledText, template: str) -> Markup:
    before, _, after = template.partition("{code}")
    return joined(before, plain(code), after)


def countdown_of(offer: OfferBanner, look: Look) -> str:
    """How long the offer lasts, as its row says it; "" for one that does not expire."""
    words = look.words
    if not offer.has_expiration and offer.expires_at is None:
        return ""
    if offer.expires_at is None or look.now is None:
        return words.ends_open
    left = int(offer.expires_at - look.now)
    if left <= 0:
        return words.ended
    if left >= 2 * _SECONDS_A_DAY:
        return words.ends_days.format(days=left // _SECONDS_A_DAY)
    hours, minutes = left // 3600, left % 3600 // 60
    return (
        words.ends_hours.format(hours=hours, minutes=minutes) if hours else words.ends_minutes.format(minutes=minutes)
    )


def _cards(cards: tuple[BubbleCard, ...], look: Look) -> Markup | None:
    if not cards:
        return None
    label = look.words.cards.format(count=len(cards))
    drawn = (_card(card, len(cards), look) for card in cards)
    # It can be focused, so that the arrow keys scroll it.
    return element("div", element("ul", *drawn), class_="wa-cards", role="region", aria_label=label, tabindex="0")


def _card(card: BubbleCard, count: int, look: Look) -> Markup:
    content = (
        draw_header(card.header, look.words) if card.header else None,
        element("div", formatted(card.body, opens_links=look.opens_links), class_="wa-body") if card.body else None,
    )
    label = look.words.card.format(place=card.place + 1, count=count)
    buttons = draw_buttons(card.buttons, None, look, card=card.place)
    return element("li", element("div", *content, class_="wa-content"), buttons, class_="wa-card", aria_label=label)
