"""Tells people from link previews and bots by the user agent, and phones from other devices. The list is user_agents.csv.

A rule of the list is `kind,match,text`: the text in lower case, which the user agent contains or starts with. The first that fits
counts. No user agent is a bot.
"""

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from models.tables.click import ClickKind, DeviceClass

LIST = Path(__file__).with_name("user_agents.csv")
MAX_CHARACTERS = 512
"""What is read of a user agent."""
_TABLETS = ("ipad", "tablet", "kindle", "silk/", "playbook")
_PHONES = ("iphone", "ipod", "mobile", "windows phone", "kaios", "opera mini", "opera mobi", "blackberry")
_COMPUTERS = ("windows", "macintosh", "x11", "linux", "cros")


@dataclass(frozen=True, slots=True)
class AgentRule:
    """One line of the list."""

    kind: ClickKind
    starts: bool
    text: str

    def fits(self, agent: str) -> bool:
        """Whether a user agent in lower case is of this kind."""
        return agent.startswith(self.text) if self.starts else self.text in agent


def read_rules() -> tuple[AgentRule, ...]:
    """Read the list. Raises ValueError if a line is not of its form."""
    with LIST.open(encoding="utf-8", newline="") as file:
        return tuple(_rule(row) for row in csv.DictReader(file))


def _rule(row: dict[str, str]) -> AgentRule:
    if row["match"] not in {"starts", "contains"} or not row["text"] or row["text"] != row["text"].lower():
        raise ValueError(f"{LIST.name}: {row}: allowed is kind,starts|contains,text in lower case")
    return AgentRule(ClickKind(row["kind"]), row["match"] == "starts", row["text"])


RULES = read_rules()


@lru_cache(maxsize=4096)
def kind_of(user_agent: str) -> ClickKind:
    """Who asks, by the user agent alone: a person, a preview or a bot."""
    agent = user_agent[:MAX_CHARACTERS].strip().lower()
    if not agent:
        return ClickKind.BOT
    return next((rule.kind for rule in RULES if rule.fits(agent)), ClickKind.PERSON)


@lru_cache(maxsize=4096)
def device_of(user_agent: str) -> DeviceClass:
    """On what kind of device; an Android device that does not call itself mobile is a tablet."""
    agent = user_agent[:MAX_CHARACTERS].lower()
    if any(word in agent for word in _TABLETS) or ("android" in agent and "mobile" not in agent):
        return DeviceClass.TABLET
    if any(word in agent for word in _PHONES):
        return DeviceClass.PHONE
    return DeviceClass.COMPUTER if any(word in agent for word in _COMPUTERS) else DeviceClass.OTHER
