"""Renders a message as a phone shows it: header, text, footer, and what can be tapped."""

from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.store import SandboxInbound, SandboxMessage
from bot.sandbox.template import SandboxTemplate, buttons_of, fill, find_component, parameter_values


@dataclass(frozen=True)
class Choice:
    """Something to tap. ``kind``: ``quick_reply`` of a template, ``button_reply``, ``list_reply``, or ``link`` (no message)."""

    kind: str
    title: str
    payload: str
    description: str = ""


@dataclass
class SandboxBubble:
    """A message as the phone shows it."""

    text: str
    header: str = ""
    footer: str = ""
    choices: list[Choice] = field(default_factory=list)


def of_message(message: SandboxMessage, template: SandboxTemplate | None) -> SandboxBubble:
    """Render a message of the business; ``template`` is the one that it names, None if it no longer exists."""
    body = message.body or {}
    if message.kind == "template":
        return _of_template(body, template) if template else SandboxBubble(f"Template {message.template}")
    if message.kind == "interactive":
        return _of_interactive(body.get("interactive", {}))
    if message.kind == "text":
        return SandboxBubble(str(body.get("text", {}).get("body", "")))
    if message.kind == "reaction":
        return SandboxBubble(f"reacted {body.get('reaction', {}).get('emoji') or 'no more'}")
    part = body.get(message.kind)
    caption = part.get("caption") or part.get("name") or part.get("filename") if isinstance(part, dict) else None
    return SandboxBubble(str(caption or ""), header=f"[{message.kind}]")


def of_inbound(inbound: SandboxInbound) -> SandboxBubble:
    """Render a message of a person."""
    kind = str(inbound.raw.get("type", ""))
    part = inbound.raw.get(kind)
    if kind == "text" and isinstance(part, dict):
        return SandboxBubble(str(part.get("body", "")))
    if kind == "button" and isinstance(part, dict):
        return SandboxBubble(str(part.get("text", "")))
    if kind == "interactive" and isinstance(part, dict):
        reply = part.get(str(part.get("type")), {})
        return SandboxBubble(str(reply.get("title") or reply.get("body") or "") if isinstance(reply, dict) else "")
    return SandboxBubble("", header=f"[{kind}]")


def _of_template(body: dict[str, Any], template: SandboxTemplate) -> SandboxBubble:
    sent = [part for part in body.get("template", {}).get("components") or [] if isinstance(part, dict)]
    header = template.component("HEADER")
    shape = str(header.get("format", "TEXT")).upper() if header else "TEXT"
    footer = template.component("FOOTER")
    return SandboxBubble(
        text=_filled(template.component("BODY"), find_component(sent, "BODY")),
        header=_filled(header, find_component(sent, "HEADER")) if shape == "TEXT" else f"[{shape.lower()}]",
        footer=str(footer.get("text", "")) if footer else "",
        choices=_template_choices(template, sent),
    )


def _filled(approved: dict[str, Any] | None, sent: dict[str, Any] | None) -> str:
    values = parameter_values(sent.get("parameters", [])) if sent else {}
    return fill(str(approved.get("text", "")), values) if approved else ""


def _template_choices(template: SandboxTemplate, sent: list[dict[str, Any]]) -> list[Choice]:
    payloads = {
        str(part.get("index")): str(item.get("payload"))
        for part in sent
        if str(part.get("sub_type", "")).lower() == "quick_reply"
        for item in part.get("parameters", [])
    }
    choices = []
    for place, button in enumerate(buttons_of(template.components)):
        title = str(button.get("text") or button.get("type", "")).strip()
        is_quick_reply = str(button.get("type", "")).upper() == "QUICK_REPLY"
        choices.append(Choice("quick_reply" if is_quick_reply else "link", title, payloads.get(str(place), title)))
    return choices


def _object(part: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object under a key, empty if it is none: the content of some kinds is not checked."""
    value = part.get(name)
    return value if isinstance(value, dict) else {}


def _of_interactive(part: dict[str, Any]) -> SandboxBubble:
    header, footer, action = (_object(part, name) for name in ("header", "footer", "action"))
    shape = str(header.get("type", ""))
    bubble = SandboxBubble(
        text=str(_object(part, "body").get("text", "")),
        header=str(header.get("text", "")) if shape in ("text", "") else f"[{shape}]",
        footer=str(footer.get("text", "")),
    )
    if part.get("type") not in ("button", "list", "cta_url"):
        return bubble
    for button in action.get("buttons", []):
        reply = button["reply"]
        bubble.choices.append(Choice("button_reply", str(reply.get("title", "")), str(reply.get("id", ""))))
    for section in action.get("sections", []):
        for row in section.get("rows", []):
            choice = Choice(
                "list_reply", str(row.get("title", "")), str(row.get("id", "")), str(row.get("description", ""))
            )
            bubble.choices.append(choice)
    if part.get("type") == "cta_url":
        bubble.choices.append(Choice("link", str(action.get("parameters", {}).get("display_text", "")), ""))
    return bubble
