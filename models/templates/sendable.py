"""Says whether a campaign can send a template, and if not, why."""

from collections.abc import Iterator
from typing import NamedTuple

from models.tables.template import Template
from models.templates.components import unsupported_parts
from models.templates.life import APPROVED, DRAFT
from models.text import Text


class TemplateProblem(NamedTuple):
    """Why a template cannot be sent: a stable key, the sentence for the operator, what to do, and a few words for a list."""

    key: str
    text: Text
    remedy: str
    short: str


def template_problems(template: Template) -> Iterator[TemplateProblem]:
    """Yield what keeps the template from being sent, as of its last reading at Meta (docs/meta.md §5.5, §5.7)."""
    named = {"name": template.name, "language": template.language}
    if template.missing_at is not None:
        text = Text("Template {name} ({language}) is no longer at Meta.", named)
        yield TemplateProblem("template_approved", text, "Choose another template.", "no longer at Meta")
    elif template.status == DRAFT:
        text = Text("Template {name} ({language}) is a draft: Meta does not have it yet.", named)
        yield TemplateProblem("template_approved", text, "Submit it, or choose another.", "a draft")
    elif template.status.upper() != APPROVED:
        text = Text("Template {name} ({language}) is {status} at Meta.", named | {"status": template.status})
        remedy = "Wait for Meta's approval or choose another."
        yield TemplateProblem("template_approved", text, remedy, f"{template.status.lower().replace('_', ' ')} at Meta")
    elif template.stale_at is not None:
        text = Text("Template {name} ({language}) was changed at Meta.", named)
        remedy = "Sync the templates and look at its text."
        yield TemplateProblem("template_approved", text, remedy, "changed at Meta, sync the templates")
    correct = (template.correct_category or "").upper()
    if correct and correct != template.category.upper():
        text = Text(
            "Template {name} ({language}) is {category} and Meta says that it is {correct}.",
            named | {"category": template.category, "correct": correct},
        )
        remedy = "Accept Meta's category or have it reviewed, then sync the templates."
        yield TemplateProblem("category", text, remedy, f"Meta says that it is {correct.lower()}")


def why_not_sendable(template: Template) -> str:
    """A few words on why a campaign cannot send the template; empty if it can."""
    reasons = [problem.short for problem in template_problems(template)]
    reasons += [f"its {part} cannot be sent by a campaign" for part in unsupported_parts(template)]
    return ", ".join(dict.fromkeys(reasons))
