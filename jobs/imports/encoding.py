"""Tells the encoding of a CSV file: UTF-8, UTF-16 with its mark, or the code page of Excel in Western Europe.

A file in another code page reads as well in this one, with other letters: it is taken only where every letter beyond ASCII is one
that languages of Western Europe write, in a word with others. What is uncertain is refused as a whole, and can be chosen.
"""

import codecs
import re
from pathlib import Path
from typing import IO, NamedTuple

from jobs.imports.errors import BadFileError

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
UTF8, UTF16, WESTERN = "utf-8", "utf-16", "cp1252"
_BLOCK = 1 << 16
_WESTERN_LETTERS = "àáâãäåæçèéêëìíîïñòóôõöøœùúûüýÿß"
_EXPECTED = frozenset(
    _WESTERN_LETTERS + _WESTERN_LETTERS.upper().replace("SS", "") + "¿¡«»°ºª€£§©®·´‘’“”–—…•\xa0\u2122"
)
_UNLIKELY = re.compile(r"[ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÒÓÔÕÖØÙÚÛÜàáâãäåæçèéêëìíîïðòóôõöøùúûüýÿßñÑ]{3,}")
"""Three such letters in a row stand in no word of Western Europe; in Cyrillic or Greek text every word looks so."""
_INSIDE_A_WORD = re.compile(r"[^\W\d_][¿¡«»°§£€©®·][^\W\d_]")


class TextCode(NamedTuple):
    """How bytes are read, and by what one knows afterwards that some were no text."""

    name: str
    codec: str
    errors: str
    strange: re.Pattern[str]


_UTF8_CODE = TextCode(UTF8, "utf-8-sig", "surrogateescape", re.compile(r"[\udc80-\udcff]"))
_UTF16_CODE = TextCode(UTF16, "utf-16", "replace", re.compile("\ufffd"))


def detect_encoding(path: Path, file: IO[bytes], chosen: str | None = None) -> TextCode:
    """The encoding of the file, from its beginning to its end; the file is rewound. `chosen` is the operator's word for it.

    A file that is mostly UTF-8 stays so, and its broken lines are refused one by one. Raises BadFileError if the encoding is
    neither certain nor chosen, or if the chosen one is not known or does not fit.
    """
    file.seek(0)
    start = file.read(2)
    if chosen:
        code = _chosen(path, chosen)
        file.seek(0)
        return code
    if start.startswith(UTF16_MARKS):
        file.seek(0)
        return _UTF16_CODE
    has_utf8, broken = _scan(file)
    file.seek(0)
    if not broken or has_utf8:
        return _UTF8_CODE
    if not _is_western(broken):
        raise BadFileError(
            "{file} is not UTF-8 text, and which encoding it has is not certain; save it as CSV UTF-8, or say its encoding",
            file=path.name,
        )
    return TextCode(WESTERN, WESTERN, "replace", re.compile("\ufffd"))


def _chosen(path: Path, name: str) -> TextCode:
    try:
        codec = codecs.lookup(name.strip()).name
        b"".decode(codec)
    except (LookupError, ValueError) as error:
        raise BadFileError(
            "{file}: the encoding {name!r} is not known; allowed are for instance utf-8, utf-16, cp1252 and cp1250",
            file=path.name,
            name=name[:40],
        ) from error
    if codec in {"utf-8", "utf-8-sig"}:
        return _UTF8_CODE
    return TextCode(codec, codec, "replace", re.compile("\ufffd"))


def _scan(file: IO[bytes]) -> tuple[bool, list[bytes]]:
    """Whether a letter beyond ASCII is written as UTF-8 anywhere, and the lines that are no UTF-8, a thousand at the most."""
    file.seek(0)
    has_utf8 = False
    broken: list[bytes] = []
    while lines := file.readlines(_BLOCK):
        if b"".join(lines).isascii():
            continue
        for line in lines:
            if line.isascii():
                continue
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                if len(broken) < 1000:
                    broken.append(line)
            else:
                has_utf8 = has_utf8 or (text.removeprefix("\ufeff") != "" and not text.removeprefix("\ufeff").isascii())
    return has_utf8, broken


def _is_western(lines: list[bytes]) -> bool:
    for line in lines:
        try:
            text = line.decode(WESTERN).replace("œu", "oeu").replace("Œu", "Oeu")
        except UnicodeDecodeError:
            return False
        if (
            _UNLIKELY.search(text)
            or _INSIDE_A_WORD.search(text)
            or any(not character.isascii() and character not in _EXPECTED for character in text)
        ):
            return False
    return True
