"""What becomes of an accepted message: sent, delivered, read, failed or held, each as a webhook at its time."""

import random
import time

from bot.sandbox.crowd import Crowd
from bot.sandbox.faults import Quirk
from bot.sandbox.outbox import QueuedWebhook
from bot.sandbox.payload import status_item
from bot.sandbox.person import draw
from bot.sandbox.store import SandboxMessage

MAX_MEDIAN_SECONDS = 5.0  # medians: nobody waits for the one phone that takes an hour


class Delivery:
    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.config, self.world, self.store = crowd.config, crowd.world, crowd.store
        self.timetable, self.outbox = crowd.timetable, crowd.outbox
        self.held: dict[str, Quirk | None] = {}  # wamid → what else is to happen to it
        self._twice: set[str] = set()
        self._rng = random.Random(crowd.config.seed)

    def begin(self, message: SandboxMessage, quirk: Quirk | None) -> None:
        """Plans everything that follows; a message that is held waits for its verdict first."""
        if not message.held:
            self._plan(message, quirk)
            return
        self.held[message.wamid] = quirk
        if self.config.hold_seconds >= 0:
            self._after(self.config.hold_seconds, self._judge, message, quirk)

    async def early(self, message: SandboxMessage) -> None:
        """The sent webhook, delivered while the HTTP answer still waits."""
        item = self._emit(message, "sent", time.time())
        if item is not None:
            await self.outbox.put_first(item)

    def release(self, verdict: str) -> int:
        """Settles everything that is held now; returns how many."""
        waiting = list(self.held.items())
        for wamid, quirk in waiting:
            self._judge(self.store.by_wamid[wamid], quirk, verdict)
        return len(waiting)

    def clear(self) -> None:
        self.held.clear()
        self._twice.clear()

    def _judge(self, message: SandboxMessage, quirk: Quirk | None, verdict: str | None = None) -> None:
        if self.held.pop(message.wamid, message) is message:
            return
        message.held = False
        forced = {"hold": "release", "drop": "drop"}.get(quirk.kind if quirk else "")
        if (verdict or forced or self.config.hold_verdict) == "drop":
            self._fail(message, 132015)
        else:
            self._plan(message, None)

    def _plan(self, message: SandboxMessage, quirk: Quirk | None) -> None:
        rng = draw(self.config, message.wa_id, f"way {message.nth}")
        kind = quirk.kind if quirk else ""
        first = 0.0 if "sent" in message.facts else self._span(rng, self.config.sent_seconds, 0.5)
        code = quirk.code if quirk and kind == "fail" else self._failure(message, rng)
        if code:
            self._after(first, self._fail, message, code)
            return
        second = first + self._span(rng, self.config.delivered_seconds, 0.7)
        offline = kind == "offline" or (not kind and rng.random() < self.config.offline_share)
        if message.kind == "reaction" or offline:
            self._at(first, message, "sent", last=True)
            return
        reads = kind in ("skip_delivered", "stop", "press", "reply") or rng.random() < self.config.read_share
        reads = reads and kind != "late_failure"
        skips = reads and (kind == "skip_delivered" or (not kind and rng.random() < self.config.skip_delivered_share))
        swap = "sent" not in message.facts and rng.random() < self.config.disorder_share
        self._at(first, message, "sent", wait=second - first if swap else 0.0)
        if not skips:
            self._at(second, message, "delivered", wait=first - second if swap else 0.0, last=not reads)
        if reads:
            third = second + self._span(rng, self.config.read_seconds, 0.9)
            self._at(third, message, "read", quirk=quirk, priced=skips, last=True)
        if kind == "twice":
            self._twice.add(message.wamid)
        if kind == "late_failure" and quirk:
            self._after(second + 0.5, self._fail, message, quirk.code)
        if rng.random() < self.config.unknown_share:
            self._at(second, message, "warning", odd=True)

    def _failure(self, message: SandboxMessage, rng: random.Random) -> int:
        if not self.crowd.of(message.wa_id).reachable:
            return 131026
        if self.config.window_rule and message.kind != "template" and not message.in_window:
            return 131047
        if message.kind == "reaction" and not self._knows_target(message):
            return 131009
        if message.category.startswith("marketing") and rng.random() < self.config.capped_share:
            return 131049
        return 0

    def _knows_target(self, message: SandboxMessage) -> bool:
        target = str((message.body or {}).get("reaction", {}).get("message_id"))
        return target in self.store.inbound or target in self.store.by_wamid

    def _at(self, seconds: float, message: SandboxMessage, kind: str, **more: object) -> None:
        """Happens after ``seconds``; ``wait`` delays (or hurries) its webhook, ``last`` settles the message."""
        stamp = time.time() + max(0.0, seconds) / self.config.speed
        wait = more.get("wait", 0.0)
        extra = float(wait) if isinstance(wait, int | float) else 0.0
        self._after(max(0.0, seconds + extra), self._happen, message, kind, stamp, more)

    def _happen(self, message: SandboxMessage, kind: str, stamp: float, more: dict[str, object]) -> None:
        quirk = more.get("quirk")
        priced = {"priced": True} if more.get("priced") else {}
        item = self._emit(message, kind, stamp, odd=bool(more.get("odd")), **priced)
        if item is not None:
            self._put(item, message)
        if kind == "read":
            self.crowd.has_read(message, quirk if isinstance(quirk, Quirk) else None)
        if more.get("last"):
            message.settled = True

    def _fail(self, message: SandboxMessage, code: int) -> None:
        message.error, message.settled = code, True
        item = self._emit(message, "failed", time.time(), code=code)
        if item is not None:
            self._put(item, message)

    def _emit(self, message: SandboxMessage, kind: str, stamp: float, **more: object) -> QueuedWebhook | None:
        number = self.world.numbers.get(message.phone_number_id)
        if number is None or kind in message.facts:
            return None
        self.store.emitted(message, kind, stamp)
        return status_item(self.config, number, self.crowd.of(message.wa_id), message, kind, **more)

    def _put(self, item: QueuedWebhook, message: SandboxMessage) -> None:
        self.outbox.put(item)
        if message.wamid in self._twice or self._rng.random() < self.config.duplicate_share:
            self.store.statuses["repeated"] += 1
            self._after(self._span(self._rng, 2.0, 1.0), self.outbox.put, item)

    def _after(self, seconds: float, action: object, *args: object) -> None:
        if callable(action):
            self.timetable.after(seconds / self.config.speed, action, *args)

    def _span(self, rng: random.Random, median: float, spread: float) -> float:
        return median * min(MAX_MEDIAN_SECONDS, rng.lognormvariate(0, spread))
