"""Deletes old entries of the audit from the start of the chain, and proves that Hark itself did."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models.audit.old_entries import old_entries_left
from models.audit.seal import SEALER, AuditSealer, start_text
from models.db.dialect import NO_SYNC
from models.tables.audit import Audit
from models.tables.audit_chain import ONLY_ROW, AuditChain, AuditSeal
from models.tables.setting import read_setting

SLICE = 500


def purge_audit(session: Session, now: datetime, limit: int = SLICE) -> int:
    """Delete the first entries of the chain that are older than `keep_audit_days` (0: kept for good); returns how many.

    What is left begins behind a hash that the chain keeps with an HMAC, so that nobody else can shorten it.
    """
    sealer: AuditSealer = session.info[SEALER]
    days = int(read_setting(session, "keep_audit_days"))
    after, last = old_entries_left(session)
    if not days or after < last:
        return 0
    chain = session.scalars(select(AuditChain).where(AuditChain.id == ONLY_ROW).with_for_update()).one()
    seals = select(AuditSeal.number, AuditSeal.audit_id, AuditSeal.hash, Audit.at).join(
        Audit, Audit.id == AuditSeal.audit_id
    )
    rows = session.execute(seals.order_by(AuditSeal.number).limit(limit)).all()
    old: list[Any] = []
    for row in rows:
        is_next = row.number == chain.start_number + len(old) + 1  # what is broken is kept for whoever looks at it
        if not is_next or row.at >= now - timedelta(days=days) or row.number == chain.number:
            break
        old.append(row)
    if not old:
        return 0
    last_number, last_hash = old[-1].number, old[-1].hash
    session.execute(delete(AuditSeal).where(AuditSeal.number <= last_number), execution_options=NO_SYNC)
    session.execute(delete(Audit).where(Audit.id.in_([row.audit_id for row in old])), execution_options=NO_SYNC)
    session.execute(
        update(AuditChain)
        .where(AuditChain.id == ONLY_ROW)
        .values(
            old_last=0,
            start_number=last_number,
            start_hash=last_hash,
            start_mac=sealer.mac(start_text(last_number, last_hash, 0)),
        ),
        execution_options=NO_SYNC,
    )
    return len(old)
