"""Limits the sending rate: one clock per number and per campaign in Redis, shared by all lanes and hosts.

Instead of tokens that accumulate, each clock holds the time at which the next request may begin. A lane reserves a whole chunk in
one call and gets the time of its first request; the others follow at even intervals. So there are no bursts, four lanes keep the
pace as well as one, and no reservation reaches further ahead than LOOK_AHEAD_SECONDS: a pause acts at once.

The rate is the number's whole one. While nobody is answered, campaigns have all of it. The first reply waits for what campaigns
have reserved already, a few tenths of a second; from then on, and for REPLIES_SECONDS after the last reply, campaigns have nine
tenths, and replies have the rest on a clock of their own. So the sum never exceeds the rate.

The clocks are on Redis's time, which may jump. One that stands further ahead than any reservation reaches was left behind by a time
that went back, and begins again now.

On 130429 (docs/meta.md §4.1) the number's factor halves, at most once a second, and recovers slowly. Without Redis there is no
reservation, so nothing is sent.
"""

import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from redis import Redis

LOOK_AHEAD_SECONDS = 0.3
REPLY_SHARE = 0.1
REPLIES_SECONDS = 5.0
"""How long after the last reply campaigns leave replies their share."""
MIN_FACTOR = 0.02
RECOVERY_PER_SECOND = 0.02
"""The share of the full rate that is restored each second after throttling."""
KEEP_SECONDS = 7200
JUMP_SECONDS = 1.0
"""By so much a time does not drift between two answers: it was set."""

# How much of its rate a number that was throttled has again, ARGV[5]: recovery per second; and where a clock stands whose requests
# take `step` each, unless it was set before Redis's time went back.
_FACTOR = """
local function free_at(key, now, step, size, ahead)
  local at = math.max(now, tonumber(redis.call('GET', key) or '0'))
  if at - now > math.max(120000000, 4 * (ahead + size * step)) then
    return now
  end
  return at
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local factor = tonumber(redis.call('HGET', KEYS[2], 'factor') or '1')
if factor < 1 then
  local since = math.max(0, now - tonumber(redis.call('HGET', KEYS[2], 'at'))) / 1000000
  factor = math.min(1, factor + since * tonumber(ARGV[5]))
end
"""

# KEYS: the number's clock, its throttle (hash: factor, at), the campaign's clock, the mark that replies come.
# ARGV: requests wanted; the number's rate and the campaign's rate, per second; look-ahead, seconds; recovery per second; seconds
# to keep; campaigns' share while replies come.
# Returns: wanted, microseconds until the first may begin, the interval in microseconds, now, where both clocks stand then, the
# microseconds that each request took from the number's clock;
# or: 0, microseconds until it makes sense to ask again, 1 if the number itself is busy, now.
_RESERVE = (
    _FACTOR
    + """
local wanted = tonumber(ARGV[1])
local ahead = tonumber(ARGV[4]) * 1000000
local share = redis.call('EXISTS', KEYS[4]) == 1 and tonumber(ARGV[7]) or 1
local step = 1000000 / (tonumber(ARGV[2]) * factor * share)
local own = 1000000 / tonumber(ARGV[3])
local number_free = free_at(KEYS[1], now, step, wanted, ahead)
local own_free = free_at(KEYS[3], now, own, wanted, ahead)
local start = math.max(number_free, own_free)
if start - now > ahead then
  return {0, math.floor(start - now - ahead + 1), number_free - now > ahead and 1 or 0, now}
end
local interval = math.max(step, own)
local number_end = string.format('%.0f', number_free + wanted * step)
local own_end = string.format('%.0f', start + wanted * own)
redis.call('SET', KEYS[1], number_end, 'EX', ARGV[6])
redis.call('SET', KEYS[3], own_end, 'EX', ARGV[6])
return {wanted, math.floor(start - now), math.floor(interval), now, number_end, own_end, math.floor(step)}
"""
)

# KEYS: the number's clock, its throttle, the replies' clock, the mark that replies come.
# ARGV: replies wanted; their rate per second; not used; look-ahead, seconds; recovery per second; seconds to keep; milliseconds
# for which campaigns leave replies their share.
# Returns the same as above. Before the first reply campaigns had the whole rate: it begins after what they have reserved.
_RESERVE_REPLIES = (
    _FACTOR
    + """
local wanted = tonumber(ARGV[1])
local ahead = tonumber(ARGV[4]) * 1000000
local step = 1000000 / (tonumber(ARGV[2]) * factor)
local start = free_at(KEYS[3], now, step, wanted, ahead)
if redis.call('SET', KEYS[4], '1', 'PX', ARGV[7], 'NX') then
  start = math.max(start, free_at(KEYS[1], now, step, wanted, ahead))
else
  redis.call('PEXPIRE', KEYS[4], ARGV[7])
end
if start - now > ahead then
  return {0, math.floor(start - now - ahead + 1), 1, now}
end
local ends = string.format('%.0f', start + wanted * step)
redis.call('SET', KEYS[3], ends, 'EX', ARGV[6])
return {wanted, math.floor(start - now), math.floor(step), now, ends, ends, math.floor(step)}
"""
)

# KEYS: the number's clock, the campaign's clock. ARGV: unused requests; for each clock where it stood after the reservation, and
# the microseconds that a request took from it; seconds to keep. A clock that somebody else has moved since stays: their slot lies
# behind ours and would be given twice.
_GIVE_BACK = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
for index = 1, 2 do
  local stood, step = ARGV[index * 2], tonumber(ARGV[index * 2 + 1])
  if redis.call('GET', KEYS[index]) == stood then
    local free = math.max(now, tonumber(stood) - tonumber(ARGV[1]) * step)
    redis.call('SET', KEYS[index], string.format('%.0f', free), 'EX', ARGV[6])
  end
end
return 1
"""

# KEYS: the number's throttle. ARGV: least factor, recovery per second, seconds to keep.
_SLOW_DOWN = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local factor = tonumber(redis.call('HGET', KEYS[1], 'factor') or '1')
local at = tonumber(redis.call('HGET', KEYS[1], 'at') or '0')
if now >= at and now - at < 1000000 then
  return tostring(factor)
end
factor = math.min(1, factor + math.max(0, now - at) / 1000000 * tonumber(ARGV[2]))
factor = math.max(tonumber(ARGV[1]), factor / 2)
redis.call('HSET', KEYS[1], 'factor', tostring(factor), 'at', string.format('%.0f', now))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return tostring(factor)
"""


CATCH_UP = 0.95
"""A lane that is a little late shortens the interval between requests to at least this share of it."""
LATE_SECONDS = 0.05
"""A time that is further back than this is missed: using it now would exceed the rate, since other lanes use theirs."""


@dataclass(frozen=True, slots=True)
class SendSlot:
    """A reservation: `size` requests, the first at `starts_at` (this process's monotonic clock), then one each `interval_seconds`.

    `delay_seconds` is the time until then, as of Redis's answer. Size 0: ask again after it. If `is_number_busy`, no other campaign
    of the number would get a slot either, and the refused campaign must be the next to ask, or it would starve.
    """

    size: int
    delay_seconds: float
    interval_seconds: float = 0.0
    is_number_busy: bool = False
    starts_at: float = 0.0
    clocks: tuple[bytes, bytes] = (b"", b"")
    """The values of the number's and the campaign's clock after the reservation."""
    number_step: int = 0
    """The microseconds that each request took from the number's clock."""


class _RedisClock:
    """Converts Redis's time to this process's monotonic clock, by the quickest of the last 32 answers."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=32)

    def here(self, redis_now: float, asked: float, answered: float) -> float:
        """The monotonic time of `redis_now`. It does not depend on delays of a thread, so the slots of all lanes are on one
        clock."""
        took, offset = answered - asked, (asked + answered) / 2 - redis_now
        if self._samples and abs(offset - min(self._samples)[1]) > took + JUMP_SECONDS:
            self._samples.clear()  # Redis's time jumped: what was measured before is wrong now
        self._samples.append((took, offset))
        return redis_now + min(self._samples)[1]


class Pace:
    """Reserves sending times for one number. Every method raises RedisError if Redis is away."""

    def __init__(self, redis: Redis, number_id: int, messages_per_second: float) -> None:
        self.messages_per_second = messages_per_second
        """The number's whole rate. It may be changed at any time, and applies to the next reservation."""
        self._number = f"hark:pace:{number_id}"
        self._throttle = f"hark:throttle:{number_id}"
        self._replies = f"hark:pace:{number_id}:replies"
        self._replying = f"hark:pace:{number_id}:replying"
        self._reserve = redis.register_script(_RESERVE)
        self._reserve_replies = redis.register_script(_RESERVE_REPLIES)
        self._give_back = redis.register_script(_GIVE_BACK)
        self._slow_down = redis.register_script(_SLOW_DOWN)
        self._clock = _RedisClock()

    @property
    def reply_rate(self) -> float:
        """The replies' share of the rate, which campaigns leave them while they come."""
        return self.messages_per_second * REPLY_SHARE

    def reserve(self, campaign_id: int, per_second: float, size: int) -> SendSlot:
        """Reserve `size` sending times for a campaign whose own pace is `per_second`."""
        asked = time.monotonic()
        answer = self._reserve(
            keys=[self._number, self._throttle, self._campaign(campaign_id), self._replying],
            args=[
                size, self.messages_per_second, per_second, LOOK_AHEAD_SECONDS, RECOVERY_PER_SECOND,
                # The clock of a campaign that sends once in many hours is kept until its next time.
                KEEP_SECONDS + int(2 * size / per_second), 1 - REPLY_SHARE,
            ],
        )  # fmt: skip
        return self._slot(answer, asked)

    def reserve_replies(self, size: int) -> SendSlot:
        """Reserve `size` sending times for replies, from their own share of the rate, at most a second ahead."""
        asked = time.monotonic()
        answer = self._reserve_replies(
            keys=[self._number, self._throttle, self._replies, self._replying],
            args=[size, self.reply_rate, 0, 1.0, RECOVERY_PER_SECOND, KEEP_SECONDS, int(REPLIES_SECONDS * 1000)],
        )
        return self._slot(answer, asked)

    def give_back(self, campaign_id: int, per_second: float, slot: SendSlot, unused: int) -> None:
        """Return the `unused` sending times of a slot, so that another lane may use them."""
        if unused > 0:
            number_end, own_end = slot.clocks
            self._give_back(
                keys=[self._number, self._campaign(campaign_id)],
                args=[unused, number_end, slot.number_step, own_end, 1e6 / per_second, KEEP_SECONDS],
            )

    def slow_down(self) -> float:
        """Halve the number's rate after a 130429; return the factor (0 to 1) that now applies to it."""
        answer = self._slow_down(keys=[self._throttle], args=[MIN_FACTOR, RECOVERY_PER_SECOND, KEEP_SECONDS])
        return float(answer)

    def _campaign(self, campaign_id: int) -> str:
        return f"{self._number}:campaign:{campaign_id}"

    def _slot(self, answer: Any, asked: float) -> SendSlot:
        granted, delay, last, now = (int(part) for part in answer[:4])
        here = self._clock.here(now / 1e6, asked, time.monotonic())
        if granted == 0:
            return SendSlot(0, delay / 1e6, is_number_busy=last == 1)
        number_end, own_end, step = answer[4:]
        starts_at = here + delay / 1e6
        return SendSlot(granted, delay / 1e6, last / 1e6, False, starts_at, (number_end, own_end), int(step))


class SendTimetable:
    """The sending times of all slots that this lane holds for a campaign, earliest first.

    The next request takes the next time, whichever slot it is from: a lane that missed some is not idle, and one that stalled
    does not begin two chunks at once. Times are in seconds on this process's monotonic clock.
    """

    def __init__(self) -> None:
        self._times: deque[tuple[float, float]] = deque()
        self._latest = 0.0

    def add(self, slot: SendSlot, size: int) -> None:
        """Add the first `size` times of a slot. Slots may be added out of order, since rows are claimed in between."""
        interval = slot.interval_seconds
        times = [(slot.starts_at + index * interval, interval) for index in range(size)]
        self._times = deque(sorted([*self._times, *times]))

    def take(self, now: float) -> float | None:
        """Remove and return the next time that is not missed; None if another slot must be reserved first."""
        while self._times:
            start, interval = self._times.popleft()
            if now - start <= LATE_SECONDS:
                self._latest = max(start, self._latest + CATCH_UP * interval)
                return self._latest
        return None
