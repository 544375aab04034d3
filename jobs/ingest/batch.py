"""Applies a batch of payloads in transactions of a bounded size, and isolates a payload that cannot be applied.

While the database cannot be reached, the same transaction is tried until it works. Any other error is the fault of one payload,
or of one item in it, which is found by applying the others without it.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import uniform
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot.webhooks.parse import parse_payload
from bot.webhooks.parse_values import BadEventError
from bot.webhooks.stream import Entry
from jobs.core.db_errors import is_deadlock, may_be_an_outage
from jobs.core.logs import described
from jobs.core.runtime import Runtime
from jobs.ingest.apply import Applied, Dead, apply_parsed, split_in_half
from models.errors import HarkError
from models.events.types import Parsed

log = logging.getLogger("hark.ingest")

MAX_WEIGHT = 2_000
"""Largest weight of one transaction, in statuses, so that it stays under 100 ms; one payload has up to 1,000 items."""
INBOUND_WEIGHT = 20
CHANGE_WEIGHT = 40
OUTAGE_TRIES = 3
MAX_WAIT_SECONDS = 2.0


class StoppedError(HarkError):
    """This process is to stop and the database cannot be reached: another consumer takes over the held entries."""


class BatchWork(NamedTuple):
    """A payload with its parsed contents; `dead` is set if a part of it could not be parsed."""

    entry: Entry
    parsed: Parsed
    dead: Dead | None


class OutageClock:
    """Logs the outage of a part (Redis, the database) once when it begins and once when it ends."""

    def __init__(self) -> None:
        self._parts: set[str] = set()

    def begin(self, part: str, error: Exception) -> None:
        """The part failed with `error`."""
        if part not in self._parts:
            log.warning("%s is away or busy (%s); waiting for it", part, type(error).__name__)
            self._parts.add(part)

    def end(self, part: str) -> None:
        """The part worked."""
        if part in self._parts:
            self._parts.discard(part)
            log.info("%s is back", part)


def parse_entries(entries: Iterable[Entry]) -> Iterator[BatchWork]:
    """Parse entries one by one. A payload with broken items becomes a dead letter; its other items are applied."""
    for entry in entries:
        try:
            parsed = parse_payload(entry.raw)
            dead = Dead(entry.raw, f"BadEventError: {parsed.broken[0]}") if parsed.broken else None
        except BadEventError as error:
            parsed, dead = Parsed(), Dead(entry.raw, f"BadEventError: {error}")
        except Exception as error:  # noqa: BLE001 - one payload must not block the others
            parsed, dead = Parsed(), Dead(entry.raw, described(error))
        if dead is not None:
            log.warning("a payload is kept as a dead letter: %s", dead.error)
        yield BatchWork(entry, parsed, dead)


def split_entries(work: Iterable[BatchWork]) -> Iterator[list[BatchWork]]:
    """Split payloads into transactions of at most MAX_WEIGHT; a larger payload stands alone."""
    part: list[BatchWork] = []
    size = 0
    for item in work:
        if part and size + entry_weight(item.parsed) > MAX_WEIGHT:
            yield part
            part, size = [], 0
        part.append(item)
        size += entry_weight(item.parsed)
    if part:
        yield part


def entry_weight(parsed: Parsed) -> int:
    """Return the cost of applying a payload, in statuses."""
    changes = len(parsed.changes) + len(parsed.echoes) + len(parsed.control)
    return len(parsed.statuses) + INBOUND_WEIGHT * len(parsed.inbound) + CHANGE_WEIGHT * changes


class Applier:
    """Applies parts of a batch.

    `renew_hold` is called before each transaction. `wait(seconds)` is called while the database cannot be reached: it keeps
    the held entries, and may raise StoppedError.
    """

    def __init__(
        self, rt: Runtime, outages: OutageClock, wait: Callable[[float], None], renew_hold: Callable[[], None]
    ) -> None:
        self.rt = rt
        self.outages = outages
        self.wait = wait
        self.renew_hold = renew_hold

    def apply(self, part: Sequence[BatchWork]) -> list[Applied]:
        """Apply the payloads or keep them as dead letters. Raises StoppedError if the process is to stop during an outage."""
        if len(part) == 1 and entry_weight(part[0].parsed) > MAX_WEIGHT:
            return self._apply_alone(part[0])
        dead = [item.dead for item in part if item.dead is not None]
        try:
            return [self._retry(lambda: apply_parsed(self.rt, [item.parsed for item in part], dead))]
        except StoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - one payload of the batch is at fault
            log.warning("a batch of %d is applied one by one: %s", len(part), described(error))
        return [applied for item in part for applied in self._apply_alone(item)]

    def _apply_alone(self, item: BatchWork) -> list[Applied]:
        """Apply one payload, item by item if necessary; an item that cannot be applied makes it a dead letter."""
        applied, error = self._apply_items(item.parsed)
        dead = item.dead
        if error is not None:
            dead = Dead(item.entry.raw, described(error))
            log.warning("a payload is kept as a dead letter: %s", dead.error)
        if dead is not None:
            letters = [dead]
            applied.append(self._retry(lambda: apply_parsed(self.rt, [], letters)))
        return applied

    def _apply_items(self, parsed: Parsed) -> tuple[list[Applied], Exception | None]:
        if entry_weight(parsed) <= MAX_WEIGHT or parsed.size <= 1:
            try:
                return [self._retry(lambda: apply_parsed(self.rt, [parsed]))], None
            except StoppedError:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                if parsed.size <= 1:
                    return [], error
        first, second = (self._apply_items(half) for half in split_in_half(parsed))
        return first[0] + second[0], first[1] or second[1]

    def _retry(self, apply_once: Callable[[], Applied]) -> Applied:
        """Retry without end during an outage or after a deadlock. Other errors are raised, at once or after some tries."""
        failures = deadlocks = 0
        self.renew_hold()
        while True:
            try:
                applied = apply_once()
            except (SQLAlchemyError, OSError) as error:
                if is_deadlock(error):
                    deadlocks += 1
                    self.wait(uniform(0.0, min(MAX_WAIT_SECONDS, 0.02 * 2 ** min(deadlocks, 10))))
                    continue
                failures += 1
                if not may_be_an_outage(error) or (failures > OUTAGE_TRIES and self._database_works()):
                    raise
                self.outages.begin("the database", error)
                self.wait(min(MAX_WAIT_SECONDS, 0.05 * 2**failures))
            else:
                self.outages.end("the database")
                return applied

    def _database_works(self) -> bool:
        try:
            with self.rt.database.write() as session:
                session.execute(text("SELECT 1 FROM parked_status LIMIT 1"))
        except (SQLAlchemyError, OSError):
            return False
        return True
