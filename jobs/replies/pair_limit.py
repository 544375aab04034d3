"""Limits messages from a number to one person as Meta does: one every 6 s, and bursts of up to 45 (131056, docs/meta.md §4.2)."""

from redis import Redis

INTERVAL_SECONDS = 6.0
BURST = 45
KEEP_SECONDS = int(INTERVAL_SECONDS * BURST) + 60

# KEYS: the pair's clock: the time at which its burst will be paid back, in microseconds.
# ARGV: interval and longest burst, in microseconds; seconds to keep the key.
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
    """The limit of every pair of number and person, shared by all processes in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._take = redis.register_script(_TAKE)

    def wait_seconds(self, conversation_id: int) -> float:
        """0.0 if a message may be sent now, which is then counted; else the seconds until one may.

        To be called once before each message of a conversation. Raises RedisError if Redis is unavailable.
        """
        borrowed = INTERVAL_SECONDS * (BURST - 1)
        answer = self._take(
            keys=[f"hark:pair:{conversation_id}"], args=[INTERVAL_SECONDS * 1e6, borrowed * 1e6, KEEP_SECONDS]
        )
        return int(answer) / 1e6
