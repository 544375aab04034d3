"""Recognises the encoding of a CSV file: by its mark, as UTF-8 or UTF-16, else by the words that its bytes would be.

A file in an old code page does not say in which. It is taken only where one of them makes words of one language of the bytes and no
other does, or no other in the countries of the file's phone numbers. Else it is asked about, or refused as a whole: a guess
would be written into people's names, and sent to them.
"""

import codecs
import re
from pathlib import Path
from typing import IO, NamedTuple

from jobs.imports.code_pages import CODE_PAGES, LABELS
from jobs.imports.errors import BadFileError
from jobs.imports.page_readings import Readings, read_in_pages

_BLOCK = 1 << 16
_LONGEST_LINE = 1 << 20
"""Bytes: a line that goes on beyond it is none that a CSV has, and must not fill the memory."""
_SAMPLE_BYTES = 1 << 17
"""Lines beyond ASCII, by which the encoding is told."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_BINARY = ((b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"), (b"%PDF", "a PDF"), (b"\x1f\x8b", "a packed file"))
_WORD = re.compile(r"[^\s;,|\"]+")
_MAX_SAMPLES = 6
_SURROGATES = re.compile(r"[\udc80-\udcff]")
_OFFERED = {codecs.lookup(name).name: name for name in LABELS}
"""What is offered, by Python's own name of it."""
_ONE_BYTE = frozenset(page.codec for page in CODE_PAGES if not page.is_double_byte)


class UnclearEncodingError(BadFileError):
    """Several encodings make words of the file, or none does."""

    @property
    def readings(self) -> Readings:
        """What each likely encoding makes of some words."""
        readings = self.text.values["readings"]
        return readings if isinstance(readings, dict) else {}


class TextCode(NamedTuple):
    """How bytes are read, and by what one knows afterwards that some were no text."""

    name: str
    codec: str
    errors: str
    strange: re.Pattern[str]


def detect_encoding(path: Path, file: IO[bytes], chosen: str | None = None, country: str | None = None) -> TextCode:
    """The encoding of the file, from its beginning to its end; the file is rewound. `chosen` is the operator's word for it.

    `country` (ISO code) is that of numbers without a calling code. A file that is mostly UTF-8 stays so, and its broken lines are
    refused one by one. Raises UnclearEncodingError if the encoding is neither certain nor chosen, and BadFileError if the chosen
    one is not known or does not fit, or if it is no text.
    """
    try:
        return _chosen(path, file, chosen) if chosen else _recognised(path, file, country)
    finally:
        file.seek(0)


def _recognised(path: Path, file: IO[bytes], country: str | None) -> TextCode:
    start = _start(file)
    for beginning, what in _BINARY:
        if start.startswith(beginning):
            raise BadFileError("{file} is {what}; save it as XLSX or CSV UTF-8", file=path.name, what=what)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return _code(name)
    if b"\x00" in start.partition(b"\n")[0]:
        return _without_mark(path, start)
    lines = _lines_beyond_ascii(file)
    if _is_mostly_utf8(lines):
        _check_read_once(path, lines)
        return _code("utf-8")
    readings, codec = read_in_pages(lines, _start(file, _SAMPLE_BYTES), country)
    if codec is not None:
        return _code(codec)
    raise UnclearEncodingError(
        "{file} is not UTF-8 text, and which encoding it has is not certain ({candidates}); say its encoding, or save it"
        " as CSV UTF-8",
        file=path.name,
        candidates=" or ".join(readings) or "none that is known fits",
        readings=readings,
    )


def _check_read_once(path: Path, lines: list[bytes]) -> None:
    """Raise UnclearEncodingError if most of the text is UTF-8 that a program read as Windows-1252 and saved (`JosÃ©`)."""
    texts = [line.decode("utf-8", errors="ignore") for line in lines]
    words = list(dict.fromkeys(word for text in texts for word in _WORD.findall(text) if not word.isascii()))
    garbled = [word for word in words if _is_garbled(word)]
    if len(garbled) * 2 > len(words):
        sample = tuple(garbled[:_MAX_SAMPLES])
        raise UnclearEncodingError(
            "{file} is UTF-8 text that was saved in a wrong encoding before, such as {sample!r}: save it anew from its source, or"
            " choose utf-8 to take it as it is",
            file=path.name,
            sample=sample[0],
            readings={"utf-8": sample},
        )


def _is_garbled(word: str) -> bool:
    try:
        once = word.encode("cp1252").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return False
    return once != word


def _chosen(path: Path, file: IO[bytes], name: str) -> TextCode:
    try:
        codec = codecs.lookup(name.strip()).name
        b"text".decode(codec, errors="replace")
    except (LookupError, ValueError) as error:
        raise BadFileError(
            "{file}: the encoding {name!r} is not known; allowed are for instance {allowed}",
            file=path.name,
            name=name[:40],
            allowed=", ".join(LABELS),
        ) from error
    code = _code("utf-8" if codec == "utf-8-sig" else _OFFERED.get(codec, codec))
    lines = [] if codec.startswith(("utf-16", "utf-32")) else _lines_beyond_ascii(file)
    strange = sum(code.strange.search(line.decode(code.codec, code.errors)) is not None for line in lines)
    if strange * 2 > len(lines) or (lines and code.name in _ONE_BYTE and not any(map(_broken, lines))):
        raise BadFileError("{file} is not {encoding} text; choose another encoding", file=path.name, encoding=code.name)
    return code


def _code(name: str) -> TextCode:
    if name == "utf-8":
        return TextCode(name, "utf-8-sig", "surrogateescape", _SURROGATES)
    return TextCode(name, name, "replace", re.compile("\ufffd"))


def _start(file: IO[bytes], size: int = 8192) -> bytes:
    file.seek(0)
    return file.read(size)


def _without_mark(path: Path, start: bytes) -> TextCode:
    """UTF-16 whose mark was lost: each character of the header has a zero byte on one side."""
    header = start.partition(b"\n")[0]
    is_little = header[1::2].count(0) > header[::2].count(0)
    name = "utf-16-le" if is_little else "utf-16-be"
    text = start[: len(start) // 2 * 2].decode(name, errors="replace").partition("\n")[0]
    if "\x00" in text or not re.search(r"[A-Za-z]{2}", text):
        raise BadFileError("{file} is not text; save it as XLSX or CSV UTF-8", file=path.name)
    return _code(name)


def _lines_beyond_ascii(file: IO[bytes]) -> list[bytes]:
    """Lines of the whole file that are not ASCII, up to `_SAMPLE_BYTES`."""
    lines: list[bytes] = []
    size = 0
    file.seek(0)
    while size < _SAMPLE_BYTES and (block := file.read(_BLOCK)):
        block += file.readline(_LONGEST_LINE)
        if block.isascii():
            continue
        for line in block.removeprefix(codecs.BOM_UTF8).split(b"\n"):
            if not line.isascii():
                lines.append(line)
                size += len(line)
    return lines


def _broken(line: bytes) -> int:
    """How many bytes of the line are no UTF-8."""
    return len(_SURROGATES.findall(line.decode("utf-8", errors="surrogateescape")))


def _is_mostly_utf8(lines: list[bytes]) -> bool:
    """Whether no line is broken, or fewer characters are than are whole: old code pages hardly ever make UTF-8 by chance."""
    broken = sum(map(_broken, lines))
    whole = sum(sum(letter > "\x7f" for letter in line.decode("utf-8", errors="ignore")) for line in lines)
    return not broken or whole > broken
