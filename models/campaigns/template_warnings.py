"""Warns of what does not block a campaign's template: its quality, no way to opt out, US numbers, which get no marketing."""

import re
from collections.abc import Iterator

from models.audience.eligibility import MARKETING
from models.tables.campaign import Campaign
from models.tables.template import Template
from models.templates.sendable import TemplateProblem
from models.text import Text

_OPT_OUT = re.compile(
    r"\b(stop|unsubscribe|opt[ -]?out|baja|parar|sair|cancelar|stopper|arr[eê]t|desinscri\w*|d[eé]sinscri\w*|d[eé]sabonn\w*"
    r"|abmelden|abbestellen|cancella\w*|disiscri\w*)\b",
    re.IGNORECASE,
)
_OPT_OUT_LANGUAGES = frozenset({"en", "es", "pt", "fr", "de", "it"})
"""The languages of those words. Of a template in another one nobody can say that the way out is missing."""


def template_warnings(campaign: Campaign, template: Template, people_in_us: int) -> Iterator[TemplateProblem]:
    """Yield what does not block one of the campaign's templates. `people_in_us`: how many eligible people have US numbers."""
    named = {"name": template.name, "language": template.language}
    if template.quality.upper() in {"RED", "YELLOW"}:
        text = Text(
            "Template {name} ({language}) has {quality} quality.", named | {"quality": template.quality.lower()}
        )
        remedy = "Meta pauses templates of red quality; think of another text or audience."
        yield TemplateProblem("template_quality", text, remedy, "low quality")
    if template.category.upper() != MARKETING:
        return
    is_judged = template.language.partition("_")[0].lower() in _OPT_OUT_LANGUAGES
    chosen = campaign.opt_out_buttons
    has_button = bool(template.opt_out_buttons if chosen is None else chosen)
    if is_judged and not has_button and not _OPT_OUT.search(_texts(template)):
        text = Text("Template {name} ({language}) is marketing and does not say how to opt out.", named)
        remedy = "Add a footer such as “Reply STOP to leave”, or a button."
        yield TemplateProblem("opt_out", text, remedy, "no way out")
    if people_in_us and template.id == campaign.template_id:
        text = Text("{people} of them have US numbers, to which Meta delivers no marketing.", {"people": people_in_us})
        yield TemplateProblem("us_numbers", text, "Exclude the country US.", "US numbers")


def _texts(template: Template) -> str:
    texts = []
    for component in template.components:
        texts.append(str(component.get("text", "")))
        texts += [str(button.get("text", "")) for button in component.get("buttons", []) or []]
    return "\n".join(texts)
