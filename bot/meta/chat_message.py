"""The body of a chat message: what a bot or an agent says, in Meta's envelope (meta-cloud-api.md 2.1)."""

from collections.abc import Mapping
from typing import Any


def chat_body(
    content: Mapping[str, Any], *, wa_id: str | None, phone: str | None, bsuid: str | None, callback: str
) -> dict[str, Any]:
    """`content` with its envelope. The wa_id goes before the phone: the person wrote under it. ValueError without an address."""
    address = f"+{wa_id}" if wa_id else phone
    if not address and not bsuid:
        raise ValueError("a message needs a wa_id, a phone or a BSUID to go to")
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **({"to": address} if address else {"recipient": bsuid}),
        **content,
        "biz_opaque_callback_data": callback,
    }
