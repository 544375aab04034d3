"""Seals entries of the audit: each gets a number and a hash over itself and the hash before, in its own transaction.

A crash leaves both or neither. The end of the chain is one row, which is locked as the last step of a transaction: whoever holds it
waits for nothing but the commit, so no deadlock can come of it, and processes take turns only for that commit.

The hash alone shows that something was changed, but whoever can write to the database could compute all hashes again. The HMAC
beside it needs a key that is not in the database. Since each hash covers all before it, one valid HMAC proves everything up to it,
also what was sealed with a key that was retired since.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, inspect, select, update
from sqlalchemy.orm import Session

from models.db.bulk import among
from models.db.dialect import NO_SYNC, insert_into
from models.tables.audit import UNSEALED, Audit
from models.tables.audit_chain import ONLY_ROW, AuditChain, AuditSeal

ENTRY = (Audit.id, Audit.at, Audit.actor, Audit.action, Audit.object_type, Audit.object_id, Audit.detail)
"""The columns that a hash covers; `id` and `at` first."""
SEALER = "audit_sealer"
"""The name in `Session.info` of the `AuditSealer`, which a runtime puts there."""


@dataclass(frozen=True, slots=True)
class AuditSealer:
    """Seals what a session recorded, before it commits. `keys` are those of the HMAC, newest first."""

    keys: tuple[bytes, ...]

    def __call__(self, session: Session) -> None:
        """Seal the entries that this session recorded. It locks the end of the chain, so it must be the last step."""
        recorded = session.info.pop(UNSEALED, None)
        if recorded:
            session.flush()
            # Those of a savepoint that was rolled back have no identity any more.
            identities = [inspect(entry).identity for entry in recorded]
            self.seal(session, {identity[0] for identity in identities if identity is not None})

    def seal(self, session: Session, ids: Iterable[int]) -> None:
        """Seal these entries in the order of their ids, as the database has them; ids that are not there are skipped."""
        # Read again, since what is checked later is what was stored.
        entries = session.execute(select(*ENTRY).where(among(session, Audit.id, ids)).order_by(Audit.id)).all()
        if not entries:
            return
        number, previous = _take_numbers(session, len(entries))
        seals = []
        for entry in entries:
            number += 1
            previous = entry_hash(previous, number, tuple(entry))
            seals.append({"number": number, "audit_id": entry.id, "hash": previous, "mac": self.mac(previous)})
        session.execute(insert(AuditSeal), seals)
        session.execute(
            update(AuditChain).where(AuditChain.id == ONLY_ROW).values(hash=previous), execution_options=NO_SYNC
        )

    def mac(self, text: str) -> str:
        """The HMAC of a hash with the newest key."""
        return _mac(self.keys[0], text)

    def is_proven(self, text: str, mac: str) -> bool:
        """Whether the HMAC was made with one of the keys."""
        return any(hmac.compare_digest(_mac(key, text), mac) for key in self.keys)


def entry_hash(previous: str, number: int, entry: Sequence[Any]) -> str:
    """The hash of an entry (the values of `ENTRY`) that stands behind the hash `previous`."""
    content = [previous, number, entry[0], entry[1].isoformat(), *entry[2:]]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def first_hash(old_last: int) -> str:
    """The hash on which the first entry of a chain stands."""
    return hashlib.sha256(f"hark audit {old_last}".encode()).hexdigest()


def start_text(number: int, start_hash: str, old_last: int) -> str:
    """What the HMAC of a chain's start covers, once older entries were deleted."""
    return f"start {number} {start_hash} {old_last}"


def _mac(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _take_numbers(session: Session, count: int) -> tuple[int, str]:
    """Lock the end of the chain and move it by `count`; returns number and hash of the entry before."""
    statement = (
        update(AuditChain)
        .where(AuditChain.id == ONLY_ROW)
        .values(number=AuditChain.number + count)
        .returning(AuditChain.number, AuditChain.hash, AuditChain.old_last)
    )
    taken = session.execute(statement, execution_options=NO_SYNC).first()
    if taken is None:
        # Somebody deleted it. What an operator does must not fail; the check says that the chain is broken.
        last = session.execute(
            select(AuditSeal.number, AuditSeal.hash).order_by(AuditSeal.number.desc()).limit(1)
        ).first()
        number, last_hash = (0, "") if last is None else last
        row = {"id": ONLY_ROW, "number": number, "hash": last_hash, "old_last": 0}
        start = {"start_number": 0, "start_hash": "", "start_mac": ""}
        session.execute(insert_into(session, AuditChain).values(**row, **start).on_conflict_do_nothing())
        taken = session.execute(statement, execution_options=NO_SYNC).one()
    return taken.number - count, taken.hash or first_hash(taken.old_last)
