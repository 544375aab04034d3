"""Says in a few words what a file of the media library is."""

from jobs.media.kinds import MB, TYPE_NAMES
from models.tables.media import MediaFile, MediaKind

_KIND = {MediaKind.IMAGE: "picture", MediaKind.VIDEO: "video", MediaKind.DOCUMENT: "document"}


def media_type(row: MediaFile) -> str:
    """`PNG`, `MP4`, `PDF`; the MIME type for a type from before there was a list."""
    return TYPE_NAMES.get(row.mime_type, row.mime_type)


def media_facts(row: MediaFile) -> str:
    """`PNG picture · 1200 × 628 · 340 KB`, `MP4 video · 0:31 · 4.2 MB`."""
    facts = [f"{media_type(row)} {_KIND[row.kind]}"]
    if row.width and row.height:
        facts.append(f"{row.width} × {row.height}")
    if row.duration_seconds:
        minutes, seconds = divmod(round(row.duration_seconds), 60)
        facts.append(f"{minutes}:{seconds:02}")
    facts.append(f"{row.size_bytes / MB:.1f} MB" if row.size_bytes >= MB else f"{max(1, row.size_bytes // 1024)} KB")
    return " · ".join(facts)
