"""Reads inbound messages once more with the opt-out words that the installation added (the setting `stop_words`)."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from bot.opt_out_words import is_certain_stop, may_mean_opt_out, opt_out_intent, read_own_words
from bot.webhooks.parse_messages import CAPTIONED
from models.events.types import InboundMessage
from models.tables.setting import read_setting

TYPED = CAPTIONED | {"text"}
"""The types of messages whose text the person typed."""


def with_own_words(session: Session, messages: Sequence[InboundMessage]) -> list[InboundMessage]:
    """Return the messages; of those that were typed, `word` and what depends on it are read with the own words too."""
    own = read_own_words(str(read_setting(session, "stop_words")))
    return [_read_again(message, own) if own and _is_typed(message) else message for message in messages]


def _is_typed(message: InboundMessage) -> bool:
    if message.type != "edit":
        return message.type in TYPED
    edit = message.payload.get("edit")
    content = edit.get("message") if isinstance(edit, dict) else None
    return isinstance(content, dict) and content.get("type") in TYPED


def _read_again(message: InboundMessage, own: frozenset[str]) -> InboundMessage:
    return replace(
        message,
        word=opt_out_intent(message.text, own),
        may_be_choice=message.may_be_choice and not is_certain_stop(message.text, own),
        may_mean_stop=may_mean_opt_out(message.text, own),
        confirms=message.confirms and not is_certain_stop(message.text, own),
    )
