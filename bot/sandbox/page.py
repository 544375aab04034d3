"""Serves a page at ``/`` that shows the phones: the people who got messages, one chat, and a form to answer."""

import heapq
import time
from hashlib import sha256
from html import escape
from pathlib import Path

from aiohttp import web
from markupsafe import Markup

from bot.sandbox.bubble import of_inbound
from bot.sandbox.choices import Choice, SandboxBubble
from bot.sandbox.control import wa_id_of
from bot.sandbox.drawing import FORMS, draw_entry
from bot.sandbox.person import SimulatedPerson
from bot.sandbox.simulation import SIM, Simulation
from bot.sandbox.store import SandboxInbound, SandboxMessage
from bot.sandbox.wire import answer

SHELL = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
LISTED = 100
POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'unsafe-inline'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'"
)
COLOURS = ("#0a7cff", "#b5179e", "#d1495b", "#2a9d8f", "#7b5cd6", "#c77d0a", "#4c7a34", "#33658a")
TICKS = (("read", '<span class="read">✓✓</span>'), ("delivered", "✓✓"), ("sent", "✓"))


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /``: the whole page."""
    text = SHELL
    for name, html in parts_of(request).items():
        text = text.replace(f"<!--{name}-->", html)
    return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": POLICY})


async def fragment(request: web.Request) -> web.StreamResponse:
    """``GET /_sandbox/page``: the dynamic parts as JSON, by element id."""
    return answer(parts_of(request))


def parts_of(request: web.Request) -> dict[str, str]:
    """Return the HTML of the dynamic parts by element id, for the ``phone`` of the query or the latest person."""
    sim = request.app[SIM]
    latest = heapq.nlargest(LISTED, sim.crowd.people.values(), key=lambda person: person.last_at)
    phone = request.query.get("phone", "").strip()
    person = sim.crowd.peek(wa_id_of(phone)) if phone else (latest[0] if latest else None)
    return {
        "counts": _counts(sim),
        "people": "".join(_entry(sim, one, one is person) for one in latest if one.chat)
        or _empty("Nobody was written to yet."),
        "who": _who(person) if person else "&nbsp;",
        "chat": _chat(sim, person) if person and person.chat else _empty("What is sent to this sandbox shows up here."),
    }


def _counts(sim: Simulation) -> str:
    store, outcomes = sim.store, sim.store.outcomes
    counts = {
        "accepted": len(store.messages), "delivered": outcomes["delivered"], "read": outcomes["read"],
        "failed": outcomes["failed"], "replies": store.replies.total(), "webhooks waiting": sim.outbox.waiting,
    }  # fmt: skip
    text = " &nbsp; ".join(f"<span><b>{count:,}</b> {name}</span>" for name, count in counts.items())
    duplicates = len(store.duplicates)
    return text + (f' &nbsp; <span class="bad"><b>{duplicates:,}</b> messaged twice</span>' if duplicates else "")


def _entry(sim: Simulation, person: SimulatedPerson, chosen: bool) -> str:
    colour = COLOURS[sha256(person.wa_id.encode()).digest()[0] % len(COLOURS)]
    last = person.chat[-1]
    bubble = _bubble_of(sim, last)
    text = escape((bubble.text or bubble.header)[:80])
    ticks = f"{_ticks(last)} " if isinstance(last, SandboxMessage) else ""
    return (
        f'<a href="/?phone=%2B{person.wa_id}" data-phone="+{person.wa_id}"{" class=on" if chosen else ""}>'
        f'<span class="face" style="background:{colour}">{escape(person.name[:1])}</span>'
        f"<span>{escape(person.name)}</span><time>{_clock(last.at)}</time>"
        f'<span class="last">{ticks}{text}</span></a>'
    )


def _who(person: SimulatedPerson) -> str:
    hidden = f" · @{escape(person.username)}, number hidden" if person.username else ""
    return f'<b>{escape(person.name)}</b> <span class="soft">+{person.wa_id}{hidden} · {escape(person.bsuid)}</span>'


def _chat(sim: Simulation, person: SimulatedPerson) -> str:
    return "".join(_row(sim, entry) for entry in person.chat)


def _row(sim: Simulation, entry: SandboxMessage | SandboxInbound) -> str:
    is_inbound = isinstance(entry, SandboxInbound)
    marks = ("✓✓" if not entry.read else TICKS[0][1]) if isinstance(entry, SandboxInbound) else _ticks(entry)
    kind = "person" if is_inbound else "failed" if isinstance(entry, SandboxMessage) and entry.error else ""
    stamp = Markup("{} {}").format(_clock(entry.at), Markup(marks))  # noqa: S704 - made of constants and numbers
    html = f'<div class="message {kind}">{draw_entry(sim, entry, stamp, time.time())}</div>'
    return html + (_forms(sim, entry) if isinstance(entry, SandboxMessage) else "")


def _forms(sim: Simulation, message: SandboxMessage) -> str:
    """Return what opens at a tap and asks for more; the other choices are buttons of the drawn message."""
    choices = enumerate(sim.crowd.bubble_of(message).choices)
    forms = "".join(_form(message, place, choice) for place, choice in choices if choice.kind in FORMS)
    return f'<div class="taps">{forms}</div>' if forms else ""


def _form(message: SandboxMessage, place: int, choice: Choice) -> str:
    """Return what opens at a tap: a form with one answer, or the products, of which a cart is sent."""
    head = f"<small>Card {choice.card + 1}</small>" if choice.card is not None else ""
    fields = '<input name="answer" aria-label="Answer" placeholder="What you answer">'
    if choice.kind == "products":
        fields = (
            "".join(
                f'<label><input type="checkbox" name="sku" value="{escape(sku)}"{" checked" if number == 0 else ""}>{escape(sku)}'
                "</label>"
                for number, sku in enumerate(choice.skus)
            )
            or '<input name="sku" aria-label="Product" placeholder="SKU of a product">'
        )
    sign, verb = ("🛒", "Send cart") if choice.kind == "products" else ("📋", "Send")
    return (
        f"<details>{head}<summary>{sign} {escape(choice.title)}</summary>"
        f'<form class="answer" data-wamid="{escape(message.wamid)}" data-choice="{place}">{fields}'
        f"<button>{verb}</button></form></details>"
    )


def _ticks(message: SandboxMessage) -> str:
    if message.error:
        return f'<span class="error">failed {message.error}</span>'
    if message.held:
        return "held"
    return next((sign for kind, sign in TICKS if kind in message.facts), "🕓")


def _bubble_of(sim: Simulation, entry: SandboxMessage | SandboxInbound) -> SandboxBubble:
    return of_inbound(entry) if isinstance(entry, SandboxInbound) else sim.crowd.bubble_of(entry)


def _clock(at: float) -> str:
    return time.strftime("%H:%M", time.localtime(at))


def _empty(text: str) -> str:
    return f'<p class="empty">{text}</p>'
