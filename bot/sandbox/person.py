"""Defines a simulated person: identity, chat, and behaviour that depends on the seed and the number alone."""

import random
from collections import deque
from dataclasses import dataclass, field
from zlib import crc32

from bot.sandbox.config import Config
from bot.sandbox.faults import SUFFIXES
from bot.sandbox.phone import bsuid_of, name_of
from bot.sandbox.store import SandboxInbound, SandboxMessage

CHAT_LENGTH = 200
PARTNER, AGENT = "partner", "agent"
RESPONDERS = (PARTNER, AGENT)
"""Who else may have a conversation: a partner's app, or Meta's own agent."""
DAY = 86_400
FREE_ENTRY_SECONDS = 3 * DAY


@dataclass(slots=True)
class SimulatedPerson:
    """A person with a phone, and the counts of messages received and answered."""

    wa_id: str
    name: str
    bsuid: str
    bsuid_changes: int = 0
    username: str | None = None
    reachable: bool = True
    received: int = 0
    replies: int = 0
    last_at: float = 0.0
    last_inbound: dict[str, float] = field(default_factory=dict)  # phone_number_id → Unix seconds
    from_ad: dict[str, float] = field(default_factory=dict)  # phone_number_id → when an ad brought the person
    free_until: dict[str, float] = field(default_factory=dict)  # phone_number_id → end of the free entry point
    chat: deque[SandboxMessage | SandboxInbound] = field(default_factory=lambda: deque(maxlen=CHAT_LENGTH))

    responders: dict[str, str] = field(default_factory=dict)  # phone_number_id → one of RESPONDERS

    def responder_of(self, phone_number_id: str, now: float) -> str | None:
        """Return who else has the conversation with this number; None if it is ours, also 24 h after the last message."""
        last = self.last_inbound.get(phone_number_id)
        if last is not None and now - last >= DAY:
            self.responders.pop(phone_number_id, None)
        return self.responders.get(phone_number_id)

    def in_window(self, phone_number_id: str, now: float) -> bool:
        """Return whether the person wrote to this number in the last 24 h."""
        return now - self.last_inbound.get(phone_number_id, 0.0) < DAY

    def answered(self, phone_number_id: str, now: float) -> bool:
        """Take note of a message to the person; return whether it is inside a free entry point, which the first answer opens."""
        if now - self.from_ad.pop(phone_number_id, 0.0) < DAY:
            self.free_until[phone_number_id] = now + FREE_ENTRY_SECONDS
        return now < self.free_until.get(phone_number_id, 0.0)


def draw(config: Config, wa_id: str, purpose: str) -> random.Random:
    """Return a generator that depends on seed, person and purpose alone, not on the order of events."""
    return random.Random(f"{config.seed}|{wa_id}|{purpose}")


def chance(config: Config, wa_id: str, purpose: str) -> float:
    """Return a number from 0 to 1, as of ``draw`` but without the cost of a generator: it is called for each message."""
    return crc32(f"{config.seed}|{wa_id}|{purpose}".encode()) / 2**32


def create_person(config: Config, portfolio_id: str, wa_id: str) -> SimulatedPerson:
    """Create the person of a wa_id: the same at every run with the same seed."""
    person = SimulatedPerson(wa_id, name_of(wa_id), bsuid_of(portfolio_id, wa_id))
    rng = draw(config, wa_id, "person")
    quirk = SUFFIXES.get(wa_id[-4:]) if config.suffix_faults else None
    if rng.random() < config.username_share or (quirk is not None and quirk.kind == "username"):
        person.username = f"{person.name.lower().replace(' ', '.')}.{wa_id[-4:]}"
    person.reachable = rng.random() >= config.unreachable_share
    return person
