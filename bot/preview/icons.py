"""The drawings of buttons and headers as inline SVG, so that a page loads nothing for them."""

from markupsafe import Markup

from bot.preview.bubble import ButtonKind

_FRAME = Markup('<svg class="wa-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{}"/></svg>')
_PATHS = {
    "reply": "M10 8V4L3 11l7 7v-4.1c5 0 8.5 1.6 11 5.1-1-5-4-10-11-11z",
    "open": "M19 19H5V5h6V3H5a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h14a2 2 0 0 0 2-2v-6h-2zM14 3v2h3.6l-9.8 9.8 1.4 1.4L19 6.4V10h2V3z",
    "phone": "M6.6 10.8a15 15 0 0 0 6.6 6.6l2.2-2.2a1 1 0 0 1 1-.25 11.4 11.4 0 0 0 3.6.57 1 1 0 0 1 1 1V20a1 1 0 0 1-1 1"
    "A17 17 0 0 1 3 4a1 1 0 0 1 1-1h3.5a1 1 0 0 1 1 1c0 1.25.2 2.45.57 3.57a1 1 0 0 1-.25 1z",
    "copy": "M16 1H4a2 2 0 0 0-2 2v14h2V3h12zm3 4H8a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2V7a2 2 0 0 0-2-2zm0 16H8V7h11z",
    "form": "M14 2H6a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8zm2 16H8v-2h8zm0-4H8v-2h8zm-3-5V3.5L18.5 9z",
    "shop": "M20 4H4v2h16zm1 10v-2l-1-5H4l-1 5v2h1v6h10v-6h4v6h2v-6zm-9 4H6v-4h6z",
    "list": "M4 7a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zm0 6.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM4 20a1.5 1.5 0 1 0 0-3 1.5 1.5 0"
    " 0 0 0 3zM8 4.5v2h13v-2zM8 11v2h13v-2zm0 6.5v2h13v-2z",
    "place": "M12 2a7 7 0 0 0-7 7c0 5.25 7 13 7 13s7-7.75 7-13a7 7 0 0 0-7-7zm0 9.5a2.5 2.5 0 1 1 0-5 2.5 2.5 0 0 1 0 5z",
    "person": "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm0 2c-2.67 0-8 1.34-8 4v2h16v-2c0-2.66-5.33-4-8-4z",
    "play": "M8 5v14l11-7z",
    "image": "M21 19V5a2 2 0 0 0-2-2H5a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h14a2 2 0 0 0 2-2zM8.5 13.5l2.5 3 3.5-4.5 4.5 6H5z",
    "file": "M6 2a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8l-6-6zm7 7V3.5L18.5 9z",
    "tag": "M21.4 11.6l-9-9A2 2 0 0 0 11 2H4a2 2 0 0 0-2 2v7a2 2 0 0 0 .6 1.4l9 9a2 2 0 0 0 2.8 0l7-7a2 2 0 0 0 0-2.8zM5.5 7a1.5"
    " 1.5 0 1 1 0-3 1.5 1.5 0 0 1 0 3z",
    "mic": "M12 14a3 3 0 0 0 3-3V5a3 3 0 0 0-6 0v6a3 3 0 0 0 3 3zm5-3a5 5 0 0 1-10 0H5a7 7 0 0 0 6 6.9V21h2v-3.1a7 7 0 0 0 6-6.9z",
    "cart": "M7 18a2 2 0 1 0 0 4 2 2 0 0 0 0-4zm10 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM7.2 14h7.4a2 2 0 0 0 1.8-1l3.6-6.5A1 1 0 0 0 19 5"
    "H5.2L4.3 3H1v2h2l3.6 7.6-1.4 2.4A2 2 0 0 0 7 18h12v-2H7z",
}
_OF_BUTTON = {
    ButtonKind.QUICK_REPLY: "reply",
    ButtonKind.URL: "open",
    ButtonKind.PHONE: "phone",
    ButtonKind.COPY_CODE: "copy",
    ButtonKind.FLOW: "form",
    ButtonKind.CATALOG: "shop",
    ButtonKind.ITEMS: "list",
    ButtonKind.CALL: "phone",
    ButtonKind.CALL_PERMISSION: "phone",
    ButtonKind.CONTACT_INFO: "person",
    ButtonKind.LOCATION: "place",
    ButtonKind.ADDRESS: "place",
}
MAP = Markup(
    '<svg class="wa-map" viewBox="0 0 300 157" preserveAspectRatio="xMidYMid slice" aria-hidden="true" focusable="false">'
    '<rect class="wa-land" width="300" height="157"/><path class="wa-water" d="M0 112c46-16 72 20 122 8s70-34 178-22v59H0z"/>'
    '<path class="wa-park" d="M206 10h62l14 40-46 20-38-22z"/>'
    '<path class="wa-road" d="M-5 62C70 40 110 84 180 62S260 20 305 34'
    'M70-5c8 46-12 92 6 170M190-5c-14 60 18 96 2 170M-5 24l310-14"/>'
    '<path class="wa-pin" d="M150 40a20 20 0 0 0-20 20c0 15 20 37 20 37s20-22 20-37a20 20 0 0 0-20-20z"/>'
    '<circle class="wa-eye" cx="150" cy="60" r="7"/></svg>'
)
"""A drawn tile: a map of the place would have to be asked of somebody."""


def icon(name: str) -> Markup:
    """The drawing of that name."""
    return _FRAME.format(_PATHS[name])


def button_icon(kind: ButtonKind) -> Markup | None:
    """The drawing in front of a button's title, None where the phone has none."""
    name = _OF_BUTTON.get(kind)
    return icon(name) if name else None
