"""Makes the demo's template with a tracked link, as an operator would: written, submitted, and approved by the simulated Meta."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from admin.operations.templates.drafts import create_template
from admin.operations.templates.submit import submit_template
from jobs.core.runtime import Runtime
from jobs.maintenance.meta_sync import read_templates
from models.clock import utcnow
from models.tables.template import Template
from models.templates.link_urls import PATH

NAME, LANGUAGE = "spring_link", "en"
SHOP = "https://shop.example.com/spring"
LINK = {"source": "link", "url": SHOP}
BUTTON = "2"
"""The place of the tracked link among the template's buttons."""
SECONDS = 60.0


def make_template(rt: Runtime, actor: str, wait: Callable[[str, Callable[[], bool], float], None]) -> None:
    """Write and submit the template, and wait for its approval. `wait(what, is_ready, seconds)` raises if it takes longer."""
    create_template(rt, _definition(rt.settings.link_base), actor)
    submit_template(rt, NAME, LANGUAGE, actor)
    wait("the review of the template", lambda: _is_approved(rt), SECONDS)


def _is_approved(rt: Runtime) -> bool:
    with rt.database.read() as session:
        row = session.execute(select(Template.status, Template.waba_id).where(Template.name == NAME)).one()
    if row.status.upper() != "APPROVED":
        read_templates(rt, row.waba_id, utcnow())
    return str(row.status).upper() == "APPROVED"


def _definition(link_base: str) -> dict[str, Any]:
    url = f"{link_base}{PATH}{{{{1}}}}"
    buttons = [
        {"type": "QUICK_REPLY", "text": "Tell me more"},
        {"type": "QUICK_REPLY", "text": "Stop promotions"},
        {"type": "URL", "text": "See the sale", "url": url, "example": [f"{link_base}{PATH}AQGrU0e8pQ2nKg"]},
    ]
    body = "Hi {{1}}, our spring sale has begun: {{2}} off everything until Sunday."
    return {
        "name": NAME,
        "language": LANGUAGE,
        "category": "MARKETING",
        "components": [
            {"type": "BODY", "text": body, "example": {"body_text": [["Maria", "20%"]]}},
            {"type": "FOOTER", "text": "Reply STOP to leave"},
            {"type": "BUTTONS", "buttons": buttons},
        ],
    }
