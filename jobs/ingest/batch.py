"""A batch of payloads: parsed, applied in transactions of a bounded size, and what cannot be applied taken out of it.

The database away is no fault of a payload: the same transaction is tried until it works. Any other error has one payload at
fault, or one item of it, which is found by applying the others without it.
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
"""Of one transaction, in statuses, so that it stays under 100 ms; one payload has up to 1,000 items."""
INBOUND_WEIGHT = 20
CHANGE_WEIGHT = 40
OUTAGE_TRIES = 3
MAX_WAIT_SECONDS = 2.0


class StoppedError(HarkError):
    """This process is to stop and the database is away: what is held is left to whoever takes over."""


class BatchWork(NamedTuple):
    """One payload on its way."""

    entry: Entry
    parsed: Parsed
    dead: Dead | None


class OutageClock:
    """What is away, said once when it goes and once when it is back."""

    def __init__(self) -> None:
        self._parts: set[str] = set()

    def begin(self, part: str, error: Exception) -> None:
        """It does not work now."""
        if part not in self._parts:
            log.warning("%s is away or busy (%s); waiting for it", part, type(error).__name__)
            self._parts.add(part)

    def end(self, part: str) -> None:
        """It worked."""
        if part in self._parts:
            self._parts.discard(part)
            log.info("%s is back", part)


def parse_entries(entries: Iterable[Entry]) -> Iterator[BatchWork]:
    """One after the other. What does not parse is a dead letter already; what is whole in it is applied."""
    for entry in entries:
        try:
            parsed = parse_payload(entry.raw)
            dead = Dead(entry.raw, f"BadEventError: {parsed.broken[0]}") if parsed.broken else None
        except BadEventError as error:
            parsed, dead = Parsed(), Dead(entry.raw, f"BadEventError: {error}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stand in the way of the others
            parsed, dead = Parsed(), Dead(entry.raw, described(error))
        if dead is not None:
            log.warning("a payload is kept as a dead letter: %s", dead.error)
        yield BatchWork(entry, parsed, dead)


def split_entries(work: Iterable[BatchWork]) -> Iterator[list[BatchWork]]:
    """Transactions of a bounded size."""
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
    """What it costs to apply, in statuses."""
    return len(parsed.statuses) + INBOUND_WEIGHT * len(parsed.inbound) + CHANGE_WEIGHT * len(parsed.changes)


class Applier:
    """Applies parts of a batch.

    `show_life` is called before each transaction. `wait` is called while the database is away: it keeps what is held, and may
    raise StoppedError.
    """

    def __init__(
        self, rt: Runtime, trouble: OutageClock, wait: Callable[[float], None], show_life: Callable[[], None]
    ) -> None:
        self.rt = rt
        self.trouble = trouble
        self.wait = wait
        self.show_life = show_life

    def apply(self, part: Sequence[BatchWork]) -> list[Applied]:
        """Whatever becomes of them, these payloads are done with when it returns. Raises StoppedError alone."""
        if len(part) == 1 and entry_weight(part[0].parsed) > MAX_WEIGHT:
            return self._apply_alone(part[0])
        dead = [item.dead for item in part if item.dead is not None]
        try:
            return [self.surely(lambda: apply_parsed(self.rt, [item.parsed for item in part], dead))]
        except StoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - one payload of the batch is at fault: find it
            log.warning("a batch of %d is applied one by one: %s", len(part), described(error))
        return [applied for item in part for applied in self._apply_alone(item)]

    def _apply_alone(self, item: BatchWork) -> list[Applied]:
        """One payload, and if it must be item by item; the item that cannot be applied makes it a dead letter."""
        applied, error = self._apply_items(item.parsed)
        dead = item.dead
        if error is not None:
            dead = Dead(item.entry.raw, described(error))
            log.warning("a payload is kept as a dead letter: %s", dead.error)
        if dead is not None:
            letters = [dead]
            applied.append(self.surely(lambda: apply_parsed(self.rt, [], letters)))
        return applied

    def _apply_items(self, parsed: Parsed) -> tuple[list[Applied], Exception | None]:
        if entry_weight(parsed) <= MAX_WEIGHT or parsed.size <= 1:
            try:
                return [self.surely(lambda: apply_parsed(self.rt, [parsed]))], None
            except StoppedError:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                if parsed.size <= 1:
                    return [], error
        first, second = (self._apply_items(half) for half in split_in_half(parsed))
        return first[0] + second[0], first[1] or second[1]

    def surely(self, apply_once: Callable[[], Applied]) -> Applied:
        """Again and again while the database is away; a deadlock simply repeats. Other errors rise, at once or after some tries."""
        failures = deadlocks = 0
        self.show_life()
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
                self.trouble.begin("the database", error)
                self.wait(min(MAX_WAIT_SECONDS, 0.05 * 2**failures))
            else:
                self.trouble.end("the database")
                return applied

    def _database_works(self) -> bool:
        try:
            with self.rt.database.write() as session:
                session.execute(text("SELECT 1 FROM parked_status LIMIT 1"))
        except (SQLAlchemyError, OSError):
            return False
        return True
