"""Assembles the parts of one simulated Meta."""

import time
from typing import Any

from aiohttp import web

from bot.sandbox.config import Config
from bot.sandbox.crowd import Crowd
from bot.sandbox.delivery import Delivery
from bot.sandbox.errors import SandboxGraphError
from bot.sandbox.faults import Faults
from bot.sandbox.limits import Limits
from bot.sandbox.links import Browser
from bot.sandbox.media import MediaStore
from bot.sandbox.outbox import Outbox
from bot.sandbox.payload import value_item
from bot.sandbox.store import Store
from bot.sandbox.timetable import DeliveryTimetable
from bot.sandbox.world import SandboxNumber, SandboxWaba, World


class Simulation:
    """One simulated Meta; the settings can change while it runs."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.started_at = time.time()
        self.world = World(config.world)
        self.store = Store(config.keep_bodies)
        self.timetable = DeliveryTimetable()
        self.limits = Limits()
        self.faults = Faults()
        self.media = MediaStore()
        self.outbox = Outbox(config, self.world)
        self.browser = Browser()
        self.crowd = Crowd(config, self.world, self.store, self.timetable, self.outbox, self.browser)
        self.delivery = Delivery(self.crowd)

    def reset(self) -> None:
        """Reset to the start: no messages, the configured world, nothing scheduled. Settings stay."""
        self.timetable.clear()
        self.outbox.clear()
        self.limits.clear()
        self.faults.clear()
        self.media.clear()
        self.crowd.clear()
        self.browser.clear()
        self.delivery.clear()
        self.rebuild_world()
        self.store.clear(self.config.keep_bodies)

    def change(self, settings: dict[str, Any]) -> None:
        """Change settings. Raises ConfigError, and changes none, if one is invalid."""
        if isinstance(settings.get("world"), dict):
            World(settings["world"])
        self.config.update(settings)
        if "world" in settings:
            self.rebuild_world()
        self.outbox.wake()

    def rebuild_world(self) -> None:
        """Build the world of ``config.world`` again, in the same object, to which all parts refer."""
        self.world.build(self.config.world)

    def number(self, phone_number_id: str) -> SandboxNumber:
        """Return a number. Raises SandboxGraphError if there is none."""
        number = self.world.numbers.get(phone_number_id)
        if number is None:
            raise SandboxGraphError(
                100,
                f"Unsupported post request. Object with ID '{phone_number_id}' does not exist, cannot be loaded due to "
                "missing permissions, or does not support this operation",
                subcode=33,
            )
        return number

    def waba(self, waba_id: str) -> SandboxWaba:
        """Return an account and count a management call. Raises SandboxGraphError if there is none, or too many calls."""
        waba = self.world.wabas.get(waba_id)
        if waba is None:
            raise SandboxGraphError(100, f"Object with ID '{waba_id}' does not exist", subcode=33)
        self.limits.check_management(waba_id, self.config.management_limit, time.monotonic())
        return waba

    def announce(self, waba_id: str, field: str, value: dict[str, Any]) -> None:
        """Send an account webhook."""
        self.outbox.put(value_item(waba_id, field, value))

    @property
    def pending(self) -> dict[str, int]:
        """Numbers of scheduled actions, of webhooks that were not answered with 200, and of links that are being opened."""
        return {"scheduled": len(self.timetable), "webhooks": self.outbox.waiting, "links": self.browser.waiting}

    def stats(self, *, with_callbacks: bool = False) -> dict[str, Any]:
        """Return all counts as JSON; ``at_rest`` if nothing is pending."""
        pending = self.pending
        counts = self.outbox.counts
        names = ("updates", "posts", "ok", "not_ok", "retries", "discarded")
        return {
            **self.store.stats(with_callbacks=with_callbacks),
            "held": len(self.delivery.held),
            "people": len(self.crowd.people),
            "tier_people": self.limits.people_counted,
            "webhooks": {name: counts[name] for name in names} | {"pending": pending["webhooks"]},
            "links": self.browser.stats(),
            "pending": pending,
            "at_rest": not any(pending.values()),
            "uptime_seconds": round(time.time() - self.started_at, 3),
        }


SIM = web.AppKey("sim", Simulation)
