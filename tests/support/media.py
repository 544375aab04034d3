"""Files of the kinds that Meta takes and of others, made as small as they can be."""

import struct
import zipfile
from io import BytesIO

from PIL import Image

CONTENT_TYPES = "[Content_Types].xml"


def picture(form: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (4, 3), **options: object) -> bytes:
    """A picture as Pillow writes it."""
    written = BytesIO()
    Image.new(mode, size, 1 if mode in {"L", "P", "1", "I;16"} else (30,) * len(mode)).save(written, form, **options)
    return written.getvalue()


def box(kind: bytes, *contents: bytes) -> bytes:
    """A box of an MP4."""
    content = b"".join(contents)
    return struct.pack(">I4s", len(content) + 8, kind) + content


def video(
    brand: bytes = b"mp42",
    codec: bytes = b"avc1",
    sounds: tuple[bytes, ...] = (),
    *,
    profile: int = 66,
    offsets: tuple[int, ...] = (),
) -> bytes:
    """A video of 640 × 360 pixels and 2.5 seconds that has headers alone. `sounds`: the codec of each track of sound."""
    header = box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 1000, 2500), b"\0" * 80)
    entry = box(codec, b"\0" * 78, box(b"avcC", bytes([1, profile, 0, 31])))
    tables = [box(b"stsd", struct.pack(">II", 0, 1), entry)]
    if offsets:
        tables.append(
            box(b"ctts", struct.pack(">II", 0, len(offsets)), *(struct.pack(">II", 1, offset) for offset in offsets))
        )
    size = box(b"tkhd", b"\0" * 76, struct.pack(">II", 640 << 16, 360 << 16))
    tracks = [box(b"trak", size, _media(b"vide", *tables))]
    for sound in sounds:
        # `mp4a.6b` is MP3 in the box of AAC.
        kind, _, number = sound.partition(b".")
        tracks.append(
            box(b"trak", _media(b"soun", box(b"stsd", struct.pack(">II", 0, 1), _sound(kind, number or b"40"))))
        )
    return box(b"ftyp", brand, b"\0\0\0\0", b"isom") + box(b"moov", header, *tracks) + box(b"mdat", b"\0" * 16)


def _media(handler: bytes, *tables: bytes) -> bytes:
    return box(b"mdia", box(b"hdlr", b"\0" * 8, handler, b"\0" * 13), box(b"minf", box(b"stbl", *tables)))


def _sound(kind: bytes, object_type: bytes) -> bytes:
    config = b"\x04\x0d" + bytes([int(object_type, 16)]) + b"\0" * 12
    descriptor = b"\x03" + bytes([3 + len(config)]) + b"\0\0\0" + config
    return box(kind, b"\0" * 28, box(b"esds", b"\0\0\0\0", descriptor))


def zipped(*names: str) -> bytes:
    """A ZIP archive with empty files of these names."""
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return written.getvalue()


def ole(*streams: str) -> bytes:
    """An OLE container with a directory of these streams: the form of old Office files."""
    header = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504)
    struct.pack_into("<H", header, 30, 9)
    struct.pack_into("<I", header, 48, 1)  # the directory is sector 1
    struct.pack_into("<109I", header, 76, 0, *[0xFFFFFFFF] * 108)  # the table of sectors is sector 0
    table = struct.pack("<128I", 0xFFFFFFFD, 0xFFFFFFFE, *[0xFFFFFFFF] * 126)
    directory = b"".join(
        name.encode("utf-16-le").ljust(64, b"\0") + struct.pack("<H", len(name) * 2 + 2) + b"\0" * 62
        for name in streams
    )
    return bytes(header) + table + directory.ljust(512, b"\0")


PNG = picture()
JPEG = picture("JPEG")
MP4 = video()
PDF = b"%PDF-1.7\n%%EOF\n"
DOCX = zipped(CONTENT_TYPES, "word/document.xml")
