"""Names the columns of a file: what has no name, or the name of another column, is told apart and is taken only on demand."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from jobs.imports.errors import BadFileError
from models.characters import drop_ignorable

MAX_COLUMNS = 1000
"""Columns of a file; how many are taken is another matter (`MAX_TAKEN`)."""
MAX_TAKEN = 200
PHONE_NAMES = (
    "telephone mobile cell cellphone msisdn whatsapp number phone_number mobile_number telefono movil celular telefone numero "
    "portable tel telefon handy handynummer telefonnummer rufnummer cellulare wa_id"
)
"""What other programs call the column of phones, as `fold_name` has it."""


@dataclass(frozen=True, slots=True)
class Header:
    """The columns' names, each once. `made_names` were made here: they are left out unless an operator chooses them."""

    names: list[str]
    made_names: frozenset[str] = frozenset()

    def renamed(self, path: Path, names: Mapping[str, str]) -> list[str]:
        """The names with others for some columns (an empty one leaves a column out).

        Raises BadFileError if a column is not there, if two would have one name, or if too many are taken.
        """
        unknown = next((name for name in names if name not in self.names), None)
        if unknown is not None:
            raise BadFileError("{file}: there is no column {unknown!r}", file=path.name, unknown=unknown)
        header = [names.get(name, "" if name in self.made_names else name) for name in self.names]
        lower = [name.strip().lower() for name in header if name.strip()]
        twice = next((name for name in lower if lower.count(name) > 1), None)
        if twice:
            raise BadFileError("{file}: the column {twice!r} is there twice", file=path.name, twice=twice)
        if len(lower) > MAX_TAKEN:
            raise BadFileError(
                "{file}: {count} columns are taken; at most {max_taken} are allowed: leave some out",
                file=path.name,
                count=len(lower),
                max_taken=MAX_TAKEN,
            )
        return header


def read_header(path: Path, cells: Iterable[str]) -> Header:
    """Name every column: `column 3` where the file has no name, `Notes (2)` for the second of one name.

    Raises BadFileError if there are more than `MAX_COLUMNS`.
    """
    given = [drop_ignorable(cell).strip() for cell in cells]
    while given and not given[-1]:
        given.pop()
    if len(given) > MAX_COLUMNS:
        raise BadFileError(
            "{file} has {count} columns; at most {max_columns} are allowed",
            file=path.name,
            count=len(given),
            max_columns=MAX_COLUMNS,
        )
    taken = {name.lower() for name in given if name}
    seen: set[str] = set()
    names: list[str] = []
    made: set[str] = set()
    for position, name in enumerate(given, 1):
        unique = name
        if not name or name.lower() in seen:
            unique = _unused(name, position, taken | seen)
            made.add(unique)
        seen.add(unique.lower())
        names.append(unique)
    return Header(names, frozenset(made))


def fold_name(name: str) -> str:
    """The name in lower case without accents, with `_` for what is no letter and no digit: `Teléfono 1` is `telefono_1`."""
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(letter)
    )
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def _unused(name: str, position: int, taken: set[str]) -> str:
    base = name or f"column {position}"
    numbered = (f"{base} ({number})" for number in count(2))
    candidates = numbered if name else chain([base], numbered)
    return next(candidate for candidate in candidates if candidate.lower() not in taken)
