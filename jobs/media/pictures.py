"""Checks pictures with Pillow and draws their thumbnails, in bounded memory and time whatever a file claims.

The dimensions are read and judged before anything is decoded: a few kilobytes can claim a picture of gigabytes.
"""

import struct
import warnings
from io import BytesIO
from typing import IO

from PIL import Image, ImageOps, UnidentifiedImageError

from jobs.media.kinds import IMAGE_TYPES
from models.errors import OperatorError
from models.text import Text

MAX_SIDE = 10_000
MAX_MEGAPIXELS = 30
MAX_SCANS = 100
"""Of a progressive JPEG: each passes over the whole picture. Ten or so are usual."""
THUMBNAIL_SIDE = 480
_FORMATS = ("JPEG", "PNG")
_GREY = Text("in grey")
_PNG_COLORS = {0: _GREY, 3: Text("with a palette"), 4: Text("in grey with transparency")}
_CHUNK_BYTES = 256 * 1024

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # `_check_dimensions` judges the dimensions


def check_picture(file: IO[bytes], name: str, mime_type: str) -> tuple[int, int]:
    """Check a JPEG or PNG as Meta takes it (docs/meta.md §6) and decode all of it; returns width and height in pixels.

    Raises OperatorError if it is too large, of another form than 8-bit RGB or RGBA, or damaged.
    """
    what = IMAGE_TYPES[mime_type]
    file.seek(0)
    if mime_type == "image/png":
        _check_png_form(file.read(33), name)
    elif _count_scans(file) > MAX_SCANS:
        raise OperatorError("{name} is a JPEG of over {max} scans: save it anew", name=name, max=MAX_SCANS)
    file.seek(0)
    try:
        with _open(file) as picture:
            width, height = picture.size
            _check_dimensions(name, width, height)
            if picture.mode not in {"RGB", "RGBA"}:
                form = _GREY if picture.mode == "L" else Text("in {mode}", {"mode": picture.mode})
                raise _wrong_form(name, what, form)
            picture.draft(
                "RGB", (max(1, width // 8), max(1, height // 8))
            )  # a JPEG is decoded at an eighth of its size
            picture.load()
    except OperatorError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise OperatorError("{name} is a {what} of too many pixels", name=name, what=what) from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error, EOFError, MemoryError):
        raise OperatorError("{name} is a damaged {what}, or it was cut off", name=name, what=what) from None
    return width, height


def draw_thumbnail(file: IO[bytes]) -> bytes:
    """A JPEG of at most `THUMBNAIL_SIDE` pixels a side. The file was checked. Raises OSError if it cannot be decoded."""
    with _open(file) as picture:
        if picture.width * picture.height > MAX_MEGAPIXELS * 1_000_000:  # it may be from before the checks
            raise OSError("too large")
        picture.draft("RGB", (THUMBNAIL_SIDE * 2, THUMBNAIL_SIDE * 2))
        picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        upright = ImageOps.exif_transpose(picture)
        drawn = Image.new("RGB", upright.size, "white")
        drawn.paste(upright, mask=upright.getchannel("A") if upright.mode == "RGBA" else None)
        thumbnail = BytesIO()
        drawn.save(thumbnail, "JPEG", quality=80)
    return thumbnail.getvalue()


def _open(file: IO[bytes]) -> Image.Image:
    return Image.open(file, formats=_FORMATS)


def _check_dimensions(name: str, width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_MEGAPIXELS * 1_000_000:
        raise OperatorError(
            "{name} is a picture of {width} × {height} pixels: at most {side} a side and {megapixels} megapixels",
            name=name,
            width=width,
            height=height,
            side=MAX_SIDE,
            megapixels=MAX_MEGAPIXELS,
        )


def _check_png_form(head: bytes, name: str) -> None:
    if len(head) < 33 or head[12:16] != b"IHDR":
        raise OperatorError("{name} is a damaged {what}, or it was cut off", name=name, what="PNG")
    width, height, bits, color = struct.unpack(">IIBB", head[16:26])
    _check_dimensions(name, width, height)
    if color in _PNG_COLORS:
        raise _wrong_form(name, "PNG", _PNG_COLORS[color])
    if bits != 8:
        raise _wrong_form(name, "PNG", Text("of {bits} bits a channel", {"bits": bits}))


def _wrong_form(name: str, what: str, form: Text) -> OperatorError:
    return OperatorError(
        "{name} is a {what} {form}: Meta takes 8-bit RGB and RGBA, so save it as such", name=name, what=what, form=form
    )


def _count_scans(file: IO[bytes]) -> int:
    """How often a JPEG's marker of a scan occurs; within a scan's data such bytes do not occur."""
    count, before = 0, b""
    while chunk := file.read(_CHUNK_BYTES):
        count += (before + chunk).count(b"\xff\xda")
        before = chunk[-1:]
    return count
