"""Simulates the delivery of accepted messages: sent, delivered, read, failed or held, each with a webhook at its time."""

import random
import time

from bot.sandbox.crowd import Crowd
from bot.sandbox.faults import Quirk
from bot.sandbox.outbox import QueuedWebhook
from bot.sandbox.payload import status_item
from bot.sandbox.person import draw
from bot.sandbox.prices import SandboxPricing
from bot.sandbox.store import SandboxMessage

MAX_MEDIAN_SECONDS = 5.0  # medians: an upper limit, so that no run waits for an outlier


class Delivery:
    """Schedules the statuses of accepted messages and holds messages for quality assessment."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.config, self.world, self.store = crowd.config, crowd.world, crowd.store
        self.timetable, self.outbox = crowd.timetable, crowd.outbox
        self.prices = SandboxPricing(crowd.config, crowd.world)
        self.held: dict[str, Quirk | None] = {}  # wamid → its later fault
        self._twice: set[str] = set()
        self._rng = random.Random(crowd.config.seed)

    def begin(self, message: SandboxMessage, quirk: Quirk | None) -> None:
        """Schedule all statuses of a message; a held message waits for its verdict first."""
        if not message.held:
            self._plan(message, quirk)
            return
        self.held[message.wamid] = quirk
        if self.config.hold_seconds >= 0:
            self._after(self.config.hold_seconds, self._judge, message, quirk)

    async def early(self, message: SandboxMessage) -> None:
        """Post the sent webhook before the HTTP answer is written."""
        item = self._emit(message, "sent", time.time())
        if item is not None:
            await self.outbox.put_first(item)

    def release(self, verdict: str) -> int:
        """Settle all held messages with ``release`` or ``drop``; returns their number."""
        waiting = list(self.held.items())
        for wamid, quirk in waiting:
            self._judge(self.store.by_wamid[wamid], quirk, verdict)
        return len(waiting)

    def clear(self) -> None:
        """Forget all held messages, and what was delivered this month."""
        self.held.clear()
        self.prices.clear()
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
        sent_after = 0.0 if "sent" in message.facts else self._span(rng, self.config.sent_seconds, 0.5)
        code = quirk.code if quirk and kind == "fail" else self._failure(message, rng)
        if code:
            self._after(sent_after, self._fail, message, code)
            return
        delivered_after = sent_after + self._span(rng, self.config.delivered_seconds, 0.7)
        is_offline = kind == "offline" or (not kind and rng.random() < self.config.offline_share)
        if message.kind == "reaction" or is_offline:
            self._at(sent_after, message, "sent", last=True)
            return
        is_read = kind in ("skip_delivered", "stop", "press", "reply") or rng.random() < self.config.read_share
        is_read = is_read and kind != "late_failure"
        skips_delivered = is_read and (
            kind == "skip_delivered" or (not kind and rng.random() < self.config.skip_delivered_share)
        )
        is_swapped = "sent" not in message.facts and rng.random() < self.config.disorder_share
        self._at(sent_after, message, "sent", wait=delivered_after - sent_after if is_swapped else 0.0)
        if not skips_delivered:
            self._at(
                delivered_after,
                message,
                "delivered",
                wait=sent_after - delivered_after if is_swapped else 0.0,
                last=not is_read,
            )
        if is_read:
            read_after = delivered_after + self._span(rng, self.config.read_seconds, 0.9)
            self._at(read_after, message, "read", quirk=quirk, priced=skips_delivered, last=True)
        if kind == "twice":
            self._twice.add(message.wamid)
        if kind == "late_failure" and quirk:
            self._after(delivered_after + 0.5, self._fail, message, quirk.code)
        if rng.random() < self.config.unknown_share:
            self._at(delivered_after, message, "warning", odd=True)

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
        """Schedule a status; ``wait`` moves its webhook (negative: earlier), ``last`` marks the message as settled."""
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
        self.store.record_status(message, kind, stamp)
        if more.pop("priced", kind in ("sent", "delivered")):
            more["pricing"] = self.prices.pricing(message, kind)
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
