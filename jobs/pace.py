"""How fast: one clock per number and per campaign in Redis, shared by all lanes and hosts.

Instead of tokens that pile up, each clock holds the moment at which the next request may begin. A lane reserves a whole chunk in
one call and is told when its first request may begin; the others follow at even intervals. So there are no bursts, four lanes
keep the pace as well as one, and no reservation reaches further ahead than LOOK_AHEAD_SECONDS: a pause acts at once. Campaigns
leave a share of the number's rate to replies, which have a clock of their own.

On 130429 the number's factor halves, at most once a second, and creeps back. Redis away: no reservation, so nothing is sent.
"""

from dataclasses import dataclass
from typing import Any

from redis import Redis

LOOK_AHEAD_SECONDS = 0.3
REPLY_SHARE = 0.1
LEAST_FACTOR = 0.02
RECOVERY_PER_SECOND = 0.02
"""The share of the full rate that comes back each second after throttling."""
KEEP_SECONDS = 7200

# KEYS: the number's clock, its throttle (hash: factor, at), the campaign's clock.
# ARGV: requests wanted; the number's rate and the campaign's rate, per second; look-ahead, seconds.
# Returns: wanted, microseconds until the first may begin, the interval in microseconds;
# or: 0, microseconds until it makes sense to ask again, 1 if the number itself is busy.
_RESERVE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local wanted = tonumber(ARGV[1])
local ahead = tonumber(ARGV[4]) * 1000000
local factor = tonumber(redis.call('HGET', KEYS[2], 'factor') or '1')
if factor < 1 then
  local since = (now - tonumber(redis.call('HGET', KEYS[2], 'at'))) / 1000000
  factor = math.min(1, factor + since * tonumber(ARGV[5]))
end
local step = 1000000 / (tonumber(ARGV[2]) * factor)
local own = 1000000 / tonumber(ARGV[3])
local number_free = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local own_free = math.max(now, tonumber(redis.call('GET', KEYS[3]) or '0'))
local start = math.max(number_free, own_free)
if start - now > ahead then
  return {0, math.floor(start - now - ahead + 1), number_free - now > ahead and 1 or 0}
end
local interval = math.max(step, own)
redis.call('SET', KEYS[1], string.format('%.0f', number_free + wanted * step), 'EX', ARGV[6])
redis.call('SET', KEYS[3], string.format('%.0f', start + wanted * own), 'EX', ARGV[6])
return {wanted, math.floor(start - now), math.floor(interval)}
"""

# KEYS: the number's clock, its throttle, the campaign's clock. ARGV: unused requests, both rates.
_GIVE_BACK = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
for index = 1, 3, 2 do
  local free = tonumber(redis.call('GET', KEYS[index]) or '0')
  local rate = tonumber(ARGV[index == 1 and 2 or 3])
  if free > now then
    redis.call('SET', KEYS[index], string.format('%.0f', math.max(now, free - tonumber(ARGV[1]) * 1000000 / rate)), 'EX', ARGV[4])
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
if now - at < 1000000 then
  return tostring(factor)
end
factor = math.min(1, factor + (now - at) / 1000000 * tonumber(ARGV[2]))
factor = math.max(tonumber(ARGV[1]), factor / 2)
redis.call('HSET', KEYS[1], 'factor', tostring(factor), 'at', string.format('%.0f', now))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return tostring(factor)
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """A reservation: `size` requests, the first in `delay_seconds`, then one each `interval_seconds`.

    Size 0: ask again after the delay. Where the number itself is busy, no other campaign of it would be given a slot either, and
    whoever was refused must be the next to ask, or it would starve.
    """

    size: int
    delay_seconds: float
    interval_seconds: float = 0.0
    is_number_busy: bool = False


class Pace:
    """Reserves sending times for one number. Every method raises redis.RedisError where Redis is away."""

    def __init__(self, redis: Redis, number_id: int, messages_per_second: float) -> None:
        self._redis = redis
        self._number = f"hark:pace:{number_id}"
        self._throttle = f"hark:throttle:{number_id}"
        self._replies = f"hark:pace:{number_id}:replies"
        self.campaign_rate = messages_per_second * (1 - REPLY_SHARE)
        self.reply_rate = max(1.0, messages_per_second * REPLY_SHARE)
        self._reserve = redis.register_script(_RESERVE)
        self._give_back = redis.register_script(_GIVE_BACK)
        self._slow_down = redis.register_script(_SLOW_DOWN)

    def reserve(self, campaign_id: int, per_second: float, size: int) -> Slot:
        """Reserve `size` sending times for a campaign whose own pace is `per_second`."""
        return self._ask(
            self._campaign(campaign_id), self._number, self.campaign_rate, per_second, size, LOOK_AHEAD_SECONDS
        )

    def reserve_replies(self, size: int) -> Slot:
        """Reserve for replies: from their own share, a second ahead at the most."""
        return self._ask(f"{self._replies}:any", self._replies, self.reply_rate, 1e6, size, 1.0)

    def give_back(self, campaign_id: int, per_second: float, unused: int) -> None:
        """Return what a chunk did not need, so that another lane may use it."""
        if unused > 0:
            keys = [self._number, self._throttle, self._campaign(campaign_id)]
            self._give_back(keys=keys, args=[unused, self.campaign_rate, per_second, KEEP_SECONDS])

    def slow_down(self) -> float:
        """Halve the number's rate after a 130429; the factor that holds now."""
        answer = self._slow_down(keys=[self._throttle], args=[LEAST_FACTOR, RECOVERY_PER_SECOND, KEEP_SECONDS])
        return float(answer)

    def _campaign(self, campaign_id: int) -> str:
        return f"{self._number}:campaign:{campaign_id}"

    def _ask(self, own: str, number: str, rate: float, own_rate: float, size: int, ahead: float) -> Slot:
        answer: Any = self._reserve(
            keys=[number, self._throttle, own],
            args=[size, rate, own_rate, ahead, RECOVERY_PER_SECOND, KEEP_SECONDS],
        )
        granted, delay, last = (int(part) for part in answer)
        if granted == 0:
            return Slot(0, delay / 1e6, is_number_busy=last == 1)
        return Slot(granted, delay / 1e6, last / 1e6)
