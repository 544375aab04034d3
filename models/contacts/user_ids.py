"""Remembers which user id replaced which, and finds a person's present one (docs/meta.md §7.6).

Meta reports each change to every number that the person wrote to, in any order, repeatedly, and also before a message that was
sent with the old id.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, false, or_, select
from sqlalchemy.orm import Session

from models.db.dialect import NO_SYNC, insert_into
from models.tables.user_id_change import UserIdChange

MAX_CHANGES = 50
"""Changes that are followed for one person; more would be a circle."""


def remember_user_id(
    session: Session, portfolio_id: int, bsuid: str, new_bsuid: str, at: datetime, now: datetime
) -> None:
    """Store that `new_bsuid` replaced `bsuid` at Meta's time `at`. A repeated report changes nothing; of two, the later counts."""
    statement = insert_into(session, UserIdChange.__table__)
    row = {"portfolio_id": portfolio_id, "bsuid": bsuid, "new_bsuid": new_bsuid, "at": at, "created_at": now}
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["portfolio_id", "bsuid"],
            set_={"new_bsuid": statement.excluded.new_bsuid, "at": statement.excluded.at},
            where=UserIdChange.at < statement.excluded.at,
        ),
        [row],
    )


def later_user_ids(session: Session, portfolio_id: int, bsuid: str) -> list[str]:
    """The ids that replaced `bsuid` one after the other; the last one is the present id. Empty if nothing replaced it."""
    chain = [bsuid]
    while len(chain) <= MAX_CHANGES:
        after = session.scalar(
            select(UserIdChange.new_bsuid).where(
                UserIdChange.portfolio_id == portfolio_id, UserIdChange.bsuid == chain[-1]
            )
        )
        if after is None or after in chain:
            break
        chain.append(after)
    return chain[1:]


def replaced_user_ids(session: Session, pairs: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Those of the (portfolio id, user id) that another id has replaced."""
    if not pairs:
        return set()
    columns = (UserIdChange.portfolio_id, UserIdChange.bsuid)
    portfolio_ids, bsuids = {portfolio_id for portfolio_id, _ in pairs}, {bsuid for _, bsuid in pairs}
    is_among = UserIdChange.portfolio_id.in_(sorted(portfolio_ids)) & UserIdChange.bsuid.in_(sorted(bsuids))
    rows = session.execute(select(*columns).where(is_among))
    return {(row.portfolio_id, row.bsuid) for row in rows} & set(pairs)


def names_any(keys: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a change names one of the user ids with these person keys (`bs:portfolio:id`); other keys name none."""
    conditions = []
    for key in sorted(set(keys)):
        kind, _, rest = key.partition(":")
        portfolio_id, _, bsuid = rest.partition(":")
        if kind == "bs" and portfolio_id.isdigit():
            is_named = or_(UserIdChange.bsuid == bsuid, UserIdChange.new_bsuid == bsuid)
            conditions.append(and_(UserIdChange.portfolio_id == int(portfolio_id), is_named))
    return or_(false(), *conditions)


def forget_user_ids(session: Session, keys: Iterable[str]) -> None:
    """Delete the changes that name a user id with one of these person keys."""
    session.execute(delete(UserIdChange).where(names_any(keys)), execution_options=NO_SYNC)
