"""Builds and reads the callback data and button payloads by which statuses and replies are matched to our messages.

Callback data (echoed in every status, never shown): `h1:<installation>:<recipient>:<attempt>` for a campaign's message,
`h1:<installation>:m<message>:<attempt>` for one of a chat. Button payload (echoed when a template's quick reply is pressed, which
may come without `context`): `h1b:<installation>:<recipient>:<index>`, of a card's button
`h1b:<installation>:<recipient>:<card>:<index>`. The token of a form that a template's button opens (echoed with the answers):
`h1f:<installation>:<recipient>:<index>`. Messages of every earlier version are answered for years, so no form is ever given up.
"""

import re

from models.events.types import Callback, PressedButton

_CALLBACK = re.compile(r"h1:([A-Za-z0-9]{1,32}):(m?)([0-9]{1,18}):([0-9]{1,5})")
_BUTTON = re.compile(r"h1b:([A-Za-z0-9]{1,32}):([0-9]{1,18}):(?:([0-9]{1,2}):)?([0-9]{1,2})")
_FORM = re.compile(r"h1f:([A-Za-z0-9]{1,32}):([0-9]{1,18}):([0-9]{1,2})")


def callback_data(installation: str, recipient_id: int, attempt: int) -> str:
    """Return the callback data of a campaign's message; `attempt` counts the sends of this recipient."""
    return f"h1:{installation}:{recipient_id}:{attempt}"


def message_callback(installation: str, message_id: int, attempt: int) -> str:
    """Return the callback data of a chat's message."""
    return f"h1:{installation}:m{message_id}:{attempt}"


def button_payload(installation: str, recipient_id: int, index: int, card: int | None = None) -> str:
    """Return the payload of a template's quick reply, under Meta's 128 characters.

    `index` is the button's, from 0, `card` that of the card in which it stands; None outside of a carousel.
    """
    place = index if card is None else f"{card}:{index}"
    return f"h1b:{installation}:{recipient_id}:{place}"


def flow_token(installation: str, recipient_id: int, index: int) -> str:
    """Return the token of the form that the button `index` of a template opens."""
    return f"h1f:{installation}:{recipient_id}:{index}"


def read_callback(text: str | None) -> Callback | None:
    """Return None if the text is not of our form."""
    match = _CALLBACK.fullmatch(text or "")
    if match is None:
        return None
    installation, kind, row_id, attempt = match.groups()
    return Callback(installation, None if kind else int(row_id), int(row_id) if kind else None, int(attempt))


def read_button(payload: str | None) -> PressedButton | None:
    """Return None if the text is not of our form."""
    match = _BUTTON.fullmatch(payload or "")
    if match is None:
        return None
    return PressedButton(match[1], int(match[2]), int(match[4]), None if match[3] is None else int(match[3]))


def read_flow_token(token: str | None) -> PressedButton | None:
    """Return the button that opened the form; None if the text is not of our form."""
    match = _FORM.fullmatch(token or "")
    return PressedButton(match[1], int(match[2]), int(match[3])) if match else None
