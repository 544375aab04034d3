"""Builds the bodies of chat messages: puts the envelope around what a bot or an agent says."""

from collections.abc import Mapping
from typing import Any

from bot.meta.file_names import with_file_name


def chat_body(
    content: Mapping[str, Any], *, wa_id: str | None, phone: str | None, bsuid: str | None, callback: str
) -> dict[str, Any]:
    """Return `content` with its envelope. The wa_id, under which the person wrote, has priority over the phone.

    Raises ValueError if there is no address.
    """
    address = f"+{wa_id}" if wa_id else phone
    if not address and not bsuid:
        raise ValueError("a message needs a wa_id, a phone or a BSUID to go to")
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **({"to": address} if address else {"recipient": bsuid}),
        **_with_document_name(content),
        "biz_opaque_callback_data": callback,
    }


def _with_document_name(content: Mapping[str, Any]) -> Mapping[str, Any]:
    document = content.get("document")
    return {**content, "document": with_file_name(document)} if isinstance(document, Mapping) else content
