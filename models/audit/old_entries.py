"""Seals, in slices, the entries that were written before there was a chain.

Nothing proves what they were before; from then on they cannot be changed without being noticed. They are sealed in the order of
their ids, so an entry that somebody puts among them later is none of them.
"""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models.audit.seal import ENTRY, AuditSealer, entry_hash, first_hash, start_text
from models.db.dialect import NO_SYNC
from models.personal_text import mask_people
from models.tables.audit import ABOUT_USERS, Audit
from models.tables.audit_chain import ONLY_ROW, AuditChain, AuditSeal


def old_entries_left(session: Session) -> tuple[int, int]:
    """The ids (after the first, up to the second) among which old entries still wait to be sealed."""
    old_last = session.scalar(select(AuditChain.old_last).where(AuditChain.id == ONLY_ROW)) or 0
    sealed = session.scalar(select(func.max(AuditSeal.audit_id)).where(AuditSeal.audit_id <= old_last)) or 0
    return sealed, old_last


def seal_old_entries(session: Session, sealer: AuditSealer, limit: int) -> int:
    """Mask what identifies people in the next old entries, then seal them; returns how many, 0 once all are.

    None are sealed if somebody changed which entries are old ones: `check_chain` says so then.
    """
    after, last = old_entries_left(session)
    if after >= last or not _is_last_proven(session, sealer):
        return 0
    # Locked before the end of the chain, as a redaction does, so that none of them changes once it is sealed.
    query = select(Audit.id, Audit.object_type, Audit.detail).where(Audit.id > after, Audit.id <= last)
    rows = session.execute(query.order_by(Audit.id).limit(limit).with_for_update()).all()
    after, _ = old_entries_left(session)  # another process may have sealed some while this one waited
    rows = [row for row in rows if row.id > after]
    for row in rows:
        masked = mask_people(row.detail, keep_e_mails=row.object_type in ABOUT_USERS)
        if masked != row.detail:
            session.execute(update(Audit).where(Audit.id == row.id).values(detail=masked), execution_options=NO_SYNC)
    sealer.seal(session, [row.id for row in rows])
    return len(rows)


def _is_last_proven(session: Session, sealer: AuditSealer) -> bool:
    """Whether the chain covers what it says about old entries; True before its first entry."""
    chain = session.get_one(AuditChain, ONLY_ROW)
    if chain.start_number:
        return sealer.is_proven(start_text(chain.start_number, chain.start_hash, chain.old_last), chain.start_mac)
    row = session.execute(
        select(AuditSeal.hash, AuditSeal.mac, *ENTRY)
        .join(Audit, Audit.id == AuditSeal.audit_id)
        .where(AuditSeal.number == 1)
    ).first()
    if row is None:
        return chain.number == 0
    return row.hash == entry_hash(first_hash(chain.old_last), 1, tuple(row[2:])) and sealer.is_proven(row.hash, row.mac)
