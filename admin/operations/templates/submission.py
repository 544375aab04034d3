"""What is to be submitted to Meta, what it is told, and how it is found there again."""

from dataclasses import dataclass
from typing import Any

from admin.operations.templates.accounts import Account
from bot.meta.management import GraphError
from bot.meta.template_admin import TemplateAdmin
from models.templates.definition.same_text import is_same_text
from models.templates.life import DRAFT

OWN_FIELDS = (
    "message_send_ttl_seconds",
    "cta_url_link_tracking_opted_out",
    "optimization_spec",
    "degrees_of_freedom_spec",
)
"""What an edit may change besides components and category (docs/meta.md §5.3)."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What is to be submitted. `status` is the template's before it; `was_lost`: an earlier call got no answer."""

    template_id: int
    meta_id: str | None
    name: str
    language: str
    status: str
    category: str
    components: list[Any]
    definition: dict[str, Any]
    account: Account
    was_lost: bool
    has_text: bool
    """Whether the components are another text, or have other samples: else only a time to live or a max price is changed."""

    @property
    def is_new(self) -> bool:
        """Whether Meta does not have the template yet."""
        return self.status == DRAFT or self.meta_id is None


def changes_of(submission: Submission, body: dict[str, Any]) -> dict[str, Any]:
    """What an edit tells Meta: components only where the text is another one, or nothing else is."""
    changes = {key: body[key] for key in OWN_FIELDS if key in body}
    if submission.has_text or not changes:
        changes["components"] = body.get("components", [])
    category = str(body.get("category") or submission.category)
    if category != submission.category or "cta_url_link_tracking_opted_out" in changes:
        changes["category"] = category
    return changes


def as_listed(submission: Submission, body: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Meta's answer in the form of its list. Raises GraphError if it has no id."""
    if not isinstance(answer.get("id"), str | int) or not str(answer["id"]).isdigit():
        raise GraphError("Meta took the template and gave it no id", is_transient=True)
    return {
        "id": str(answer["id"]),
        "name": submission.name,
        "language": submission.language,
        "status": answer.get("status") or "PENDING",
        "category": answer.get("category") or body.get("category") or submission.category,
        "parameter_format": body.get("parameter_format"),
        "components": submission.definition.get("components") or submission.components,
    }


def found_at_meta(graph: TemplateAdmin, submission: Submission) -> dict[str, Any] | None:
    """The template as Meta lists it, if it says what was submitted; for a new one from the library, if it is there."""
    for item in graph.templates(submission.account.waba_id, submission.name):
        if item.get("language") == submission.language:
            components = submission.definition.get("components")
            is_ours = components is None or is_same_text(item.get("components"), components)
            return item if is_ours or (submission.is_new and submission.was_lost) else None
    return None
