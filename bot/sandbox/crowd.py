"""Simulates people: who reads, who answers, and with what. Each answers a limited number of times, so that bots never loop."""

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

from bot.sandbox.bubble import of_message
from bot.sandbox.choices import SandboxBubble, reply_to
from bot.sandbox.config import Config
from bot.sandbox.faults import Quirk
from bot.sandbox.links import Browser, is_on_this_machine
from bot.sandbox.outbox import Outbox
from bot.sandbox.payload import inbound_item, sender_of, standby_item
from bot.sandbox.person import SimulatedPerson, create_person, draw
from bot.sandbox.phone import bsuid_of
from bot.sandbox.seed import CATALOG_ID
from bot.sandbox.store import SandboxInbound, SandboxMessage, Store, new_wamid
from bot.sandbox.template import SandboxTemplate
from bot.sandbox.timetable import DeliveryTimetable
from bot.sandbox.world import SandboxNumber, World

WORDS = {
    "en": ("Thank you!", "Is there something for children too?", "How long does it last?", "Who are you?", "👍"),
    "es": ("¡Gracias!", "¿Hasta cuándo?", "¿Tenéis tallas grandes?", "¿Quién es?", "👍"),
    "pt": ("Obrigado!", "Até quando?", "Vocês entregam?", "Quem é?", "👍"),
}
ANSWERS = (
    (("mail",), "ana.costa@example.com"),
    (("name", "nombre", "nome"), ""),
    (("date", "when", "day", "fecha", "cuándo", "quando", "dia"), "2026-05-03"),
    (("number", "how many", "code", "número", "cuánt", "quant", "código"), "4711"),
    (("city", "where", "ciudad", "dónde", "cidade", "onde"), "Madrid"),
)


class Crowd:
    """All simulated people, created when they are first needed; the same seed gives the same people."""

    def __init__(
        self,
        config: Config,
        world: World,
        store: Store,
        timetable: DeliveryTimetable,
        outbox: Outbox,
        browser: Browser,
    ) -> None:
        self.config = config
        self.world = world
        self.store = store
        self.timetable = timetable
        self.outbox = outbox
        self.browser = browser
        self.people: dict[str, SimulatedPerson] = {}
        self._by_bsuid: dict[str, SimulatedPerson] = {}
        self._rng = random.Random(config.seed)

    def of(self, wa_id: str) -> SimulatedPerson:
        """Return the person of a wa_id, created if needed."""
        person = self.people.get(wa_id)
        if person is None:
            person = self.people[wa_id] = create_person(self.config, self.world.portfolio_id, wa_id)
            self._by_bsuid[person.bsuid] = person
        return person

    def peek(self, wa_id: str) -> SimulatedPerson:
        """Return the person of a wa_id without adding them."""
        return self.people.get(wa_id) or create_person(self.config, self.world.portfolio_id, wa_id)

    def of_bsuid(self, bsuid: str) -> SimulatedPerson | None:
        """Return the person with a BSUID; None if they were not created yet."""
        return self._by_bsuid.get(bsuid)

    def clear(self) -> None:
        """Remove all people."""
        self.people.clear()
        self._by_bsuid.clear()

    def has_read(self, message: SandboxMessage, quirk: Quirk | None) -> None:
        """Decide, once per message that is read, whether and how the person answers, and schedule it."""
        person = self.of(message.wa_id)
        self._maybe_click(message)
        if person.replies >= self.config.max_replies or message.kind == "reaction":
            return
        rng = draw(self.config, message.wa_id, f"mind {message.nth}")
        bubble = self.bubble_of(message)
        if message.kind == "template":
            content = self._about_template(bubble, message, rng, quirk)
        else:
            content = self._about_bot(person, bubble, rng)
        if content is None:
            return
        person.replies += 1
        loses_context = rng.random() < self.config.lost_context_share or (quirk is not None and quirk.kind == "press")
        context = None if loses_context and content["type"] == "button" else message.wamid
        if content["type"] == "text":
            context = message.wamid if rng.random() < 0.2 else None
        delay = min(5.0, rng.lognormvariate(0, 0.8)) * self.config.reply_seconds / self.config.speed
        self.timetable.after(delay, self._say, person.wa_id, message.phone_number_id, content, context)

    def _maybe_click(self, message: SandboxMessage) -> None:
        """Decide whether the person opens a link of the message, and schedule it."""
        if self.config.click_share == 0:
            return
        rng = draw(self.config, message.wa_id, f"click {message.nth}")
        links = [choice.url for choice in self.bubble_of(message).choices if choice.kind == "link"]
        links = [url for url in links if is_on_this_machine(url)]
        if links and rng.random() < self.config.click_share:
            delay = min(5.0, rng.lognormvariate(0, 0.8)) * self.config.reply_seconds / self.config.speed
            is_previewed = rng.random() < self.config.preview_share
            self.timetable.after(delay, self._click, rng.choice(links), message.wa_id, is_previewed)

    def _click(self, url: str, wa_id: str, is_previewed: bool) -> None:
        self.browser.open_soon(url, wa_id, is_previewed=is_previewed)

    def say(
        self, wa_id: str, phone_number_id: str, content: dict[str, Any], context: str | None = None
    ) -> SandboxInbound:
        """Send a message as a person. ``content`` is the webhook's message from ``type`` on, ``context`` a wamid."""
        person, number, now = self.of(wa_id), self.world.numbers[phone_number_id], time.time()
        raw = {**sender_of(self.config, person), "id": new_wamid(), "timestamp": str(int(now)), **content}
        if context is not None and "context" not in raw:
            raw["context"] = {"from": number.digits, "id": context}
        inbound = SandboxInbound(str(raw["id"]), phone_number_id, wa_id, now, raw)
        is_standby = person.responder_of(phone_number_id, now) is not None and raw.get("type") != "system"
        person.last_inbound[phone_number_id] = person.last_at = now
        if "referral" in raw:
            person.from_ad[phone_number_id] = now
        person.chat.append(inbound)
        self.store.inbound[inbound.wamid] = inbound
        self.store.replies[str(raw.get("type"))] += 1
        item = (standby_item if is_standby else inbound_item)(self.config, number, person, inbound)
        for _ in range(2 if self._rng.random() < self.config.duplicate_share else 1):
            self.outbox.put(item)
        return inbound

    def change_bsuid(self, wa_id: str, phone_number_id: str) -> SandboxInbound:
        """Give the person another BSUID and report it: a message without sender and contacts (docs/meta.md §7.6).

        It opens no window. Only the new id can be written to.
        """
        person, before, now = self.of(wa_id), self.of(wa_id).bsuid, time.time()
        person.bsuid_changes += 1
        person.bsuid = bsuid_of(self.world.portfolio_id, wa_id, person.bsuid_changes)
        del self._by_bsuid[before]
        self._by_bsuid[person.bsuid] = person
        system = {
            "type": "user_changed_user_id",
            "body": f"User {person.name} changed from {before} to {person.bsuid}",
            "user_id": person.bsuid,
            "previous_user_id": before,
        }
        raw = {"id": new_wamid(), "timestamp": str(int(now)), "type": "system", "system": system}
        inbound = SandboxInbound(str(raw["id"]), phone_number_id, wa_id, now, raw)
        self.store.inbound[inbound.wamid] = inbound
        self.outbox.put(inbound_item(self.config, self.world.numbers[phone_number_id], person, inbound))
        return inbound

    def press(
        self,
        message: SandboxMessage,
        place: int,
        *,
        with_context: bool = True,
        answers: Mapping[str, Any] | None = None,
        skus: Sequence[str] = (),
    ) -> SandboxInbound:
        """Tap the choice at an index of the message: a form is sent back with ``answers``, products are ordered by ``skus``.

        Raises IndexError if there is none, ValueError if it only opens a link.
        """
        choice = self.bubble_of(message).choices[place]
        content = reply_to(choice, answers=answers, skus=skus, catalog_id=CATALOG_ID)
        if content is None:
            raise ValueError(f"{choice.title!r} opens a link and says nothing")
        return self.say(message.wa_id, message.phone_number_id, content, message.wamid if with_context else None)

    def bubble_of(self, message: SandboxMessage) -> SandboxBubble:
        """Render a message of the business as its phone shows it."""
        return of_message(message, self.template_of(message))

    def link_of(self, wamid: str, place: Any) -> str | None:
        """Return the address that a tap on the choice at an index of the message opens, if it is one of this machine."""
        message = self.store.by_wamid.get(wamid)
        choices = self.bubble_of(message).choices if message is not None else []
        url = choices[place].url if isinstance(place, int) and 0 <= place < len(choices) else ""
        return url if url and is_on_this_machine(url) else None

    def template_of(self, message: SandboxMessage) -> SandboxTemplate | None:
        """Return the template that a message names, None if it no longer exists."""
        number: SandboxNumber | None = self.world.numbers.get(message.phone_number_id)
        return self.world.template(number.waba_id if number else "", message.template or "", message.language or "")

    def _say(self, wa_id: str, phone_number_id: str, content: dict[str, Any], context: str | None) -> None:
        if phone_number_id in self.world.numbers:
            self.say(wa_id, phone_number_id, content, context)

    def _about_template(
        self, bubble: SandboxBubble, message: SandboxMessage, rng: random.Random, quirk: Quirk | None
    ) -> dict[str, Any] | None:
        forced = quirk.kind if quirk is not None else ""
        buttons = [choice for choice in bubble.choices if choice.kind == "quick_reply"]
        config, chance = self.config, rng.random()
        if forced == "stop" or (not forced and chance < config.stop_share):
            return text("STOP")
        chance -= config.stop_share
        if buttons and (forced == "press" or (not forced and chance < config.press_share)):
            return reply_to(
                buttons[0] if forced or len(buttons) == 1 or rng.random() < 0.85 else rng.choice(buttons[1:])
            )
        chance -= config.press_share if buttons else 0
        if forced == "reply" or (not forced and chance < config.reply_share):
            return text(rng.choice(WORDS.get((message.language or "en")[:2], WORDS["en"])))
        return None

    def _about_bot(self, person: SimulatedPerson, bubble: SandboxBubble, rng: random.Random) -> dict[str, Any] | None:
        if rng.random() >= self.config.answer_share:
            return None
        choices = [choice for choice in bubble.choices if choice.kind != "link"]
        if choices:
            return reply_to(rng.choice(choices))
        if "?" not in bubble.text:
            return None
        question = bubble.text.lower()
        for words, answer in ANSWERS:
            if any(word in question for word in words):
                return text(answer or person.name)
        return text(rng.choice(("Yes please", "No, thank you", "42")))


def text(body: str) -> dict[str, Any]:
    """Return the webhook content of a text message."""
    return {"type": "text", "text": {"body": body}}


def shared_number(wa_id: str) -> dict[str, Any]:
    """Return the webhook content with which a person shares their number, after they were asked for it."""
    phone = {"phone": f"+{wa_id}", "wa_id": wa_id, "type": "CELL"}
    return {"type": "contacts", "contacts": [{"origin": "contact_request", "phones": [phone]}]}
