"""What Meta checks in a template as a whole: which parts go together in an offer, a carousel and so on (docs/meta.md §5.6)."""

from models.templates.definition.button_rules import check_button_category, check_buttons
from models.templates.definition.buttons import (
    CatalogButton,
    CopyCodeButton,
    MultiProductButton,
    PhoneButton,
    QuickReply,
    SingleProductButton,
    UrlButton,
)
from models.templates.definition.formats import CardDefinition, Carousel
from models.templates.definition.headers import LocationHeader, MediaHeader, ProductHeader, TextHeader
from models.templates.definition.part import Part
from models.templates.definition.problems import Problems
from models.templates.definition.template import AUTHENTICATION, TemplateDefinition
from models.templates.definition.text_rules import CARD_BODY, check_body, check_length
from models.templates.definition.texts import AuthenticationBody, AuthenticationFooter

OFFER_TEXT = 16
CARDS = range(2, 11)
PRODUCT_CARDS = 2
CARD_BUTTONS = 2
CODE_MINUTES = range(1, 91)
_CARD_MEDIA = ("IMAGE", "VIDEO")


def check_formats(template: TemplateDefinition, problems: Problems) -> None:
    """Check what depends on several parts at once."""
    if template.category == AUTHENTICATION:
        _check_authentication(template, problems)
    else:
        _check_own_words(template, problems)
    for button in template.buttons:
        if template.category is not None:
            check_button_category(button, template.category, problems)
    if template.offer is not None:
        _check_offer(template, problems)
    if template.carousel is not None:
        _check_carousel(template, template.carousel, problems)
    _check_commerce(template, problems)
    if template.asks_for_calls:
        _check_calls(template, problems)


def _check_own_words(template: TemplateDefinition, problems: Problems) -> None:
    if template.category is None:
        return
    if isinstance(template.body, AuthenticationBody):
        path = template.body.place("add_security_recommendation")
        problems.add(path, "is for authentication templates only; write a text")
    if isinstance(template.footer, AuthenticationFooter):
        path = template.footer.place("code_expiration_minutes")
        problems.add(path, "is for authentication templates only; write a text")


def _check_authentication(template: TemplateDefinition, problems: Problems) -> None:
    others = (template.header, template.offer, template.carousel)
    for part in others:
        if part is not None:
            problems.add(part.path, "an authentication template takes a body, a footer and one OTP button only")
    body, footer = template.body, template.footer
    if isinstance(body, AuthenticationBody) and body.text and body.add_security_recommendation is None:
        problems.add(body.place("text"), "the text of an authentication template is Meta's own; leave it out")
    if isinstance(footer, AuthenticationFooter):
        minutes = footer.code_expiration_minutes
        if minutes is None:
            problems.add(footer.place("code_expiration_minutes"), "is missing; allowed are 1 to 90")
        elif minutes not in CODE_MINUTES:
            problems.add(footer.place("code_expiration_minutes"), "must be from 1 to 90")
    if not template.buttons:
        problems.add(template.buttons_path or "components", "an authentication template needs an OTP button")


def _check_offer(template: TemplateDefinition, problems: Problems) -> None:
    offer = template.offer
    if offer is None:
        return
    check_length(offer.place("text"), offer.text, OFFER_TEXT, problems)
    if template.category not in {"MARKETING", None}:
        problems.add(offer.path, "a limited-time offer is for marketing templates only")
    if template.footer is not None:
        problems.add(template.footer.path, "a limited-time offer takes no footer")
    header = template.header
    if header is not None and not (isinstance(header, MediaHeader) and header.format in _CARD_MEDIA):
        problems.add(header.place("format"), "a limited-time offer takes a header of IMAGE or VIDEO, or none")
    has_url = False
    for button in template.buttons:
        if not isinstance(button, CopyCodeButton | UrlButton):
            problems.add(button.place("type"), "a limited-time offer takes a COPY_CODE button and a URL button only")
        elif isinstance(button, CopyCodeButton) and has_url:
            problems.add(button.place("type"), "in a limited-time offer COPY_CODE stands first, then URL")
        has_url = has_url or isinstance(button, UrlButton)


def _check_carousel(template: TemplateDefinition, carousel: Carousel, problems: Problems) -> None:
    _only_body_besides(template, carousel, "a carousel takes a body and cards only", problems)
    path, cards = carousel.place("cards"), carousel.cards
    if carousel.has_products and len(cards) != PRODUCT_CARDS:
        problems.add(
            path, "has {count} cards; a carousel of products is made with exactly 2, and sent with 2 to 10",
            count=len(cards),
        )  # fmt: skip
    elif len(cards) not in CARDS:
        problems.add(path, "has {count} cards; allowed are 2 to 10", count=len(cards))
    for card in cards[: CARDS.stop]:
        _check_card(card, template.parameter_format, problems)
        if card.shape != cards[0].shape:
            problems.add(
                card.path, "has another shape ({own}) than the first card ({first}); all cards need the same parts",
                own=", ".join(card.shape), first=", ".join(cards[0].shape),
            )  # fmt: skip


def _check_card(card: CardDefinition, parameter_format: str, problems: Problems) -> None:
    header = card.header
    if header is None:
        problems.add(card.place("header"), "is missing; allowed are IMAGE, VIDEO and PRODUCT")
    elif isinstance(header, MediaHeader) and header.format in _CARD_MEDIA:
        check_sample(header, problems)
    elif not isinstance(header, ProductHeader):
        problems.add(header.place("format"), "a card's header is IMAGE, VIDEO or PRODUCT")
    if card.body is not None:
        check_body(card.body, parameter_format, problems, CARD_BODY)
    is_product, path = isinstance(header, ProductHeader), card.place("buttons")
    most = 1 if is_product else CARD_BUTTONS
    if not 1 <= len(card.buttons) <= most:
        allowed = "one button" if is_product else "1 or 2 buttons"
        problems.add(path, "has {count} buttons; a card takes {allowed}", count=len(card.buttons), allowed=allowed)
    check_buttons(path, card.buttons, parameter_format, problems)
    kinds = (SingleProductButton, UrlButton) if is_product else (QuickReply, UrlButton, PhoneButton)
    for button in card.buttons:
        if not isinstance(button, kinds):
            names = ", ".join(kind.kind for kind in kinds)
            problems.add(button.place("type"), "a card of this kind takes {names} only", names=names)


def _check_commerce(template: TemplateDefinition, problems: Problems) -> None:
    catalog = _first(template, CatalogButton)
    if catalog and template.header is not None:
        problems.add(template.header.path, "a template with a CATALOG button takes no header")
    several, header = _first(template, MultiProductButton), template.header
    if several and not isinstance(header, TextHeader):
        path = header.place("format") if header is not None else several.place("type")
        problems.add(path, "a template with an MPM button needs a header of TEXT")
    single = _first(template, SingleProductButton)
    if single and not isinstance(header, ProductHeader):
        path = header.place("format") if header is not None else single.place("type")
        problems.add(path, "a template with an SPM button needs a header of PRODUCT")
    if isinstance(header, ProductHeader) and not single and template.carousel is None:
        problems.add(header.place("format"), "a header of PRODUCT needs an SPM button")
    if isinstance(header, LocationHeader) and template.category == AUTHENTICATION:
        problems.add(header.place("format"), "a header of LOCATION is for utility and marketing templates")


def _check_calls(template: TemplateDefinition, problems: Problems) -> None:
    if template.category == AUTHENTICATION:
        problems.add("components", "CALL_PERMISSION_REQUEST is for utility and marketing templates")
    for path in [template.buttons_path, *(part.path for part in (template.carousel, template.offer) if part)]:
        if path:
            problems.add(path, "CALL_PERMISSION_REQUEST takes no buttons, carousel or offer beside it")


def _only_body_besides(template: TemplateDefinition, allowed: Part, sentence: str, problems: Problems) -> None:
    for part in (template.header, template.footer, template.offer):
        if part is not None and part is not allowed:
            problems.add(part.path, sentence)
    if template.buttons_path:
        problems.add(template.buttons_path, sentence)


def _first(
    template: TemplateDefinition, kind: type[CatalogButton | MultiProductButton | SingleProductButton]
) -> Part | None:
    return next((button for button in template.buttons if isinstance(button, kind)), None)


def check_sample(header: MediaHeader, problems: Problems) -> None:
    """Check that a header of a file has a sample."""
    if not header.handle:
        problems.add(
            header.place("example.header_handle"), "is missing; a sample of the {kind}: Meta's handle or a file",
            kind=header.format.lower(),
        )  # fmt: skip
