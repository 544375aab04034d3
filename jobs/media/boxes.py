"""Reads the boxes of an MP4 or 3GPP file (ISO 14496-12): its codecs, its size and its length. Nothing is decoded.

Only headers are read, and a bounded number of boxes, whatever lengths a file claims.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, NamedTuple

from models.errors import OperatorError
from models.text import Text

MAX_BOXES = 5_000
MAX_PAYLOAD = 4_096
"""Of what is read of one box."""
_HIGH_PROFILE = 100
_CODECS = {
    b"hvc1": "HEVC (H.265)", b"hev1": "HEVC (H.265)", b"dvh1": "HEVC (H.265)", b"vp08": "VP8", b"vp09": "VP9", b"av01": "AV1",
    b"mp4v": "MPEG-4 Part 2", b"s263": "H.263", b"apcn": "ProRes", b"apch": "ProRes", b"mjpa": "Motion JPEG",
    b"jpeg": "Motion JPEG", b"samr": "AMR", b"sawb": "AMR-WB", b"ac-3": "AC-3", b"ec-3": "E-AC-3", b"Opus": "Opus",
    b"fLaC": "FLAC", b"alac": "ALAC",
    b".mp3": "MP3", b"twos": "PCM", b"sowt": "PCM",
}  # fmt: skip
_H264 = frozenset({b"avc1", b"avc3"})
_AAC_OBJECTS = frozenset({0x40, 0x66, 0x67, 0x68})
_PICTURE_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"mif1", b"msf1"})


@dataclass(frozen=True, slots=True)
class Video:
    """Width and height are in pixels; None where the file does not say it."""

    width: int | None
    height: int | None
    duration_seconds: float | None


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int
    """Of its content, as offsets in the file."""


@dataclass(slots=True)
class _Track:
    handler: bytes = b""
    codec: bytes = b""
    entry: bytes = b""
    has_reordered_frames: bool = False
    width: int = 0
    height: int = 0


class _DamagedError(Exception):
    """The boxes do not hold together."""


def recognize_brand(head: bytes) -> str | Text:
    """The MIME type of a file that begins with `ftyp`, else what it is."""
    brand = head[8:12]
    if brand.startswith((b"3gp", b"3g2", b"3ge")):
        return "video/3gpp"
    if brand in _PICTURE_BRANDS:
        return Text("a HEIC picture")
    if brand in {b"avif", b"avis"}:
        return Text("an AVIF picture")
    if brand == b"qt  ":
        return Text("a QuickTime video (MOV)")
    if brand in {b"M4A ", b"M4B ", b"M4P "}:
        return Text("an M4A sound")
    return "video/mp4"


def read_video(file: IO[bytes], name: str, size: int) -> Video:
    """Check a video as Meta takes it (docs/meta.md §6): H.264, at most one track of sound, which is AAC.

    Raises OperatorError if it is anything else for certain, or damaged.
    """
    try:
        duration, tracks = _Reader(file).read_movie(size)
    except (_DamagedError, struct.error, IndexError):
        raise OperatorError("{name} is a damaged video, or it was cut off", name=name) from None
    pictures = [track for track in tracks if track.handler == b"vide"]
    sounds = [track for track in tracks if track.handler == b"soun"]
    if not pictures:
        raise OperatorError("{name} has no pictures: it is no video", name=name)
    for track in pictures:
        if track.codec not in _H264:
            raise _wrong_codec(name, Text("a video in {codec}", {"codec": _codec_name(track.codec)}))
        if _profile(track) >= _HIGH_PROFILE and track.has_reordered_frames:
            raise OperatorError(
                "{name} is H.264 in High profile with B-frames, which phones with Android do not play: encode it in Main "
                "profile, or without B-frames",
                name=name,
            )
    if len(sounds) > 1:
        raise OperatorError("{name} has {count} tracks of sound: at most one", name=name, count=len(sounds))
    for track in sounds:
        if sound := _wrong_sound(track):
            raise _wrong_codec(name, Text("a video with sound in {codec}", {"codec": sound}))
    first = pictures[0]
    return Video(first.width or None, first.height or None, duration)


def _wrong_codec(name: str, what: Text) -> OperatorError:
    return OperatorError("{name} is {what}: allowed are H.264 with sound in AAC, or none", name=name, what=what)


def _codec_name(codec: bytes) -> str:
    return _CODECS.get(codec) or codec.decode("ascii", "replace").strip()


def _profile(track: _Track) -> int:
    place = track.entry.find(b"avcC")
    return track.entry[place + 5] if 0 < place < len(track.entry) - 5 else 0


def _wrong_sound(track: _Track) -> str | None:
    """The codec's name if it is not AAC for certain."""
    if track.codec != b"mp4a":
        return _codec_name(track.codec)
    place = track.entry.find(b"esds")
    object_type = _object_type(track.entry[place + 8 :]) if place > 0 else None
    if object_type is None or object_type in _AAC_OBJECTS:
        return None
    return "MP3" if object_type in {0x69, 0x6B} else f"MPEG-4 object {object_type:#04x}"


def _object_type(descriptors: bytes) -> int | None:
    """`objectTypeIndication` of an elementary stream descriptor (ISO 14496-1 §7.2.6); None if it cannot be read."""
    place = 0
    while place < len(descriptors):
        tag, place = descriptors[place], place + 1
        while place < len(descriptors) and descriptors[place] & 0x80:
            place += 1
        place += 1
        if tag == 0x04:
            return descriptors[place] if place < len(descriptors) else None
        if tag != 0x03 or place + 2 >= len(descriptors):
            return None
        flags = descriptors[place + 2]
        place += 3 + (2 if flags & 0x80 else 0) + (2 if flags & 0x20 else 0)
    return None


class _Reader:
    """Reads the boxes of one file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = MAX_BOXES

    def read_movie(self, size: int) -> tuple[float | None, list[_Track]]:
        """The duration in seconds and the tracks. Raises _DamagedError if there is no whole `moov`."""
        movie = next((box for box in self._boxes(0, size) if box.kind == b"moov"), None)
        if movie is None:
            raise _DamagedError
        duration: float | None = None
        tracks: list[_Track] = []
        for box in self._boxes(movie.start, movie.end):
            if box.kind == b"mvhd":
                duration = _duration(self._payload(box))
            elif box.kind == b"trak":
                tracks.append(self._track(box))
        return duration, tracks

    def _track(self, trak: _Box) -> _Track:
        track = _Track()
        places = [trak]
        while places:
            for box in self._boxes(*places.pop()[1:]):
                if box.kind in {b"mdia", b"minf", b"stbl"}:
                    places.append(box)
                elif box.kind == b"hdlr":
                    # A data handler of QuickTime stands deeper; the media's own comes first.
                    track.handler = track.handler or self._payload(box)[8:12]
                elif box.kind == b"tkhd":
                    width, height = struct.unpack(">II", self._payload(box)[-8:])
                    track.width, track.height = width >> 16, height >> 16
                elif box.kind == b"stsd":
                    track.entry = self._payload(box)[8:]
                    track.codec = track.entry[4:8]
                    if len(track.codec) < 4:
                        raise _DamagedError
                elif box.kind == b"ctts":
                    track.has_reordered_frames = _has_different_offsets(self._payload(box))
        return track

    def _payload(self, box: _Box) -> bytes:
        self._file.seek(box.start)
        payload = self._file.read(min(box.end - box.start, MAX_PAYLOAD))
        if len(payload) < min(box.end - box.start, MAX_PAYLOAD):
            raise _DamagedError
        return payload

    def _boxes(self, start: int, end: int) -> Iterator[_Box]:
        while start + 8 <= end:
            self._left -= 1
            if self._left < 0:
                raise _DamagedError
            self._file.seek(start)
            length, kind = struct.unpack(">I4s", self._file.read(8))
            content = start + 8
            if length == 1:
                (length,) = struct.unpack(">Q", self._file.read(8))
                content += 8
            elif length == 0:
                length = end - start
            if length < content - start or start + length > end:
                raise _DamagedError
            yield _Box(kind, content, start + length)
            start += length


def _duration(header: bytes) -> float | None:
    scale, duration = struct.unpack(">IQ", header[20:32]) if header[0] == 1 else struct.unpack(">II", header[12:20])
    is_known = scale > 0 and 0 < duration < 2**32 - 1
    return round(duration / scale, 2) if is_known else None


def _has_different_offsets(table: bytes) -> bool:
    """Whether frames are shown in another order than they are stored: B-frames do that. Reads the table's beginning."""
    entries = [struct.unpack(">II", table[place : place + 8])[1] for place in range(8, len(table) - 7, 8)]
    return len(set(entries)) > 1
