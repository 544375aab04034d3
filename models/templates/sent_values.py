"""Turns the values that were frozen at the launch into those that are sent, or says why Meta would refuse them."""

from collections.abc import Mapping
from typing import Any

from models.stored_texts import BAD_PARAMETER
from models.tables.template import Template
from models.templates.content import MessageContent
from models.templates.formats import FormatError, ValueFormats
from models.templates.lengths import TemplateLengths
from models.templates.parameters import values_problem
from models.templates.sources import content_sources
from models.text import Text


class SentValues:
    """Reads the values of the recipients of one template with one content. `time_zone` is the business's, for days."""

    def __init__(self, template: Template, content: MessageContent, time_zone: str) -> None:
        sources = {(entry.place, entry.key): entry.source for entry in content_sources(content, [])}
        self._formats = ValueFormats(sources, template.language, time_zone)
        self._lengths = TemplateLengths(template.components, len(content.cards))

    def read(self, frozen: Mapping[str, Any]) -> tuple[Mapping[str, Any], Text | None]:
        """The values in their formats (place → key → value), and the first problem, None if there is none."""
        try:
            values = self._formats.shown(frozen)
        except FormatError as error:
            return frozen, BAD_PARAMETER(component=error.place, name=error.key, problem=error.text)
        return values, values_problem(values) or self._lengths.problem(values)
