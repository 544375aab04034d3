"""Names the languages of templates for people, beside Meta's codes."""

from functools import cache

from babel import Locale

from models.templates.definition.languages import LANGUAGES


@cache
def language_choices() -> tuple[tuple[str, str], ...]:
    """Pairs of code and label (`Portuguese (Brazil) · pt_BR`), by label."""
    named = sorted((_name(code), code) for code in LANGUAGES)
    return tuple((code, f"{name} · {code}") for name, code in named)


def _name(code: str) -> str:
    """The English name; the code's own parts where the library has none."""
    english = Locale("en")
    language, _, territory = code.partition("_")
    name = english.languages.get(language, language)
    return f"{name} ({english.territories.get(territory, territory)})" if territory else name
