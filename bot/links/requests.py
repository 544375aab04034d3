"""The entries of the stream of clicks: one request for a tracked link, as bytes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis import Redis

from bot.webhooks.stream import EventStream
from models.tables.click import ClickKind, DeviceClass

KEY = "hark:clicks"
BOUND = 500_000
"""How many requests wait at most to be stored, about 60 MB of Redis; beyond it people are redirected, and the loss is counted."""
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """A request for a recipient's link, without address and user agent."""

    link_id: int
    recipient_id: int
    kind: ClickKind
    device: DeviceClass
    at: datetime

    def entry(self) -> bytes:
        """The entry that the stream keeps."""
        milliseconds = round(self.at.timestamp() * 1000)
        return f"{self.link_id} {self.recipient_id} {self.kind} {self.device} {milliseconds}".encode()


def read_entry(raw: bytes) -> LinkRequest:
    """Raises ValueError or OverflowError if the entry is not of our form."""
    link_id, recipient_id, kind, device, milliseconds = raw.decode("ascii").split(" ")
    at = _EPOCH + timedelta(milliseconds=int(milliseconds))
    return LinkRequest(int(link_id), int(recipient_id), ClickKind(kind), DeviceClass(device), at)


def click_stream(redis: Redis, bound: int = BOUND) -> EventStream:
    """Return the stream of clicks."""
    return EventStream(redis, bound, KEY)
