"""Recognises what was said before its person was redacted: it must not make a new record of them.

Who writes after they were redacted is somebody new. What Meta delivers late, again or out of a backlog is not: its time is that
of the message. A minute after the redaction still counts as before it, for clocks that differ and for what was under way.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import HarkError
from models.tables.contact import Suppression

PERSON_HASHES = "person_hashes"
"""The name in `Session.info` of `Vault.person_hashes`, which a runtime puts there."""
MARGIN = timedelta(minutes=1)


class ErasedPersonError(HarkError):
    """What is to be stored was said before its person was redacted."""


def check_not_erased(session: Session, keys: Iterable[str], at: datetime | None) -> None:
    """Raise ErasedPersonError if `is_erased`."""
    if is_erased(session, keys, at):
        raise ErasedPersonError("it was said before its person was redacted")


def is_erased(session: Session, keys: Iterable[str], at: datetime | None) -> bool:
    """Whether somebody known by one of these keys was redacted after `at`, Meta's time of the event.

    Call it while `lock_identities` is held, which a redaction holds too. Nothing is erased where there is no time or no key of
    the marks.
    """
    hashes_of = cast(Callable[[str], tuple[str, ...]] | None, session.info.get(PERSON_HASHES))
    if at is None or hashes_of is None:
        return False
    newest = session.scalar(select(Suppression.created_at).order_by(Suppression.id.desc()).limit(1))
    if newest is None or newest + MARGIN < at:
        return False
    hashes = [hashed for key in keys for hashed in hashes_of(key)]
    erased_at = session.scalars(select(Suppression.created_at).where(Suppression.person_hash.in_(hashes))).all()
    return any(at <= moment + MARGIN for moment in erased_at)
