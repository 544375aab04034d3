"""Finds what is known of a batch's messages: which of their numbers are ours, and which of them are stored already."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.tables.conversation import Message, PurgedWamid, wamid_hash
from models.tables.number import Number, Waba

CHUNK = 500


def our_numbers(session: Session, phone_number_ids: Collection[str]) -> dict[str, tuple[int, int]]:
    """(number id, portfolio id) by phone_number_id. A number that is not ours is absent."""
    rows = session.execute(
        select(Number.phone_number_id, Number.id, Waba.portfolio_id)
        .join(Waba, Waba.id == Number.waba_id)
        .where(Number.phone_number_id.in_(phone_number_ids))
    )
    return {row.phone_number_id: (row.id, row.portfolio_id) for row in rows}


def stored_wamids(session: Session, wamids: Sequence[str]) -> set[str]:
    """Those of these wamids that are stored, or that were purged while Meta may still repeat them."""
    stored: set[str] = set()
    for begin in range(0, len(wamids), CHUNK):
        chunk = wamids[begin : begin + CHUNK]
        stored.update(
            value for value in session.scalars(select(Message.wamid).where(Message.wamid.in_(chunk))) if value
        )
        hashes = {wamid_hash(wamid): wamid for wamid in chunk}
        purged = session.scalars(select(PurgedWamid.hash).where(PurgedWamid.hash.in_(list(hashes))))
        stored.update(hashes[value] for value in purged)
    return stored
