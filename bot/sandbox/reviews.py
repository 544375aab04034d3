"""Creates, edits, reviews and deletes templates, with the webhooks that announce it (docs/meta.md §5.2 to §5.5)."""

import re
import time
from typing import Any

from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.simulation import Simulation
from bot.sandbox.template import SandboxTemplate, find_component, variables_in

NAME = re.compile(r"^[a-z0-9_]{1,512}$")
CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
EDITABLE = ("APPROVED", "REJECTED", "PAUSED")
PROMOTIONAL = re.compile(r"\b(sale|discount|offer|promo|coupon|% off)", re.IGNORECASE)
DAY = 86_400


def create(sim: Simulation, waba_id: str, body: dict[str, Any]) -> SandboxTemplate:
    """Create a PENDING template, reviewed after ``review_seconds``. A utility template with promotional text becomes MARKETING.

    Raises SandboxGraphError if the definition is invalid or the template exists.
    """
    for name in ("name", "language", "category", "components"):
        if not body.get(name):
            raise SandboxGraphError(100, f"(#100) The parameter {name} is required.")
    if not NAME.match(str(body["name"])):
        raise SandboxGraphError(100, "Param name must be lower-case letters, digits and underscores", subcode=2388023)
    category = str(body["category"]).upper()
    if category not in CATEGORIES:
        raise SandboxGraphError(100, f"Param category must be one of {CATEGORIES}")
    check_components_shape(body["components"], category)
    if sim.world.template(waba_id, str(body["name"]), str(body["language"])):
        raise SandboxGraphError(100, f"There is already {body['language']} content for this template", subcode=2388024)
    if category == "UTILITY" and PROMOTIONAL.search(_body_text(body["components"])):
        category = "MARKETING"
    form = str(body.get("parameter_format", "POSITIONAL")).upper()
    if form not in ("POSITIONAL", "NAMED"):
        raise SandboxGraphError(100, "Param parameter_format must be POSITIONAL or NAMED")
    plan = {name: body[name] for name in ("name", "language", "components")}
    plan |= {"category": category, "status": "PENDING", "parameter_format": form}
    template = sim.world.add_template(waba_id, plan)
    sim.timetable.after(sim.config.review_seconds / sim.config.speed, judge, sim, template)
    return template


def edit(sim: Simulation, template: SandboxTemplate, body: dict[str, Any]) -> dict[str, bool]:
    """Replace components or category, and review the template again. Raises SandboxGraphError if it cannot be edited."""
    if template.status not in EDITABLE:
        raise SandboxGraphError(100, f"A template that is {template.status} cannot be edited", subcode=2388039)
    if template.status == "APPROVED" and time.time() - template.edited_at < DAY:
        raise SandboxGraphError(100, "An approved template can be edited once in 24 hours", subcode=2388039)
    category = str(body.get("category", template.category)).upper()
    if template.status == "APPROVED" and category != template.category:
        raise SandboxGraphError(100, "The category of an approved template cannot be changed", subcode=2388039)
    if category not in CATEGORIES or not {"category", "components", "message_send_ttl_seconds"} & body.keys():
        raise SandboxGraphError(100, "Only category, components and message_send_ttl_seconds can be edited")
    if "components" in body:
        check_components_shape(body["components"], category)
        template.components = list(body["components"])
    template.category, template.status, template.edited_at = category, "PENDING", time.time()
    sim.timetable.after(sim.config.review_seconds / sim.config.speed, judge, sim, template)
    return {"success": True}


def delete(sim: Simulation, template: SandboxTemplate) -> None:
    """Delete a template and announce it. Raises SandboxGraphError if it is disabled."""
    if template.status == "DISABLED":
        raise SandboxGraphError(100, "A disabled template cannot be deleted", subcode=2388039)
    sim.world.remove_template(template)
    announce_status(sim, template, "PENDING_DELETION", None)


def is_synced(sim: Simulation, template: SandboxTemplate) -> bool:
    """Whether the Marketing Messages API knows the template: a new or edited one takes it some time (docs/meta.md §2.6)."""
    return time.time() - template.reviewed_at >= sim.config.template_sync_seconds / sim.config.speed


def judge(sim: Simulation, template: SandboxTemplate) -> None:
    """Approve or reject a template that is still PENDING, by ``review_verdict``."""
    if sim.world.templates.get(template.id) is not template or template.status != "PENDING":
        return
    verdict = sim.config.review_verdict
    template.reviewed_at = time.time()
    is_rejected = verdict == "reject" or (verdict == "auto" and "reject" in template.name)
    template.rejected_reason = "INVALID_FORMAT" if is_rejected else "NONE"
    set_status(sim, template, "REJECTED" if is_rejected else "APPROVED", template.rejected_reason)


def set_status(
    sim: Simulation,
    template: SandboxTemplate,
    event: str,
    reason: str | None = None,
    extra: dict[str, Any] | None = None,
) -> None:
    """Set and announce a status. ``event`` is the webhook's: REINSTATED and UNARCHIVED mean APPROVED, FLAGGED changes nothing."""
    template.status = {"REINSTATED": "APPROVED", "UNARCHIVED": "APPROVED", "FLAGGED": template.status}.get(event, event)
    announce_status(sim, template, event, reason, extra)


def announce_status(
    sim: Simulation, template: SandboxTemplate, event: str, reason: str | None, extra: dict[str, Any] | None = None
) -> None:
    """Send a message_template_status_update webhook."""
    value = {"event": event, **identity(template), "reason": reason, "message_template_category": template.category}
    sim.announce(template.waba_id, "message_template_status_update", value | (extra or {}))


def set_quality(sim: Simulation, template: SandboxTemplate, score: str) -> None:
    """Set the quality score and send its webhook."""
    before, template.quality = template.quality, score
    value = {"previous_quality_score": before, "new_quality_score": score, **identity(template)}
    sim.announce(template.waba_id, "message_template_quality_update", value)


def set_category(sim: Simulation, template: SandboxTemplate, category: str) -> None:
    """Set the category and send its webhook."""
    before, template.category = template.category, category
    value = {**identity(template), "previous_category": before, "new_category": category}
    sim.announce(template.waba_id, "template_category_update", value)


def identity(template: SandboxTemplate) -> dict[str, Any]:
    """Return the fields that identify a template in webhooks."""
    return {
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
    }


def check_components_shape(components: Any, category: str) -> None:
    """Check the components of a definition. Raises SandboxGraphError if Meta would refuse them."""
    if not isinstance(components, list) or not all(isinstance(part, dict) for part in components):
        raise SandboxGraphError(100, "Param components must be an array of objects")
    body = find_component(components, "BODY")
    if body is None:
        raise SandboxGraphError(100, "A BODY component is required", subcode=2388072)
    text = str(body.get("text", ""))
    if not text and category != "AUTHENTICATION":
        raise SandboxGraphError(100, "The BODY needs a text", subcode=2388072)
    _check_body(body, text)
    for kind, limit in (("HEADER", 60), ("FOOTER", 60)):
        part = find_component(components, kind)
        if part and len(str(part.get("text", ""))) > limit:
            raise SandboxGraphError(100, f"{kind} text has more than {limit} characters", subcode=2388040)
    _check_buttons(find_component(components, "BUTTONS"))
    carousel = find_component(components, "CAROUSEL")
    if carousel is not None:
        _check_cards(carousel.get("cards"), category)


def _check_cards(cards: Any, category: str) -> None:
    """Check the components of each card, whose body is optional."""
    if not isinstance(cards, list) or not 2 <= len(cards) <= 10:
        raise SandboxGraphError(100, "CAROUSEL needs 2 to 10 cards", subcode=2388072)
    for card in cards:
        parts = card.get("components") if isinstance(card, dict) else None
        if not isinstance(parts, list):
            raise SandboxGraphError(100, "every card needs components", subcode=2388072)
        has_body = any(isinstance(part, dict) and part.get("type") == "BODY" for part in parts)
        check_components_shape(parts if has_body else [*parts, {"type": "BODY", "text": "-"}], category)


def _check_body(body: dict[str, Any], text: str) -> None:
    if len(text) > 1024:
        raise SandboxGraphError(100, "BODY text has more than 1024 characters", subcode=2388040)
    if text.strip().startswith("{{") or text.strip().endswith("}}"):
        raise SandboxGraphError(100, "The body cannot start or end with a variable", subcode=2388299)
    if re.search(r"\}\}\s*\{\{", text):
        raise SandboxGraphError(100, "Variables cannot stand side by side", subcode=2388299)
    names = variables_in(text)
    numbers = [int(name) for name in names if name.isdigit()]
    if numbers and sorted(numbers) != list(range(1, len(names) + 1)):
        raise SandboxGraphError(100, "Positional variables must count up from 1", subcode=2388072)
    if names and not body.get("example"):
        raise SandboxGraphError(100, "Every variable needs an example", subcode=2388043)


def _check_buttons(part: dict[str, Any] | None) -> None:
    buttons = part.get("buttons") if part else []
    if not isinstance(buttons, list) or len(buttons) > 10 or not all(isinstance(button, dict) for button in buttons):
        raise SandboxGraphError(100, "BUTTONS needs a list of at most 10 buttons", subcode=2388072)
    kinds = [str(button.get("type", "")).upper() for button in buttons]
    for kind, max_count in (("URL", 2), ("PHONE_NUMBER", 1), ("COPY_CODE", 1)):
        if kinds.count(kind) > max_count:
            raise SandboxGraphError(100, f"at most {max_count} {kind} buttons are allowed", subcode=2388072)
    quick_reply_places = [place for place, kind in enumerate(kinds) if kind == "QUICK_REPLY"]
    if quick_reply_places and quick_reply_places[-1] - quick_reply_places[0] >= len(quick_reply_places):
        raise SandboxGraphError(100, "quick replies must stand together", subcode=2388072)
    if any(len(str(button.get("text", ""))) > 25 for button in buttons):
        raise SandboxGraphError(100, "a button's text has more than 25 characters", subcode=2388040)


def _body_text(components: list[dict[str, Any]]) -> str:
    body = find_component(components, "BODY")
    return str(body.get("text", "")) if body else ""
