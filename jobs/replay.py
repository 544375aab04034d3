"""Dead letters, applied because somebody asks for it: after a mend, or after a part that was missing came."""

from collections.abc import Sequence
from typing import NamedTuple

from bot.event_values import BadEventError
from bot.events import parse
from bot.shopify import MARK
from jobs.apply_events import Applied, Dead, apply_parsed, guard_campaigns, wake_after
from jobs.event_batch import may_be_an_outage
from jobs.logs import described
from jobs.runtime import Runtime
from jobs.shop_events import apply_entry
from models.clock import utcnow
from models.dead_letters import payload_of, settle_letter, waiting_letters
from models.event import Parsed
from models.refusal import Refused


class Replayed(NamedTuple):
    """What came of dead letters."""

    applied: int
    failed: int


def replay(rt: Runtime, letter_id: int | None = None) -> Replayed:
    """Apply one dead letter, or all of them. Refused where there is no such letter; a database that is away rises."""
    if letter_id is not None:
        return _tally([_replay_one(rt, letter_id)])
    done: list[bool] = []
    last = 0
    while True:
        with rt.database.read() as session:
            ids = waiting_letters(session, last)
        if not ids:
            return _tally(done)
        done += [_replay_one(rt, key) for key in ids]
        last = ids[-1]


def _replay_one(rt: Runtime, letter_id: int) -> bool:
    with rt.database.read() as session:
        raw = payload_of(session, letter_id)
    if raw is None:
        raise Refused(f"dead letter {letter_id}: there is none that waits under this number")
    dead: list[Dead] = []
    applied: list[Applied] = []
    try:
        if raw.startswith(MARK):
            apply_entry(rt, raw)
            parsed = Parsed()
        else:
            parsed = parse(raw)
        applied.append(apply_parsed(rt, [parsed]))
        if parsed.broken:
            dead.append(Dead(raw, f"BadEventError: {parsed.broken[0]}"))
    except BadEventError as error:
        dead.append(Dead(raw, f"BadEventError: {error}"))
    except Exception as error:
        if may_be_an_outage(error):
            raise
        dead.append(Dead(raw, described(error)))
    if dead:
        apply_parsed(rt, [], dead)
    else:
        with rt.database.write() as session:
            settle_letter(session, letter_id, utcnow())
    for one in applied:
        guard_campaigns(rt, one)
        wake_after(rt, one)
    return not dead


def _tally(done: Sequence[bool]) -> Replayed:
    return Replayed(sum(done), len(done) - sum(done))
