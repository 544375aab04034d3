"""Says what keeps the tracked links of a campaign from working: the base of a button, or a base that phones cannot reach."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from models.templates.language_parts import LanguagePart
from models.templates.link_urls import PATH, reach_problem
from models.templates.tracked_links import base_problems, link_places
from models.text import Text


class LinkProblem(NamedTuple):
    """A problem that blocks the campaign: its key, the sentence for the operator, and what to do about it."""

    key: str
    text: Text
    remedy: str


def link_problems(parts: Sequence[LanguagePart], link_base: str, *, is_simulated: bool) -> Iterator[LinkProblem]:
    """Yield each problem once. `link_base` is LINK_URL; `is_simulated`: Meta and the phones are simulated on this machine."""
    with_links = [part for part in parts if part.template is not None and link_places(part.content)]
    problem = reach_problem(link_base, is_simulated=is_simulated) if with_links else None
    if problem is not None:
        yield LinkProblem(
            "link_url", problem, "Set LINK_URL to an https address with a public name, and start Hark again."
        )
    seen = set()
    for part in with_links:
        for text in base_problems(
            part.template.components if part.template is not None else (), part.content, link_base
        ):
            if (sentence := str(text)) not in seen:
                seen.add(sentence)
                remedy = f"Choose a template whose button opens {link_base}{PATH} and one variable: its form offers a tracked link."
                yield LinkProblem("variables", text, remedy)
