"""Names the types of files that Meta takes, with their sizes (docs/meta.md §6), and says so in sentences for people."""

from collections.abc import Mapping
from math import ceil

from models.errors import OperatorError
from models.tables.media import MediaKind
from models.text import Text

MB = 1024 * 1024
IMAGE_TYPES = {"image/jpeg": "JPEG", "image/png": "PNG"}
VIDEO_TYPES = {"video/mp4": "MP4", "video/3gpp": "3GPP"}
WORD, EXCEL, POWERPOINT = "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"
_OPEN_XML = "application/vnd.openxmlformats-officedocument."
DOCX, XLSX, PPTX = (
    f"{_OPEN_XML}wordprocessingml.document",
    f"{_OPEN_XML}spreadsheetml.sheet",
    f"{_OPEN_XML}presentationml.presentation",
)
PDF, TEXT = "application/pdf", "text/plain"
DOCUMENT_TYPES = {
    PDF: "PDF", TEXT: "text", DOCX: "Word", XLSX: "Excel", PPTX: "PowerPoint", WORD: "Word", EXCEL: "Excel",
    POWERPOINT: "PowerPoint",
}  # fmt: skip
KIND_OF: Mapping[str, MediaKind] = {
    **dict.fromkeys(IMAGE_TYPES, MediaKind.IMAGE),
    **dict.fromkeys(VIDEO_TYPES, MediaKind.VIDEO),
    **dict.fromkeys(DOCUMENT_TYPES, MediaKind.DOCUMENT),
}
TYPE_NAMES = IMAGE_TYPES | VIDEO_TYPES | DOCUMENT_TYPES
TYPE_NOUNS: Mapping[str, Text] = {
    "image/jpeg": Text("a JPEG picture"),
    "image/png": Text("a PNG picture"),
    "video/mp4": Text("an MP4 video"),
    "video/3gpp": Text("a 3GPP video"),
    PDF: Text("a PDF"),
    TEXT: Text("text"),
    DOCX: Text("a Word document"),
    XLSX: Text("an Excel workbook"),
    PPTX: Text("a PowerPoint presentation"),
    WORD: Text("an old Word document"),
    EXCEL: Text("an old Excel workbook"),
    POWERPOINT: Text("an old PowerPoint presentation"),
}
EXTENSIONS: Mapping[str, tuple[str, ...]] = {
    "image/jpeg": (".jpg", ".jpeg"), "image/png": (".png",), "video/mp4": (".mp4", ".m4v"), "video/3gpp": (".3gp", ".3gpp"),
    PDF: (".pdf",), TEXT: (".txt", ".csv", ".md", ".log", ".ics", ".vcf"), DOCX: (".docx",), XLSX: (".xlsx",), PPTX: (".pptx",),
    WORD: (".doc",), EXCEL: (".xls",), POWERPOINT: (".ppt",),
}  # fmt: skip
"""The first is that under which content is stored."""
LIMITS = {MediaKind.IMAGE: 5 * MB, MediaKind.VIDEO: 16 * MB, MediaKind.DOCUMENT: 100 * MB}
MAX_BYTES = max(LIMITS.values())
GIF_BYTES = int(3.5 * MB)
"""Of an animation: a GIF header takes an mp4, on the Marketing Messages API alone (docs/meta.md §2.3)."""
HEADER_KINDS = {
    "IMAGE": MediaKind.IMAGE, "VIDEO": MediaKind.VIDEO, "GIF": MediaKind.VIDEO, "DOCUMENT": MediaKind.DOCUMENT,
}  # fmt: skip
"""The formats of a template's header that show a file, with the kind of file each takes."""

NOUNS = {
    MediaKind.IMAGE: Text("a picture"),
    MediaKind.VIDEO: Text("a video"),
    MediaKind.DOCUMENT: Text("a document"),
}
ANIMATION = Text("an animation")
ALLOWED = {
    MediaKind.IMAGE: Text("JPEG and PNG"),
    MediaKind.VIDEO: Text("MP4 and 3GPP"),
    MediaKind.DOCUMENT: Text("PDF, text, Word, Excel and PowerPoint"),
}
ALL_ALLOWED = Text(
    "pictures (JPEG, PNG), videos (MP4, 3GPP) and documents (PDF, text, Word, Excel, PowerPoint)",
)


def kind_by_name(name: str) -> MediaKind | None:
    """The kind of file that a name claims by its extension, None if it claims none that Meta takes."""
    return next((KIND_OF[mime] for mime in EXTENSIONS if name.lower().endswith(EXTENSIONS[mime])), None)


def check_size(name: str, kind: MediaKind, size_bytes: int, header_format: str | None = None) -> None:
    """Raises OperatorError if a file is too large for its kind, or for a GIF header."""
    noun, limit = (ANIMATION, GIF_BYTES) if header_format == "GIF" else (NOUNS[kind], LIMITS[kind])
    if size_bytes > limit:
        raise OperatorError(
            "{name} is {noun} of {size} MB: at most {limit} MB",
            name=name,
            noun=noun,
            size=f"{ceil(size_bytes / MB * 10) / 10:.1f}",
            limit=f"{limit / MB:g}",
        )


def check_header(name: str, mime_type: str, size_bytes: int, header_format: str) -> None:
    """Check that a file fits a template's header (`HEADER_KINDS`). Raises OperatorError with what the header takes."""
    kind, wanted = KIND_OF[mime_type], HEADER_KINDS[header_format]
    if kind is not wanted:
        raise wrong_kind(name, TYPE_NOUNS[mime_type], wanted)
    if header_format == "GIF" and mime_type != "video/mp4":
        raise OperatorError("{name} is {what}: an animation is an MP4 video", name=name, what=TYPE_NOUNS[mime_type])
    check_size(name, kind, size_bytes, header_format)


def wrong_kind(name: str, what: Text, wanted: MediaKind | None) -> OperatorError:
    """The refusal of a file that is `what`; None wants any kind."""
    allowed = ALL_ALLOWED if wanted is None else ALLOWED[wanted]
    if wanted is None or NOUNS[wanted].template.split()[-1] in what.template:  # a WebP picture is a picture
        return OperatorError("{name} is {what}: allowed are {allowed}", name=name, what=what, allowed=allowed)
    return OperatorError(
        "{name} is {what}, not {wanted}: allowed are {allowed}",
        name=name,
        what=what,
        wanted=NOUNS[wanted],
        allowed=allowed,
    )
