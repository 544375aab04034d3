"""Sentences for people: an English template with named values, translated where it is shown.

Nothing stores or passes on a finished sentence. What is stored is a key with its values (`Text.stored`), so that the reader's
language and a mended wording apply to old rows too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from gettext import NullTranslations

_TRANSLATIONS = NullTranslations()


def translate(template: str, /, **values: object) -> str:
    """The template in the reader's language, with its places filled.

    Values that are sentences themselves (a `Text`, an error that carries one) are translated too. English is the only language
    so far.
    """
    sentence = _TRANSLATIONS.gettext(template)
    return sentence.format(**{name: _shown(value) for name, value in values.items()}) if values else sentence


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence that has not been put into a language yet. Without values the template is the sentence as it stands."""

    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """In English, as logs and the command line say it."""
        return self.template.format(**self.values) if self.values else self.template

    def translated(self) -> str:
        """In the reader's language."""
        return translate(self.template, **self.values)


def _shown(value: object) -> object:
    text = value if isinstance(value, Text) else getattr(value, "text", None)
    return text.translated() if isinstance(text, Text) else value
