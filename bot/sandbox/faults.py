"""Chooses faults: by the last four digits of a recipient's number, or injected through the control API.

| suffix | what happens |
|---|---|
| 9016 | refused at once with 131016 the first time, then fine |
| 9026 | accepted, then failed 131026 (not on WhatsApp) |
| 9030 | refused at once with 131009 (bad number) |
| 9047 | accepted, then failed 131047 (window closed) |
| 9049 | accepted, then failed 131049 (marketing cap of the person) |
| 9050 | accepted, then failed 131050 (person stopped marketing) |
| 9053 | accepted, then failed 131053 (media) |
| 9056 | refused at once with 131056 the first time (pair rate), then fine |
| 9403 | refused at once with 130403 (you have blocked this user) |
| 9429 | refused at once with 130429 the first time (throughput), then fine |
| 9472 | accepted, then failed 130472 (experiment group) |
| 9497 | refused at once with 130497 (country) |
| 9500 | refused at once with 131000, HTTP 500, every time |
| 9600 | accepted, never answered (time-out) |
| 9601 | accepted, connection closed without an answer |
| 9602 | accepted, half an answer, then closed |
| 9603 | **not** accepted, HTML 502 of a gateway |
| 9604 | accepted, HTML 502 of a gateway |
| 9605 | accepted, 200 without an id |
| 9606 | held_for_quality_assessment, then released |
| 9607 | held_for_quality_assessment, then dropped: failed 132015 |
| 9608 | the `sent` webhook is delivered before the HTTP answer is written |
| 9609 | stays at `sent` for ever |
| 9610 | `read` without `delivered` |
| 9611 | `failed` 131026 after `delivered` |
| 9612 | **not** accepted, connection reset before anything was read of the answer |
| 9613 | accepted, answered after `slow` seconds (3, not scaled) |
| 9614 | every status comes twice |
| 9615 | reads and says STOP |
| 9616 | reads and presses the first quick reply; it comes without context |
| 9617 | reads and answers in words |
| 9618 | a username user: webhooks show no number and no wa_id |
| 9619 | accepted, 200 with a body that is no JSON |
| 9620 | **not** accepted, never answered |
"""

import random
from dataclasses import asdict, dataclass
from typing import Any

from bot.sandbox.config import ConfigError

BEFORE = ("refuse", "html_before", "reset_before", "hang_before", "latency")
AFTER = ("hang", "close", "half", "html", "no_id", "garbage", "early", "slow")
LATER = ("fail", "hold", "drop", "offline", "skip_delivered", "late_failure", "twice", "stop", "press", "reply")


@dataclass(frozen=True)
class Quirk:
    """A fault. ``kind`` is one of BEFORE (the message is not accepted), AFTER (it is accepted) or LATER (its delivery)."""

    kind: str
    code: int = 0
    once: bool = False
    seconds: float = 0.0
    http: int | None = None


SUFFIXES: dict[str, Quirk] = {
    "9016": Quirk("refuse", 131016, once=True),
    "9026": Quirk("fail", 131026),
    "9030": Quirk("refuse", 131009),
    "9047": Quirk("fail", 131047),
    "9049": Quirk("fail", 131049),
    "9050": Quirk("fail", 131050),
    "9053": Quirk("fail", 131053),
    "9056": Quirk("refuse", 131056, once=True),
    "9403": Quirk("refuse", 130403),
    "9429": Quirk("refuse", 130429, once=True),
    "9472": Quirk("fail", 130472),
    "9497": Quirk("refuse", 130497),
    "9500": Quirk("refuse", 131000),
    "9600": Quirk("hang"),
    "9601": Quirk("close"),
    "9602": Quirk("half"),
    "9603": Quirk("html_before"),
    "9604": Quirk("html"),
    "9605": Quirk("no_id"),
    "9606": Quirk("hold"),
    "9607": Quirk("drop"),
    "9608": Quirk("early"),
    "9609": Quirk("offline"),
    "9610": Quirk("skip_delivered"),
    "9611": Quirk("late_failure", 131026),
    "9612": Quirk("reset_before"),
    "9613": Quirk("slow", seconds=3.0),
    "9614": Quirk("twice"),
    "9615": Quirk("stop"),
    "9616": Quirk("press"),
    "9617": Quirk("reply"),
    "9618": Quirk("username"),  # a trait of the person, so it cannot be injected
    "9619": Quirk("garbage"),
    "9620": Quirk("hang_before"),
}


@dataclass
class Injection:
    """A fault for all calls of a scope: ``sends``, ``graph`` (other calls), or a phone_number_id. ``left``: None is unlimited."""

    quirk: Quirk
    scope: str = "sends"
    share: float = 1.0
    left: int | None = None

    def public(self) -> dict[str, Any]:
        """Return the fault as JSON for the control API."""
        return {**asdict(self.quirk), "scope": self.scope, "share": self.share, "left": self.left}


class Faults:
    """The faults of one simulation."""

    def __init__(self) -> None:
        self.injections: list[Injection] = []
        self._used: set[str] = set()
        self._rng = random.Random(0)

    def for_number(self, digits: str) -> Quirk | None:
        """Return the fault of this recipient's suffix, None if it has none; a ``once`` fault is returned once."""
        quirk = SUFFIXES.get(digits[-4:])
        if quirk is None or not quirk.once:
            return quirk
        if digits in self._used:
            return None
        self._used.add(digits)
        return quirk

    def injected(self, *scopes: str) -> Quirk | None:
        """Return an injected fault of these scopes by its share, counted down; None for no fault."""
        for item in self.injections:
            if item.scope in scopes and item.left != 0 and self._rng.random() < item.share:
                if item.left is not None:
                    item.left -= 1
                return item.quirk
        return None

    def inject(self, plan: dict[str, Any]) -> Injection:
        """Add a fault from the control API's JSON. Raises ConfigError if a value is invalid."""
        kind = plan.get("kind", "refuse")
        if kind not in BEFORE + AFTER + LATER:
            raise ConfigError(f"kind: {kind!r} is not one of {', '.join(BEFORE + AFTER + LATER)}")
        if kind in ("refuse", "fail") and not isinstance(plan.get("code"), int):
            raise ConfigError(f"code: {plan.get('code')!r} is not a number")
        for name in ("seconds", "share", "count", "http"):
            if not isinstance(plan.get(name, 0), int | float):
                raise ConfigError(f"{name}: {plan[name]!r} is not a number")
        quirk = Quirk(kind, plan.get("code", 0), seconds=float(plan.get("seconds", 0)), http=plan.get("http"))
        item = Injection(quirk, str(plan.get("scope", "sends")), float(plan.get("share", 1)), plan.get("count"))
        self.injections.append(item)
        return item

    def clear(self) -> None:
        """Remove all injected faults and forget used ``once`` faults."""
        self.injections.clear()
        self._used.clear()
