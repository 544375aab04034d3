"""Meta's limit for one person: a message every 6 s, with bursts of up to 45 borrowed from the time after (131056)."""

from redis import Redis

INTERVAL_SECONDS = 6.0
BURST = 45
KEEP_SECONDS = int(INTERVAL_SECONDS * BURST) + 60

# KEYS: the pair's clock: when all that was borrowed will be paid back, in microseconds.
# ARGV: interval and what may be borrowed, in microseconds; seconds to keep.
# Returns: 0 if a message may go now (and counts), else the microseconds until one may.
_TAKE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local paid = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local wait = paid - now - tonumber(ARGV[2])
if wait > 0 then
  return math.floor(wait + 1)
end
redis.call('SET', KEYS[1], string.format('%.0f', paid + tonumber(ARGV[1])), 'EX', ARGV[3])
return 0
"""


class PairLimit:
    """Asked once before each message of a conversation. Raises redis.RedisError where Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._take = redis.register_script(_TAKE)

    def wait_seconds(self, conversation_id: int) -> float:
        """0.0 if a message may go now, which is then counted; else how long until one may."""
        borrowed = INTERVAL_SECONDS * (BURST - 1)
        answer = self._take(
            keys=[f"hark:pair:{conversation_id}"], args=[INTERVAL_SECONDS * 1e6, borrowed * 1e6, KEEP_SECONDS]
        )
        return int(answer) / 1e6
