"""Chooses a person's language among those of a campaign: the same, the same in another region, or the fallback."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, null, or_


def plain_language(code: str) -> str:
    """A language code in one spelling: `pt-BR` and `PT_br` as `pt_br`."""
    return code.strip(" ").replace("-", "_").lower()


def language_base(code: str) -> str:
    """The language of a code without its region: `pt` of `pt-BR`."""
    return plain_language(code).partition("_")[0]


@dataclass(frozen=True)
class LanguageChoice:
    """The languages of a campaign in the order of its file, and the one for whom none of them fits (None: left out)."""

    languages: Sequence[str]
    fallback: str | None

    def position_of(self, language: str | None) -> int | None:
        """The place among `languages` of the one that a contact of this language gets; None: the campaign has none for it."""
        code = plain_language(language or "")
        if code in self._exact:
            return self._exact[code]
        return self._of_base.get(language_base(code), self._fallback)

    def position_sql(self, language: ColumnElement[Any]) -> ColumnElement[Any]:
        """`position_of` as SQL over the column of the contact's language."""
        code = func.lower(func.replace(func.trim(language), "-", "_"))
        exact = [(code == known, literal(position)) for known, position in self._exact.items()]
        same = [
            (or_(code == base, code.startswith(f"{base}_", autoescape=True)), literal(position))
            for base, position in self._of_base.items()
        ]
        return case(*exact, *same, else_=null() if self._fallback is None else literal(self._fallback))

    @cached_property
    def _exact(self) -> dict[str, int]:
        return {plain_language(code): position for position, code in enumerate(self.languages)}

    @cached_property
    def _of_base(self) -> dict[str, int]:
        """The position by language without region: of the code that has no region, else of the first in order."""
        positions: dict[str, int] = {}
        for position, code in enumerate(self.languages):
            base = language_base(code)
            if plain_language(code) == base:
                positions[base] = position
            positions.setdefault(base, position)
        return positions

    @cached_property
    def _fallback(self) -> int | None:
        return None if self.fallback is None else self._exact.get(plain_language(self.fallback))
