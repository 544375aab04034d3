"""Recognises Word, Excel and PowerPoint files, old and new, by what is in them. Nothing is unpacked."""

import struct
import zipfile
from typing import IO

from jobs.media.kinds import DOCX, EXCEL, POWERPOINT, PPTX, WORD, XLSX
from models.text import Text

OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MAX_DIRECTORY = 8 * 1024 * 1024
"""Bytes of a ZIP's directory; an Office file has some kilobytes."""
MAX_SECTORS = 512
"""Sectors of an OLE directory that are read."""
_PARTS = {
    "word/": (DOCX, Text("a Word document with macros")),
    "xl/": (XLSX, Text("an Excel workbook with macros")),
    "ppt/": (PPTX, Text("a PowerPoint presentation with macros")),
}
_STREAMS = {"WordDocument": WORD, "Workbook": EXCEL, "Book": EXCEL, "PowerPoint Document": POWERPOINT}
_ZIP_END = b"PK\x05\x06"
_LAST_SECTORS = 0xFFFFFFFA


def recognize_zip(file: IO[bytes], size: int) -> str | Text:
    """The MIME type of a new Office file, else what the ZIP is."""
    other = Text("a ZIP archive")
    file.seek(max(0, size - 66_000))
    end = file.read(66_000)
    place = end.rfind(_ZIP_END)
    if place < 0 or len(end) < place + 16:
        return Text("a damaged ZIP archive, or one that was cut off")
    if struct.unpack("<I", end[place + 12 : place + 16])[0] > MAX_DIRECTORY:
        return other
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, struct.error, OSError, ValueError, NotImplementedError):
        return Text("a damaged ZIP archive, or one that was cut off")
    if "[Content_Types].xml" not in names:
        return other
    for part, (mime_type, with_macros) in _PARTS.items():
        if any(name.startswith(part) for name in names):
            return with_macros if f"{part}vbaProject.bin" in names else mime_type
    return other


def recognize_ole(file: IO[bytes], size: int) -> str | Text:
    """The MIME type of an old Office file, else what the container holds."""
    try:
        names = _stream_names(file, size)
    except (struct.error, IndexError, OSError):
        return Text("a damaged Office file")
    if "EncryptedPackage" in names:
        return Text("an Office file with a password")
    return next((_STREAMS[name] for name in _STREAMS if name in names), Text("an OLE file of another program"))


def _stream_names(file: IO[bytes], size: int) -> set[str]:
    """The names in the root's directory ([MS-CFB] §2.6), from the sectors that the header's own table of sectors reaches."""
    file.seek(0)
    header = file.read(512)
    sector_bytes = 1 << min(struct.unpack("<H", header[30:32])[0], 12)
    if sector_bytes < 512:
        raise IndexError
    table = struct.unpack("<109I", header[76:512])
    sector: int = struct.unpack("<I", header[48:52])[0]
    names: set[str] = set()
    for _ in range(MAX_SECTORS):
        place = (sector + 1) * sector_bytes
        if sector >= _LAST_SECTORS or place >= size:
            break
        file.seek(place)
        directory = file.read(sector_bytes)
        for start in range(0, len(directory) - 127, 128):
            length = struct.unpack("<H", directory[start + 64 : start + 66])[0]
            names.add(directory[start : start + max(0, min(length, 64) - 2)].decode("utf-16-le", "ignore"))
        sector = _next_sector(file, table, sector, sector_bytes)
    return names


def _next_sector(file: IO[bytes], table: tuple[int, ...], sector: int, sector_bytes: int) -> int:
    in_each = sector_bytes // 4
    file.seek((table[sector // in_each] + 1) * sector_bytes + sector % in_each * 4)
    following: int = struct.unpack("<I", file.read(4))[0]
    return following
