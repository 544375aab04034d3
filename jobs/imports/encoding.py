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
_LONGEST_LINE = 1 << 20
"""Bytes: a line that goes on beyond it is none that a CSV has, and must not fill the memory."""
MAX_BROKEN = 1000
"""Lines by which a code page is told."""
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


def _replacing(codec: str) -> TextCode:
    """A code that is read with a replacement for what is no text in it."""
    return TextCode(codec, codec, "replace", re.compile("\ufffd"))


def detect_encoding(path: Path, file: IO[bytes], chosen: str | None = None) -> TextCode:
    """The encoding of the file, from its beginning to its end; the file is rewound. `chosen` is the operator's word for it.

    A file that is mostly UTF-8 stays so, and its broken lines are refused one by one. Raises BadFileError if the encoding is
    neither certain nor chosen, or if the chosen one is not known or does not fit.
    """
    try:
        return _chosen(path, chosen) if chosen else _recognised(path, file)
    finally:
        file.seek(0)


def _recognised(path: Path, file: IO[bytes]) -> TextCode:
    file.seek(0)
    if file.read(2).startswith(UTF16_MARKS):
        return _replacing(UTF16)
    file.seek(0)
    broken = _broken_lines(file)
    if not broken:
        return _UTF8_CODE
    if not _is_western(broken):
        raise BadFileError(
            "{file} is not UTF-8 text, and which encoding it has is not certain; save it as CSV UTF-8, or say its encoding",
            file=path.name,
        )
    return _replacing(WESTERN)


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
    return _replacing(codec)


def _broken_lines(file: IO[bytes]) -> list[bytes]:
    """The lines that are no UTF-8, `MAX_BROKEN` at the most. Empty as soon as one line beyond ASCII is: then the file is UTF-8."""
    broken: list[bytes] = []
    while block := file.read(_BLOCK):
        block += file.readline(_LONGEST_LINE)
        if block.isascii():
            continue
        for line in block.removeprefix(codecs.BOM_UTF8).split(b"\n"):
            if line.isascii():
                continue
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                broken += [line] if len(broken) < MAX_BROKEN else []
            else:
                return []
    return broken


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
