"""Builds the message bodies of a bot flow in the form of the Cloud API (docs/meta.md §2.4, §2.5).

A body has no envelope: `bot.messages.chat.chat_body` adds the address and the callback data.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.flows.nodes import AskNode, FlowDefinition, MessageNode
from bot.flows.parts import (
    CAPTION,
    INTERACTIVE_BODY,
    LIST_BODY,
    MAX_BUTTONS,
    TEXT,
    FlowMedia,
    Menu,
    Option,
    Section,
    options_by_key,
)
from bot.flows.placeholders import Values, render, render_url

Content = dict[str, Any]

_TOKEN = re.compile(r"f([0-9]{1,18}):([A-Za-z0-9_-]{1,60}):([A-Za-z0-9_-]{1,40})")
_PLACEHOLDER = "…"  # Meta refuses an empty body, and a text of empty values alone renders to nothing


@dataclass(frozen=True, slots=True)
class Token:
    """The payload of a bot flow's button: the number of the flow's version, the node's name and the option's key."""

    version: int
    node: str
    key: str


def token_of(payload: str | None) -> Token | None:
    """Parse a button's payload (`f7:menu:yes`); None if it is not one of a bot flow."""
    match = _TOKEN.fullmatch(payload or "")
    return Token(int(match[1]), match[2], match[3]) if match else None


def token_for(flow: FlowDefinition, node: str, key: str) -> str:
    """Return the payload of one option: `f<version>:<node>:<key>`, at most 123 characters."""
    return f"f{flow.version}:{node}:{key}"


def message_content(flow: FlowDefinition, name: str, node: MessageNode, values: Values) -> Content:
    """Build the body of a message node: text, media, reply buttons, list or link button; `name` is the node's."""
    if node.buttons:
        return _buttons(flow, name, node.options, _body(node.text, values, INTERACTIVE_BODY), _frame(node))
    if node.menu:
        return _list(flow, name, node.menu, _body(node.text, values, LIST_BODY), _frame(node))
    if node.link:
        parameters = {"display_text": node.link.title, "url": render_url(node.link.url, values)[:2000]}
        body = _body(node.text, values, INTERACTIVE_BODY)
        action = {"name": "cta_url", "parameters": parameters}
        return _interactive("cta_url", body, action, _frame(node))
    if node.media:
        return _media(node.media, render(node.text, values, CAPTION) if node.text else "")
    return text_content(node.text or "", values)


def ask_content(flow: FlowDefinition, name: str, node: AskNode, text: str, values: Values) -> Content:
    """Build the question of an ask node, or its error text, as `text`. Up to three choices are buttons, more are a list."""
    if not node.choices:
        return text_content(text, values)
    if len(node.choices) <= MAX_BUTTONS:
        return _buttons(flow, name, node.options, _body(text, values, INTERACTIVE_BODY), {})
    menu = Menu(button=node.button or _PLACEHOLDER, sections=(Section(rows=node.choices),))
    return _list(flow, name, menu, _body(text, values, LIST_BODY), {})


def error_content(flow: FlowDefinition, name: str, node: MessageNode, values: Values) -> Content:
    """Build the buttons or the list again under the error text, without media. A node without an error text repeats its own."""
    repeated = node.model_copy(update={"text": node.error or node.text, "media": None, "header": None})
    if node.error is None:
        repeated = repeated.model_copy(update={"header": node.header})
    return message_content(flow, name, repeated, values)


def text_content(text: str, values: Values) -> Content:
    """Build a text message, cut to 4,096 characters; Meta shows a preview of its first link."""
    body = _body(text, values, TEXT)
    return {"type": "text", "text": {"body": body, "preview_url": "https://" in body or "http://" in body}}


def _body(text: str | None, values: Values, max_length: int) -> str:
    return render(text or "", values, max_length) or _PLACEHOLDER


def _frame(node: MessageNode) -> Content:
    frame: Content = {}
    if node.header:
        frame["header"] = {"type": "text", "text": node.header}
    elif node.media:
        frame["header"] = _media(node.media, "")
    if node.footer:
        frame["footer"] = {"text": node.footer}
    return frame


def _interactive(kind: str, body: str, action: Content, frame: Content) -> Content:
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": body}, "action": action, **frame}}


def _buttons(flow: FlowDefinition, name: str, options: Mapping[str, Option], body: str, frame: Content) -> Content:
    buttons = [
        {"type": "reply", "reply": {"id": token_for(flow, name, key), "title": option.title}}
        for key, option in options.items()
    ]
    return _interactive("button", body, {"buttons": buttons}, frame)


def _list(flow: FlowDefinition, name: str, menu: Menu, body: str, frame: Content) -> Content:
    keys = iter(options_by_key(menu.rows))
    sections = []
    for section in menu.sections:
        rows: Content = {"rows": [_row(token_for(flow, name, next(keys)), row) for row in section.rows]}
        sections.append({"title": section.title, **rows} if section.title else rows)
    return _interactive("list", body, {"button": menu.button, "sections": sections}, frame)


def _row(token: str, option: Option) -> Content:
    row = {"id": token, "title": option.title}
    return {**row, "description": option.description} if option.description else row


def _media(media: FlowMedia, caption: str) -> Content:
    source: Content = {"id": media.id} if media.id else {"link": media.link}
    if media.filename:
        source["filename"] = media.filename
    if caption:
        source["caption"] = caption
    return {"type": media.kind, media.kind: source}
