"""Retries parked statuses page by page, and drops one that cannot be applied, so that it does not block its page."""

import logging
from collections import Counter
from datetime import datetime

from jobs.core.db_errors import is_deadlock, may_be_an_outage
from jobs.core.logs import described
from jobs.core.runtime import Runtime
from jobs.ingest.apply import Applied
from jobs.ingest.late_failures import react_to_failures
from models.clock import utcnow
from models.events.parked import drop_expired, drop_parked, matchable_statuses, retry_parked

log = logging.getLogger("hark.ingest")

ALONE = 100
"""Statuses of a failed page that are tried one by one before the stream is read again."""


def retry_round(rt: Runtime, cursor: int) -> tuple[Applied, int]:
    """Retry the page of parked statuses after `cursor`; return the result and the next cursor (0: the first page).

    Raises SQLAlchemyError or OSError if the database cannot be reached or the transaction met a deadlock.
    """
    now = utcnow()
    with rt.database.write() as session:
        dropped = drop_expired(session, now)
    try:
        with rt.database.write() as session:
            retried = retry_parked(session, now, rt.installation, cursor)
            react_to_failures(session, retried.failures, now)
    except Exception as error:
        if _is_temporary(error):
            raise
        log.warning("parked statuses are applied one by one: %s", described(error))
        applied, cursor = _retry_one_by_one(rt, cursor, now)
    else:
        applied, cursor = Applied(Counter(statuses=retried.applied)), retried.cursor
    applied.counts["dropped"] += dropped
    return applied, cursor


def _retry_one_by_one(rt: Runtime, cursor: int, now: datetime) -> tuple[Applied, int]:
    with rt.database.read() as session:
        keys = matchable_statuses(session, cursor, ALONE)
    applied = Applied()
    for key in keys:
        try:
            with rt.database.write() as session:
                retried = retry_parked(session, now, rt.installation, only=key)
                react_to_failures(session, retried.failures, now)
        except Exception as error:
            if _is_temporary(error):
                raise
            with rt.database.write() as session:
                drop_parked(session, key)
            applied.counts["dropped"] += 1
            log.warning("a parked status cannot be applied and is dropped: %s", described(error))
        else:
            applied.counts["statuses"] += retried.applied
    return applied, keys[-1] if len(keys) == ALONE else 0


def _is_temporary(error: BaseException) -> bool:
    return is_deadlock(error) or may_be_an_outage(error)
