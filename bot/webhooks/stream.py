"""Stores raw webhook bodies in a Redis stream until the ingest has applied them.

The stream is never trimmed by length, which would delete events that were answered with 200: an entry is deleted when it is
acknowledged, in one MULTI. So it holds unprocessed events alone: its length is the backlog, its first entry the lag.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from redis import Redis
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from models.errors import HarkError

KEY = "hark:events"
GROUP = "ingest"
BODY = b"b"
DEAD_AFTER_MS = 5_000
"""A consumer that holds an entry this long without a sign of life counts as dead."""
REMOVED_AFTER_MS = 3_600_000
_BEGINNING = b"0-0"

# KEYS: the stream. ARGV: the bound, the body. Returns false if the stream is full.
APPEND = (
    "if redis.call('XLEN',KEYS[1])>=tonumber(ARGV[1]) then return false end "
    "return redis.call('XADD',KEYS[1],'*','b',ARGV[2])"
)
# KEYS: the stream. ARGV: the group, entries. A script, since a Redis out of memory refuses commands in a MULTI.
_FINISH = "redis.call('XACK',KEYS[1],ARGV[1],unpack(ARGV,2)) return redis.call('XDEL',KEYS[1],unpack(ARGV,2))"
# KEYS: the stream. ARGV: the group, an age in ms. Checks and deletes atomically: deleting a consumer that holds entries would
# lose them.
_REMOVE_IDLE = """
for _, pairs in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for i = 1, #pairs, 2 do consumer[pairs[i]] = pairs[i + 1] end
  if consumer['pending'] == 0 and consumer['idle'] > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer['name'])
  end
end
return true
"""


class StreamUnavailableError(HarkError):
    """The event was not stored: Redis is not available, or the stream is at its bound. Meta sends it again."""


class StreamSilentError(StreamUnavailableError):
    """Redis did not answer within the client's time-out."""


class Entry(NamedTuple):
    """One raw POST with its id in the stream."""

    id: bytes
    raw: bytes


class Backlog(NamedTuple):
    """The unprocessed events."""

    seconds: float
    """Age of the oldest event, 0.0 if there is none."""
    events: int


class EventStream:
    """A stream with one consumer group and any number of consumers. Methods but `append` raise redis.RedisError if Redis fails."""

    def __init__(self, redis: Redis, bound: int = 1_000_000, key: str = KEY) -> None:
        self.redis: Any = redis  # redis-py types every answer as "maybe awaitable"
        self.bound = bound
        self.key = key

    def append(self, raw: bytes) -> None:
        """Store a body. Raises StreamUnavailableError if Redis fails or the stream is full."""
        try:
            entry_id = self.redis.execute_command("EVAL", APPEND, 1, self.key, self.bound, raw)
        except RedisTimeoutError as error:
            raise StreamSilentError(type(error).__name__) from error
        except RedisError as error:
            raise StreamUnavailableError(type(error).__name__) from error
        if not entry_id:
            raise StreamUnavailableError(f"the stream is at its bound of {self.bound} events")

    def read(self, consumer: str, count: int, block_ms: int | None = None) -> list[Entry]:
        """Return new entries for this consumer, at most `count`; waits up to `block_ms` for the first (None: not at all)."""
        try:
            answer = self.redis.xreadgroup(GROUP, consumer, {self.key: ">"}, count=count, block=block_ms)
        except ResponseError as error:
            self._group_lost(error)
            return []
        streams = answer.values() if isinstance(answer, dict) else (stream_rows for _, stream_rows in answer or ())
        entries: list[Entry] = []
        for stream_rows in streams:
            # RESP3 wraps the entries of a stream in one more list.
            rows = stream_rows[0] if stream_rows and isinstance(stream_rows[0], list) else stream_rows
            entries += self._entries(rows)
        return entries

    def take_over(self, consumer: str, count: int, dead_after_ms: int = DEAD_AFTER_MS) -> list[Entry]:
        """Claim entries of consumers without a sign of life for `dead_after_ms`, at most `count`.

        Fewer than `count`: there are no more.
        """
        entries: list[Entry] = []
        cursor = _BEGINNING
        while len(entries) < count:
            try:
                answer = self.redis.xautoclaim(
                    self.key, GROUP, consumer, dead_after_ms, cursor, count=count - len(entries)
                )
            except ResponseError as error:
                self._group_lost(error)
                break
            entries += self._entries(answer[1])
            # Redis scans a limited number at a time, and entries of live consumers may come before those of a dead one.
            cursor = answer[0]
            if cursor == _BEGINNING:
                break
        return entries

    def hold(self, consumer: str, ids: Sequence[bytes]) -> None:
        """Give a sign of life for entries that take longer (the database is away), so that no other consumer claims them."""
        if ids:
            self.redis.xclaim(self.key, GROUP, consumer, 0, list(ids), idle=0, justid=True)

    def finish(self, ids: Sequence[bytes], pipeline: Any = None) -> None:
        """Acknowledge and delete entries atomically; with a `pipeline` (a transaction), as a part of it."""
        if not ids:
            return
        if pipeline is None:
            self.redis.eval(_FINISH, 1, self.key, GROUP, *ids)
            return
        pipeline.xack(self.key, GROUP, *ids)
        pipeline.xdel(self.key, *ids)

    def leave(self, consumer: str) -> None:
        """Remove a consumer that holds nothing from the group, and consumers that were idle for an hour."""
        script = "redis.call('XGROUP','DELCONSUMER',KEYS[1],ARGV[1],ARGV[2])"
        pending = self.redis.xpending_range(self.key, GROUP, "-", "+", 1, consumername=consumer)
        if not pending:
            self.redis.eval(script, 1, self.key, GROUP, consumer)
        self.redis.eval(_REMOVE_IDLE, 1, self.key, GROUP, REMOVED_AFTER_MS)

    def make_group(self) -> None:
        """Create the group from the first entry on: if Redis lost the group, all remaining entries are read again. Idempotent."""
        try:
            self.redis.xgroup_create(self.key, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def backlog(self) -> Backlog:
        """Return the number and age of unprocessed events, by the clock of Redis, which also stamped the entries."""
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.xrange(self.key, count=1)
        pipeline.xlen(self.key)
        pipeline.time()
        first, length, (seconds, microseconds) = pipeline.execute()
        if not first:
            return Backlog(0.0, 0)
        stamped_ms = int(bytes(first[0][0]).split(b"-")[0])
        return Backlog(max(0.0, seconds + microseconds / 1e6 - stamped_ms / 1e3), int(length))

    def lag(self) -> float:
        """Return the age of the oldest unprocessed event in seconds."""
        return self.backlog().seconds

    def _group_lost(self, error: ResponseError) -> None:
        if not str(error).startswith("NOGROUP"):
            raise error
        self.make_group()

    @staticmethod
    def _entries(rows: Any) -> list[Entry]:
        # An entry that was deleted while it was pending has no fields.
        return [Entry(entry_id, fields[BODY]) for entry_id, fields in rows or () if fields and BODY in fields]
