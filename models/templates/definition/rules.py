"""Checks a definition by every rule of Meta's that can be known before it sees it (docs/meta.md §5.2, §5.6).

A rule refuses only what Meta certainly refuses. What Meta decides in its review (wording, doubtful categories) is Meta's own.
"""

import re
from collections.abc import Mapping
from typing import Any

from models.templates.definition.button_rules import check_buttons
from models.templates.definition.buttons import SingleProductButton
from models.templates.definition.format_rules import check_formats, check_sample
from models.templates.definition.headers import MediaHeader, TextHeader
from models.templates.definition.languages import LANGUAGES, nearest_language
from models.templates.definition.problems import Problems
from models.templates.definition.reader import kind_of
from models.templates.definition.template import TemplateDefinition
from models.templates.definition.text_rules import (
    check_body,
    check_footer,
    check_length,
    check_text_header,
    most_characters,
)
from models.templates.definition.texts import Body, Footer

MAX_NAME = 512
NAME = re.compile(r"[a-z0-9_]+")
BID_STRATEGY = "LOWEST_COST_WITH_BID_CAP"
MAX_BID = 2**31 - 1
MONTH = -1
"""A time to live of 30 days, in utility and authentication templates."""
TTL_SECONDS = {"AUTHENTICATION": (30, 900), "UTILITY": (30, 43_200), "MARKETING": (43_200, 2_592_000)}


def check_definition(template: TemplateDefinition, problems: Problems) -> None:
    """Add every problem of the definition."""
    check_name(template.name, problems)
    check_language(template.language, problems)
    _check_ttl(template, problems)
    _check_price(template, problems)
    if template.library_name is None:
        _check_parts(template, problems)


def check_name(name: str, problems: Problems) -> None:
    """Check a template's name; an empty one is reported where it is read."""
    if name and not NAME.fullmatch(name):
        problems.add(
            "name", "{name!r}: allowed are the letters a to z in lower case, digits and underscores", name=name[:60]
        )
    check_length("name", name, MAX_NAME, problems)


def check_language(language: str, problems: Problems) -> None:
    """Check a language's code; an empty one is reported where it is read."""
    if language and language not in LANGUAGES:
        nearest = nearest_language(language)
        hint = f"Meta writes {nearest}" if nearest else f"allowed are {', '.join(LANGUAGES)}"
        problems.add("language", "{language!r} is no language of Meta's; {hint}", language=language[:20], hint=hint)


def _check_parts(template: TemplateDefinition, problems: Problems) -> None:
    form = template.parameter_format
    if template.body is None and not any(problem.path.startswith("components") for problem in problems):
        problems.add("components", "has no BODY; a template needs one")
    header = template.header
    if isinstance(header, TextHeader):
        check_text_header(header, form, problems)
    elif isinstance(header, MediaHeader):
        check_sample(header, problems)
    is_product = any(isinstance(button, SingleProductButton) for button in template.buttons)
    if isinstance(template.body, Body):
        most = most_characters(is_offer=template.offer is not None, is_product=is_product)
        check_body(template.body, form, problems, most)
    if isinstance(template.footer, Footer):
        check_footer(template.footer, problems)
    check_buttons(template.buttons_path, template.buttons, form, problems, is_offer=template.offer is not None)
    check_formats(template, problems)


def _check_ttl(template: TemplateDefinition, problems: Problems) -> None:
    seconds, category = template.send_ttl_seconds, template.category
    if seconds is None or category is None:
        return
    least, most = TTL_SECONDS[category]
    if seconds == MONTH and category != "MARKETING":
        return
    if not least <= seconds <= most:
        extra = "" if category == "MARKETING" else ", or -1 for 30 days"
        problems.add(
            "message_send_ttl_seconds", "must be from {least} to {most} seconds in a template of {category}{extra}",
            least=least, most=most, category=category.lower(), extra=extra,
        )  # fmt: skip


def _check_price(template: TemplateDefinition, problems: Problems) -> None:
    spec = template.optimization_spec
    if spec is None:
        return
    if template.category not in {"MARKETING", None}:
        problems.add("optimization_spec", "a max price is for marketing templates only")
    if spec.get("bid_strategy") != BID_STRATEGY:
        problems.add("optimization_spec.bid_strategy", "must be {strategy}", strategy=BID_STRATEGY)
    _check_amount(spec, problems)


def _check_amount(spec: Mapping[str, Any], problems: Problems) -> None:
    amount, path = spec.get("bid_amount"), "optimization_spec.bid_amount"
    if isinstance(amount, bool) or not isinstance(amount, int):
        problems.add(
            path, "must be a whole number, the price of 1,000 deliveries in the smallest unit of the currency, not {kind}",
            kind=kind_of(amount),
        )  # fmt: skip
    elif not 0 < amount <= MAX_BID:
        problems.add(path, "must be from 1 to {most}", most=MAX_BID)
