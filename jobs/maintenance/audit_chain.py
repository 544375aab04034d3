"""Keeps copies of the audit's end outside of the database, and seals entries of before the chain.

Whoever can write to the database cannot forge an entry, but can take away the newest ones together with their links, and what is
left is a good chain. Only a copy of its end tells. Copies are kept like those of the epoch: in Redis for all hosts, and in a file
of each host. A copy that the chain does not have any more is kept as well, for as long as there is one.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import select

from jobs.core.host_file import read_host_file, write_host_file
from jobs.core.runtime import Runtime
from models.audit.check import ChainEnd
from models.audit.old_entries import old_entries_left, seal_old_entries
from models.tables.audit_chain import ONLY_ROW, AuditChain, AuditSeal

KEY = "hark:audit"
"""A hash, installation → the newest end as JSON. With `:lost:` and the installation behind it: a set of ends that are gone."""
FILE = "audit.json"
MOST_LOST = 100
SLICE = 500
SECONDS = 0.3
"""After so long the other periodic jobs have their turn."""


@dataclass(frozen=True, slots=True)
class AuditCopies:
    """The copies of the end of one installation's chain."""

    rt: Runtime

    def read(self) -> tuple[list[ChainEnd], bool]:
        """Every end that a copy knows: the newest, and those that were lost. False with it if Redis could not be asked."""
        own, newest, lost, is_whole = self._read_file(), list[ChainEnd](), list[ChainEnd](), True
        try:
            newest, lost = self._read_redis()
        except RedisError:
            is_whole = False
        return sorted({*newest, *lost, *own}, key=lambda end: (end.number, end.hash)), is_whole

    def keep(self, now: datetime) -> None:
        """Write the present end to both. Raises RedisError or OSError if one of them cannot be written."""
        newest, lost = self._read_redis()
        own = self._read_file()  # both before the database: what a copy says was in it then
        with self.rt.database.read() as session:
            chain = session.get(AuditChain, ONLY_ROW)
            if chain is None or not chain.number:
                return
            end = ChainEnd(chain.number, chain.hash, now)
            gone = [
                copy
                for copy in dict.fromkeys([*newest, *lost, *own])
                if copy.number > chain.start_number
                and session.scalar(select(AuditSeal.hash).where(AuditSeal.number == copy.number)) != copy.hash
            ]
        if _names(newest) != _names([end]) or not _names(gone) <= _names(lost):
            self._write_redis(end, gone)
        if _names(own) != _names([end, *gone[:MOST_LOST]]):
            self._write_file(end, gone[:MOST_LOST])

    def _read_redis(self) -> tuple[list[ChainEnd], list[ChainEnd]]:
        newest = self.rt.redis.hget(KEY, self.rt.installation)
        lost: Any = self.rt.redis.smembers(self._lost_key)
        return _ends([newest] if newest else []), _ends(lost)

    def _write_redis(self, end: ChainEnd, gone: Sequence[ChainEnd]) -> None:
        pipeline = self.rt.redis.pipeline()
        if gone:
            pipeline.sadd(self._lost_key, *(json.dumps(_to_json(copy)) for copy in gone))
        pipeline.hset(KEY, self.rt.installation, json.dumps(_to_json(end)))
        pipeline.execute()

    @property
    def _lost_key(self) -> str:
        return f"{KEY}:lost:{self.rt.installation}"

    def _read_file(self) -> list[ChainEnd]:
        """The ends in this host's file; none if there is no file, or it is damaged or another installation's."""
        try:
            return _ends((read_host_file(self.rt, FILE) or {})["ends"])
        except (KeyError, TypeError):
            return []

    def _write_file(self, end: ChainEnd, gone: Sequence[ChainEnd]) -> None:
        write_host_file(self.rt, FILE, {"ends": [_to_json(copy) for copy in (end, *gone)]})


def look_after_audit(rt: Runtime, now: datetime) -> None:
    """For the schedule: seal entries of before the chain for a moment, then write the copies."""
    with rt.database.read() as session:
        after, last = old_entries_left(session)
    until = time.monotonic() + SECONDS
    while after < last and time.monotonic() < until:
        with rt.database.write() as session:
            if seal_old_entries(session, rt.audit, SLICE) < SLICE:
                break
    AuditCopies(rt).keep(now)


def _to_json(end: ChainEnd) -> dict[str, Any]:
    return {"number": end.number, "hash": end.hash, "at": end.at.isoformat()}


def _names(ends: Sequence[ChainEnd]) -> set[tuple[int, str]]:
    """The ends without the moments at which they were noted."""
    return {(end.number, end.hash) for end in ends}


def _ends(found: Any) -> list[ChainEnd]:
    """Ends from JSON, as texts or read already, without those that are damaged."""
    ends = []
    for item in found:
        try:
            read = item if isinstance(item, dict) else json.loads(item)
            ends.append(ChainEnd(int(read["number"]), str(read["hash"]), datetime.fromisoformat(read["at"])))
        except (ValueError, KeyError, TypeError):
            continue
    return ends
