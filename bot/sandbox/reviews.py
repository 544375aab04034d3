"""Creates, edits, reviews and deletes templates, with the webhooks that announce it (docs/meta.md §5.2 to §5.5)."""

import re
import time
from typing import Any

from bot.sandbox import library
from bot.sandbox.definitions import CATEGORIES, check_components, check_identity, check_options
from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.simulation import Simulation
from bot.sandbox.template import SandboxTemplate, find_component

EDITABLE = ("APPROVED", "REJECTED", "PAUSED")
PROMOTIONAL = re.compile(r"\b(sale|discount|offer|promo|coupon|% off)", re.IGNORECASE)
DAY = 86_400
MONTHLY_EDITS = 10
OPTIONS = (
    "message_send_ttl_seconds", "cta_url_link_tracking_opted_out", "optimization_spec", "degrees_of_freedom_spec",
)  # fmt: skip
"""Besides category and components, what can be given and edited."""


def create(sim: Simulation, waba_id: str, body: dict[str, Any]) -> SandboxTemplate:
    """Create a PENDING template, reviewed after ``review_seconds``. A utility template with promotional text becomes MARKETING.

    One of the library is approved at once. Raises SandboxGraphError if the definition is invalid, the template exists or its name
    is blocked.
    """
    is_from_library = bool(body.get("library_template_name"))
    if not is_from_library and not body.get("components"):
        raise SandboxGraphError(100, "(#100) The parameter components is required.")
    category, form = check_identity(body)
    components = library.components_of(body) if is_from_library else body["components"]
    check_components(components, category, form, handle_types(sim))
    name, language = body["name"], body["language"]
    if sim.world.template(waba_id, name, language):
        raise SandboxGraphError(100, f"There is already {language} content for this template", subcode=2388024)
    if sim.world.blocked.get((waba_id, name, language), 0.0) > time.time():
        raise SandboxGraphError(100, "A template of this name is being deleted: try again in 4 weeks", subcode=2388023)
    if category == "UTILITY" and PROMOTIONAL.search(_body_text(components)):
        category = "MARKETING"
    status = "APPROVED" if is_from_library else "PENDING"
    extra = {key: body[key] for key in OPTIONS if key in body}
    plan = {"name": name, "language": language, "components": components, "category": category, "status": status}
    template = sim.world.add_template(waba_id, plan | {"parameter_format": form, "extra": extra})
    if not is_from_library:
        sim.timetable.after(sim.config.review_seconds / sim.config.speed, judge, sim, template)
    return template


def edit(sim: Simulation, template: SandboxTemplate, body: dict[str, Any]) -> dict[str, bool]:
    """Replace components or category, and review the template again. Raises SandboxGraphError if it cannot be edited."""
    if template.status not in EDITABLE:
        raise SandboxGraphError(100, f"A template that is {template.status} cannot be edited", subcode=2388039)
    category = str(body.get("category", template.category)).upper()
    if category not in CATEGORIES or not body or body.keys() - {"category", "components", *OPTIONS}:
        raise SandboxGraphError(100, "Only category, components, time to live, tracking and specs can be edited")
    if template.status == "APPROVED" and category != template.category:
        raise SandboxGraphError(100, "The category of an approved template cannot be changed", subcode=2388039)
    check_options(body, category)
    is_reviewed = "components" in body or category != template.category
    if is_reviewed:
        _check_edits(template)
    if "components" in body:
        check_components(body["components"], category, template.parameter_format, handle_types(sim))
        template.components = list(body["components"])
    template.extra |= {key: body[key] for key in OPTIONS if key in body}
    if is_reviewed:
        template.category, template.status, template.edited_at = category, "PENDING", time.time()
        sim.timetable.after(sim.config.review_seconds / sim.config.speed, judge, sim, template)
    return {"success": True}


def _check_edits(template: SandboxTemplate) -> None:
    """Count the edits of an approved template: one in 24 hours, ten in 30 days."""
    if template.status != "APPROVED":
        return
    template.edits = [at for at in template.edits if at > time.time() - 30 * DAY]
    if (template.edits and template.edits[-1] > time.time() - DAY) or len(template.edits) >= MONTHLY_EDITS:
        raise SandboxGraphError(
            100, "An approved template can be edited once in 24 hours, ten times in 30 days", subcode=2388039
        )
    template.edits.append(time.time())


def handle_types(sim: Simulation) -> dict[str, str]:
    """The MIME type of every uploaded sample, by its handle."""
    return {handle: upload.mime_type for handle, upload in sim.media.handles.items()}


def unpause(sim: Simulation, template: SandboxTemplate) -> None:
    """Lift a pause that came from pacing and announce it; a pause for quality ends by itself (docs/meta.md §4.5).

    Raises SandboxGraphError if the template is not paused, or paused for its quality.
    """
    if template.status != "PAUSED":
        raise SandboxGraphError(100, f"A template that is {template.status} cannot be unpaused", subcode=2388039)
    if template.quality == "RED":
        raise SandboxGraphError(100, "A template that is paused for low quality cannot be unpaused", subcode=2388039)
    extra = {"other_info": {"title": "UNPAUSE", "description": "The pause was lifted"}}
    set_status(sim, template, "APPROVED", None, extra)


def delete(sim: Simulation, template: SandboxTemplate) -> None:
    """Delete a template and announce it; the name of an approved one is blocked. Raises SandboxGraphError if it is disabled."""
    if template.status == "DISABLED":
        raise SandboxGraphError(100, "A disabled template cannot be deleted", subcode=2388039)
    if template.status == "APPROVED":
        sim.world.blocked[template.waba_id, template.name, template.language] = time.time() + 30 * DAY
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


def _body_text(components: list[dict[str, Any]]) -> str:
    body = find_component(components, "BODY")
    return str(body.get("text", "")) if body else ""
