"""The typed model of a message as a phone shows it. What reads Meta's JSON makes it; bot.preview.draw makes HTML of it."""

from dataclasses import dataclass
from enum import StrEnum

from bot.preview.filled_text import NO_TEXT, FilledText


class ButtonKind(StrEnum):
    """What a tap on a button does."""

    QUICK_REPLY = "quick_reply"
    URL = "url"
    PHONE = "phone"
    COPY_CODE = "copy_code"
    FLOW = "flow"
    CATALOG = "catalog"
    ITEMS = "items"
    """Opens the products of a message (MPM, product_list)."""
    PRODUCT = "product"
    """Opens one product (SPM, product)."""
    CALL = "call"
    CALL_PERMISSION = "call_permission"
    CONTACT_INFO = "contact_info"
    LOCATION = "location"
    ADDRESS = "address"
    OTHER = "other"


class MediumKind(StrEnum):
    """A medium that is shown as a picture."""

    IMAGE = "image"
    VIDEO = "video"
    GIF = "gif"
    STICKER = "sticker"


@dataclass(frozen=True, slots=True)
class TextTitle:
    """A header of text."""

    text: FilledText


@dataclass(frozen=True, slots=True)
class MediumHeader:
    """A picture or video. `url` is None where no picture of it can be shown; `is_cropped`: shown in Meta's wide format."""

    kind: MediumKind
    url: str | None
    name: str = ""
    is_cropped: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A file. `size` in bytes, None if it is not known."""

    name: str
    size: int | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PlaceHeader:
    """A location. `coordinates` as they are written."""

    name: FilledText
    address: FilledText
    coordinates: str = ""


@dataclass(frozen=True, slots=True)
class ShownProduct:
    """One product of a catalog, in a header, a card or a list."""

    sku: str
    name: str
    price: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """The tile above a message with several products or a whole catalog. `items`: how many, None for a whole catalog."""

    title: FilledText
    items: int | None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """Audio; `is_voice`: recorded in the chat."""

    is_voice: bool


@dataclass(frozen=True, slots=True)
class ContactCard:
    """Shared contacts, by their names."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """A cart that was sent. `total` as it is shown, "" if the items have different currencies."""

    items: int
    total: str
    products: tuple[ShownProduct, ...]


Header = (
    TextTitle | MediumHeader | Document | PlaceHeader | ShownProduct | Collection | Recording | ContactCard | ShownOrder
)


@dataclass(frozen=True, slots=True)
class OfferBanner:
    """The row of a limited-time offer. `expires_at` in seconds since 1970, None if it does not expire or is not known yet."""

    text: FilledText
    code: FilledText
    expires_at: float | None
    has_expiration: bool


@dataclass(frozen=True, slots=True)
class BubbleButton:
    """What can be tapped. `place` is its index among the buttons of the message or the card, `payload` what a tap sends."""

    kind: ButtonKind
    title: str
    place: int
    payload: str = ""
    target: str = ""
    """Where it leads, what it copies or whom it calls."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """A choice of a list. `product` for a list of products."""

    title: str
    description: str = ""
    payload: str = ""
    product: ShownProduct | None = None


@dataclass(frozen=True, slots=True)
class ListSection:
    """Rows under a title, "" for none."""

    title: str
    rows: tuple[ListRow, ...]


@dataclass(frozen=True, slots=True)
class ChoiceSheet:
    """What opens from the bottom of the screen when `opener` is tapped."""

    opener: str
    sections: tuple[ListSection, ...]
    is_products: bool = False


@dataclass(frozen=True, slots=True)
class BubbleCard:
    """One card of a carousel; `place` is its index."""

    place: int
    header: Header | None
    body: FilledText
    buttons: tuple[BubbleButton, ...]


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message. `notice` labels what cannot be drawn. `is_marketing`: the phone cuts its body after five lines."""

    header: Header | None = None
    offer: OfferBanner | None = None
    body: FilledText = NO_TEXT
    footer: FilledText = NO_TEXT
    buttons: tuple[BubbleButton, ...] = ()
    sheet: ChoiceSheet | None = None
    cards: tuple[BubbleCard, ...] = ()
    notice: str = ""
    is_marketing: bool = False

    @property
    def text(self) -> str:
        """What the list of chats shows of it."""
        return self.body.text or (self.header.text.text if isinstance(self.header, TextTitle) else "") or self.notice
