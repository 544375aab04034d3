"""Keeps copies of the epoch outside of the database: in Redis for all hosts, and in `var/epoch.json` of each host.

A copy is written after the transaction that raised the epoch and before anything is sent by it, so a copy is never ahead of its
own database. Copies carry the installation's name; those of another one count for nothing.
"""

import threading
from dataclasses import dataclass

from redis.exceptions import RedisError

from jobs.core.host_file import read_host_file, write_host_file
from jobs.core.runtime import Runtime

KEY = "hark:epoch"
"""A hash, installation → epoch."""
FILE = "epoch.json"
_WRITING = threading.Lock()

# KEYS: the hash. ARGV: the installation, the epoch. Returns the highest epoch that was kept before, -1 if none was.
_KEEP = """
local before = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '-1')
if tonumber(ARGV[2]) > before then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return before
"""


@dataclass(frozen=True, slots=True)
class EpochCopies:
    """The copies of one installation."""

    rt: Runtime

    def read(self) -> int | None:
        """The highest copy; None if none is of this installation.

        Raises RedisError if Redis is away and the host has no copy of its own.
        """
        on_disk = self._read_file()
        try:
            in_redis = self.rt.redis.hget(KEY, self.rt.installation)
        except RedisError:
            if on_disk is None:
                raise
            in_redis = None
        found = [value for value in (on_disk, None if in_redis is None else int(in_redis)) if value is not None]
        return max(found, default=None)

    def keep(self, epoch: int) -> int:
        """Write `epoch` to both, where it is higher; returns the highest that was in Redis before.

        Raises RedisError or OSError if one of them cannot be written: then nothing may be sent by it.
        """
        on_disk = self._read_file()
        if on_disk is None or on_disk < epoch:
            self._write_file(epoch)
        return self.keep_in_redis(epoch)

    def keep_in_redis(self, epoch: int) -> int:
        """Write `epoch` to Redis alone, for each claim of a lane; returns the highest that was there before."""
        return int(self.rt.redis.eval(_KEEP, 1, KEY, self.rt.installation, epoch))

    def _read_file(self) -> int | None:
        """The copy of this host; None if there is none, or it is damaged or another installation's."""
        try:
            return int((read_host_file(self.rt, FILE) or {})["epoch"])
        except (ValueError, KeyError, TypeError):
            return None

    def _write_file(self, epoch: int) -> None:
        """Of two processes at once the lower may win; Redis and the next epoch mend that."""
        with _WRITING:
            write_host_file(self.rt, FILE, {"epoch": epoch})
