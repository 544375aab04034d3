"""What a file is, by its content, and what is refused with what is allowed."""

import struct
from pathlib import Path

import pytest

from jobs.media.content import inspect_file
from jobs.media.kinds import GIF_BYTES, LIMITS, MB
from models.errors import OperatorError
from models.tables.media import MediaKind
from tests.support.media import CONTENT_TYPES, DOCX, JPEG, MP4, PDF, PNG, box, ole, picture, video, zipped

JPEG_BIG_CLAIM = JPEG.replace(struct.pack(">HH", 3, 4), struct.pack(">HH", 60_000, 60_000))
PNG_BIG_CLAIM = PNG.replace(struct.pack(">II", 4, 3), struct.pack(">II", 60_000, 60_000))
PNG_16_BITS = PNG.replace(b"\x08\x02\0\0\0", b"\x10\x02\0\0\0", 1)
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.fixture
def inspected(tmp_path: Path) -> "Inspector":
    return Inspector(tmp_path)


class Inspector:
    """Writes a content under a name and asks what it is."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(
        self, name: str, content: bytes, header_format: str | None = None
    ) -> tuple[str, int | None, int | None]:
        path = self.directory / "content"
        path.write_bytes(content)
        found = inspect_file(path, name, header_format)
        return found.mime_type, found.width, found.height

    def refusal(self, name: str, content: bytes, header_format: str | None = None) -> str:
        with pytest.raises(OperatorError) as caught:
            self(name, content, header_format)
        line = str(caught.value)
        assert "\n" not in line
        return line


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.png", PNG, ("image/png", 4, 3)),
        ("a.png", picture(mode="RGBA"), ("image/png", 4, 3)),
        ("wrong.jpg", PNG, ("image/png", 4, 3)),
        ("no-extension", JPEG, ("image/jpeg", 4, 3)),
        ("a.jpg", picture("JPEG", progressive=True), ("image/jpeg", 4, 3)),
        ("a.mp4", MP4, ("video/mp4", 640, 360)),
        ("a.mp4", video(sounds=(b"mp4a",)), ("video/mp4", 640, 360)),
        ("a.mp4", video(profile=100), ("video/mp4", 640, 360)),
        ("a.mp4", video(profile=77, offsets=(2, 0, 1)), ("video/mp4", 640, 360)),
        ("a.3gp", video(b"3gp5"), ("video/3gpp", 640, 360)),
        ("a.pdf", PDF, ("application/pdf", None, None)),
        ("a.txt", "Olá, mundo ✓\n".encode(), ("text/plain", None, None)),
        ("prices.csv", b"\xef\xbb\xbfname;price\n", ("text/plain", None, None)),
        ("a.docx", DOCX, ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", None, None)),
        ("a.doc", ole("Root Entry", "WordDocument"), ("application/msword", None, None)),
        ("a.xls", ole("Root Entry", "Workbook"), ("application/vnd.ms-excel", None, None)),
        ("a.ppt", ole("Root Entry", "PowerPoint Document"), ("application/vnd.ms-powerpoint", None, None)),
    ],
)
def test_what_meta_takes_is_known_by_its_content(
    inspected: Inspector, name: str, content: bytes, found: tuple[str, int | None, int | None]
) -> None:
    assert inspected(name, content) == found


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.png", b"", "a.png is empty"),
        ("photo.jpg", PDF, "photo.jpg is a PDF, not a picture: allowed are JPEG and PNG"),
        ("film.mp4", PNG, "film.mp4 is a PNG picture, not a video: allowed are MP4 and 3GPP"),
        ("report.docx", PDF, "report.docx is a PDF: a phone opens it by its name, which must end in .pdf"),
        ("a.gif", b"GIF89a" + b"\0" * 20, "a.gif is a GIF picture: allowed are pictures (JPEG, PNG), videos"),
        ("a.jpg", b"RIFF\0\0\0\0WEBPVP8 ", "a.jpg is a WebP picture: allowed are JPEG and PNG"),
        (
            "a.mp4",
            box(b"ftyp", b"qt  ", b"\0" * 8),
            "a.mp4 is a QuickTime video (MOV): allowed are MP4 and 3GPP",
        ),
        ("a.jpg", box(b"ftyp", b"heic", b"\0" * 8), "a.jpg is a HEIC picture"),
        ("a.png", SVG, "a.png is an SVG picture"),
        ("a.txt", b"  <!DOCTYPE html><p>", "a.txt is a web page or XML, not a document"),
        ("a.txt", b"MZ\x90\0", "a.txt is a Windows program, not a document"),
        ("a.txt", b"caf\xe9", "a.txt is of no known kind, not a document"),
        ("a.txt", b"a\0b", "a.txt is of no known kind"),
        ("a.txt", b"half a sign \xc3", "a.txt is of no known kind"),
        ("a.docx", zipped("a.txt"), "a.docx is a ZIP archive, not a document"),
        ("a.docx", DOCX[:-10], "a.docx is a damaged ZIP archive, or one that was cut off"),
        ("a.docx", zipped(CONTENT_TYPES, "word/vbaProject.bin"), "a.docx is a Word document with macros"),
        ("a.docx", ole("Root Entry", "EncryptedPackage"), "a.docx is an Office file with a password"),
        ("a.doc", ole("Root Entry", "__properties_version1.0"), "a.doc is an OLE file of another program"),
        ("a.doc", ole("x")[:100], "a.doc is a damaged Office file"),
    ],
)
def test_what_is_something_else_is_refused_with_what_is_allowed(
    inspected: Inspector, name: str, content: bytes, line: str
) -> None:
    assert inspected.refusal(name, content).startswith(line)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.png", picture(mode="P"), "a.png is a PNG with a palette: Meta takes 8-bit RGB and RGBA"),
        ("a.png", picture(mode="L"), "a.png is a PNG in grey: Meta takes"),
        ("a.png", PNG_16_BITS, "a.png is a PNG of 16 bits a channel: Meta takes"),
        ("a.jpg", picture("JPEG", "L"), "a.jpg is a JPEG in grey: Meta takes"),
        ("a.jpg", picture("JPEG", "CMYK"), "a.jpg is a JPEG in CMYK: Meta takes"),
        ("a.png", PNG_BIG_CLAIM, "a.png is a picture of 60000 × 60000 pixels: at most 10000 a side and 30 megapixels"),
        ("a.jpg", JPEG[:-20] + b"\xff\xda" * 200, "a.jpg is a JPEG of over 100 scans"),
        ("a.png", PNG[:40], "a.png is a damaged PNG, or it was cut off"),
        ("a.png", PNG[:12], "a.png is a damaged PNG, or it was cut off"),
        ("a.jpg", JPEG[:300], "a.jpg is a damaged JPEG, or it was cut off"),
    ],
)
def test_a_picture_that_meta_or_this_machine_could_not_take_is_refused(
    inspected: Inspector, name: str, content: bytes, line: str
) -> None:
    assert inspected.refusal(name, content).startswith(line)


def test_a_jpeg_that_claims_billions_of_pixels_is_not_decoded(inspected: Inspector) -> None:
    assert JPEG_BIG_CLAIM != JPEG
    assert "too many pixels" in (line := inspected.refusal("a.jpg", JPEG_BIG_CLAIM)) or "60000 × 60000" in line


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (video(codec=b"hvc1"), "film.mp4 is a video in HEVC (H.265): allowed are H.264 with sound in AAC, or none"),
        (video(codec=b"vp09"), "film.mp4 is a video in VP9"),
        (video(b"3gp4", codec=b"s263"), "film.mp4 is a video in H.263"),
        (video(sounds=(b"samr",)), "film.mp4 is a video with sound in AMR: allowed are H.264 with sound in AAC"),
        (video(sounds=(b"mp4a.6b",)), "film.mp4 is a video with sound in MP3"),
        (video(sounds=(b"mp4a", b"mp4a")), "film.mp4 has 2 tracks of sound: at most one"),
        (video(profile=100, offsets=(2, 0, 1)), "film.mp4 is H.264 in High profile with B-frames"),
        (MP4[:80], "film.mp4 is a damaged video, or it was cut off"),
        (box(b"ftyp", b"mp42", b"\0" * 8), "film.mp4 is a damaged video"),
        (box(b"ftyp", b"mp42") + box(b"moov", box(b"mvhd", b"\0" * 100)), "film.mp4 has no pictures: it is no video"),
        (box(b"ftyp", b"mp42") + struct.pack(">I4s", 2**31, b"moov"), "film.mp4 is a damaged video"),
        (box(b"ftyp", b"mp42") + box(b"moov", *[box(b"free")] * 6000), "film.mp4 is a damaged video"),
    ],
)
def test_a_video_that_phones_do_not_play_is_refused(inspected: Inspector, content: bytes, line: str) -> None:
    assert inspected.refusal("film.mp4", content).startswith(line)


def test_each_kind_has_its_size(inspected: Inspector) -> None:
    assert (
        inspected.refusal("film.mp4", MP4 + b"\0" * (17 * MB - len(MP4)))
        == "film.mp4 is a video of 17.0 MB: at most 16 MB"
    )
    assert (
        inspected.refusal("a.png", PNG.ljust(LIMITS[MediaKind.IMAGE] + 1, b"\0"))
        == "a.png is a picture of 5.1 MB: at most 5 MB"
    )
    assert inspected("a.png", PNG.ljust(LIMITS[MediaKind.IMAGE], b"\0"))[0] == "image/png"


def test_a_header_takes_its_own_kind_alone(inspected: Inspector) -> None:
    assert inspected("a.mp4", MP4, "VIDEO")[0] == "video/mp4"
    assert inspected("a.mp4", MP4, "GIF")[0] == "video/mp4"
    assert (
        inspected.refusal("film.png", MP4, "IMAGE")
        == "film.png is an MP4 video, not a picture: allowed are JPEG and PNG"
    )
    assert inspected.refusal("photo.jpg", PDF, "IMAGE") == "photo.jpg is a PDF, not a picture: allowed are JPEG and PNG"
    assert inspected.refusal("a.png", PNG, "DOCUMENT").startswith(
        "a.png is a PNG picture, not a document: allowed are PDF,"
    )
    large = MP4 + box(b"free", b"\0" * GIF_BYTES)
    assert inspected.refusal("a.mp4", large, "GIF") == "a.mp4 is an animation of 3.6 MB: at most 3.5 MB"
    assert "an animation is an MP4 video" in inspected.refusal("a.3gp", video(b"3gp5"), "GIF")
