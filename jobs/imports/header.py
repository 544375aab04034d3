"""Names the columns of a file: what has no name, or the name of another column, is told apart and is taken only on demand."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from jobs.imports.errors import BadFileError
from models.characters import drop_ignorable
from models.spreadsheets import unprotect

MAX_COLUMNS = 1000
"""Columns of a file; how many are taken is another matter (`MAX_TAKEN`)."""
MAX_TAKEN = 200
LINE_COLUMN, REASON_COLUMN = REJECT_COLUMNS = ("refused_line", "refused_why")
"""The columns that stand first in a file of refused rows."""
_APART = re.compile(r"[\W_]+")


def fold_name(name: str) -> str:
    """The name in lower case without accents, with `_` for what is no letter and no digit: `Teléfono 1` is `telefono_1`."""
    text = unicodedata.normalize("NFKD", drop_ignorable(name).casefold())
    return _APART.sub("_", "".join(letter for letter in text if not unicodedata.combining(letter))).strip("_")


_PHONE_WORDS = """
    phone telephone mobile cell cellphone cell_phone msisdn whatsapp whatsapp_number number phone_number mobile_number
    mobile_phone telephone_number phone_no contact_number wa_id gsm
    telefono telefono_movil movil celular numero_de_telefono numero_de_celular telefone telemovel numero_de_telefone numero
    portable tel telefon numero_de_telephone handy handynummer mobiltelefon mobilnummer telefonnummer rufnummer mobil
    cellulare numero_di_telefono telefoon telefoonnummer mobiel mobilnr telefonnr puhelin puhelinnumero matkapuhelin
    numer_telefonu komórka telefonszám telefonní_číslo telefónne_číslo număr_de_telefon telefon_numarası cep_telefonu
    телефон номер_телефона мобильный τηλέφωνο κινητό טלפון נייד هاتف الهاتف رقم_الهاتف جوال تلفن موبایل
    โทรศัพท์ เบอร์โทร điện_thoại số_điện_thoại nomor_telepon nomor_hp no_hp nombor_telefon फ़ोन मोबाइल
    電話 電話番号 携帯電話 手机 手机号 电话 手機 電話號碼 전화 전화번호 휴대폰
"""
PHONE_NAMES = frozenset(map(fold_name, _PHONE_WORDS.split()))
"""What programs and people call the column of phones, as `fold_name` has it."""


@dataclass(frozen=True, slots=True)
class Header:
    """The columns' names, each once. `made_names` were made here: they are left out unless an operator chooses them."""

    names: list[str]
    made_names: frozenset[str] = frozenset()
    given: Sequence[str] = ()
    """The names as the file has them, some of them empty or there twice."""
    width: int = 0
    """The cells of the header row: empty ones at its end have no column here."""

    def count_taken(self, names: Mapping[str, str]) -> int:
        """How many columns are taken with these names, as for `renamed`."""
        return sum(bool(names.get(name, "" if name in self.made_names else name)) for name in self.names)

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


def read_header(path: Path, cells: Iterable[str], filled: int = 0) -> Header:
    """Name every column: `column 3` where the file has no name, `Notes (2)` for the second of one name.

    At its end, columns without a name are none, but for the first `filled`, in which something stands.

    The two columns that stand first in a file of refused rows are not counted, so that its columns are called as they were. Raises
    BadFileError if there are more than `MAX_COLUMNS`.
    """
    given = [unprotect(drop_ignorable(cell).strip()) for cell in cells]
    row_width = len(given)
    while given and not given[-1] and len(given) > filled:
        given.pop()
    _check_width(path, len(given))
    taken = {name.lower() for name in given if name}
    seen: set[str] = set()
    names: list[str] = []
    made: set[str] = set()
    first = 1 - len(REJECT_COLUMNS) if tuple(given[: len(REJECT_COLUMNS)]) == REJECT_COLUMNS else 1
    for position, name in enumerate(given, first):
        unique = name
        if not name or name.lower() in seen:
            unique = _unused(name, position, taken | seen)
            made.add(unique)
        seen.add(unique.lower())
        names.append(unique)
    return Header(names, frozenset(made), given, row_width)


def unnamed_header(path: Path, width: int) -> Header:
    """The header of a table that has none: `column 1` and so on. Raises BadFileError if there are more than `MAX_COLUMNS`."""
    _check_width(path, width)
    names = [f"column {position}" for position in range(1, width + 1)]
    return Header(names, frozenset(names), [""] * width, width)


def _check_width(path: Path, width: int) -> None:
    if width > MAX_COLUMNS:
        raise BadFileError(
            "{file} has {count} columns; at most {max_columns} are allowed",
            file=path.name,
            count=width,
            max_columns=MAX_COLUMNS,
        )


def _unused(name: str, position: int, taken: set[str]) -> str:
    base = name or f"column {position}"
    numbered = (f"{base} ({number})" for number in count(2))
    candidates = numbered if name else chain([base], numbered)
    return next(candidate for candidate in candidates if candidate.lower() not in taken)
