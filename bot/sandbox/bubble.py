"""Renders a message as a phone shows it: header, text, footer, and what can be tapped."""

from typing import Any

from bot.sandbox.choices import Choice, SandboxBubble
from bot.sandbox.store import SandboxInbound, SandboxMessage
from bot.sandbox.template import SandboxTemplate
from bot.sandbox.template_bubble import of_template


def of_message(message: SandboxMessage, template: SandboxTemplate | None) -> SandboxBubble:
    """Render a message of the business; ``template`` is the one that it names, None if it no longer exists."""
    body = message.body or {}
    if message.kind == "template":
        return of_template(body, template) if template else SandboxBubble(f"Template {message.template}")
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
    if kind == "order" and isinstance(part, dict):
        items = part.get("product_items")
        skus = [str(item.get("product_retailer_id")) for item in items or () if isinstance(item, dict)]
        return SandboxBubble(", ".join(skus), header="🛒 Order")
    return SandboxBubble("", header=f"[{kind}]")


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
        named = _object(action, "parameters")
        bubble.choices.append(Choice("link", str(named.get("display_text", "")), "", url=str(named.get("url", ""))))
    return bubble
