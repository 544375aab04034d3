"""How many messages per second a number may send and receive: Meta's throughput, or what an operator set (docs/meta.md §4.1)."""

from models.tables.number import Number

STANDARD_RATE = 80
HIGH_RATE = 1000
PHONE_APP_RATE = 20
"""A number that is also used in the WhatsApp Business app."""
HIGH = "HIGH"
PHONE_APP = "PHONE_APP"
"""Hark's own word in `Number.throughput`. Meta's level does not tell these numbers apart; they are known by events that only they
send."""


def is_as_meta_says(number: Number) -> bool:
    """Whether the number's rate follows Meta's throughput."""
    return number.messages_per_second is None


def number_rate(number: Number) -> int:
    """The number's whole rate, messages per second in and out. A level that is unknown counts as the standard one."""
    if number.messages_per_second is not None:
        return number.messages_per_second
    level = (number.throughput or "").upper()
    return {HIGH: HIGH_RATE, PHONE_APP: PHONE_APP_RATE}.get(level, STANDARD_RATE)


def put_throughput(number: Number, level: str) -> None:
    """Store Meta's level. A number of the phone app stays one unless Meta calls it HIGH, which such a number cannot be."""
    if number.throughput != PHONE_APP or level.upper() == HIGH:
        number.throughput = level
