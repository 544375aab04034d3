"""Posts webhooks: signed, in batches, several in parallel, retried until the answer is 200 (docs/meta.md §7.3).

No update is lost while the sandbox runs; those without a receiver (no URL, not subscribed) are counted as discarded.
"""

import asyncio
import hashlib
import hmac
import json
import math
import random
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import aiohttp

from bot.sandbox.config import Config
from bot.sandbox.world import World


@dataclass(slots=True, frozen=True)
class QueuedWebhook:
    """One update as JSON. ``kind`` is ``statuses``, ``messages``, or ``value`` if ``fragment`` is the whole value of a change."""

    waba_id: str
    phone_number_id: str | None
    kind: str
    fragment: str
    contact: str | None = None
    field: str = "messages"


@dataclass(slots=True)
class Post:
    """One HTTP post with the number of earlier attempts."""

    url: str
    body: bytes
    attempt: int = 0


def sign(secret: str, body: bytes) -> str:
    """Return Meta's X-Hub-Signature-256 of a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Outbox:
    """The queue of webhooks and their retries."""

    def __init__(self, config: Config, world: World) -> None:
        self.config = config
        self.world = world
        self.counts: Counter[str] = Counter()
        self._pending: deque[tuple[str, QueuedWebhook]] = deque()
        self._retries: deque[Post] = deque()
        self._sleeping: set[asyncio.TimerHandle] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rng = random.Random(config.seed)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the HTTP client."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=5)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=False, raise_for_status=False)

    async def close(self) -> None:
        """Cancel all posts and close the HTTP client."""
        self.clear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    @property
    def waiting(self) -> int:
        """Number of updates and posts that were not answered with 200 yet."""
        return len(self._pending) + len(self._retries) + len(self._sleeping) + len(self._tasks)

    def clear(self) -> None:
        """Drop all waiting updates, retries and counts."""
        self._pending.clear()
        self._retries.clear()
        for handle in self._sleeping:
            handle.cancel()
        self._sleeping.clear()
        self.counts.clear()

    def put(self, item: QueuedWebhook) -> None:
        """Queue an update."""
        url = self.target(item.waba_id)
        if url is None:
            self.counts["discarded"] += 1
            return
        self.counts["updates"] += 1
        self._pending.append((url, item))
        self.wake()

    async def put_first(self, item: QueuedWebhook) -> None:
        """Post one update alone and wait for the answer, at most 2 s; a failed post is retried."""
        url = self.target(item.waba_id)
        if url is None or self.config.webhooks_paused:
            self.put(item)
            return
        self.counts["updates"] += 1
        task = self._start(Post(url, self.envelope([item])))
        await asyncio.wait({task}, timeout=2)

    def target(self, waba_id: str) -> str | None:
        """Return the URL for a WABA's webhooks; None if there is none, or a required subscription is missing."""
        waba = self.world.wabas.get(waba_id)
        own_urls = [url for url in waba.subscriptions.values() if url] if waba else []
        if self.config.require_subscription and not (waba and waba.subscriptions):
            return None
        return own_urls[0] if own_urls else self.config.webhook_url

    def wake(self) -> None:
        """Schedule the next batch, unless webhooks are paused."""
        if self._timer is None and not self.config.webhooks_paused:
            self._timer = asyncio.get_running_loop().call_later(self.config.linger_seconds, self._flush)

    async def send_raw(self, url: str, body: bytes, signature: str | None) -> tuple[int, str]:
        """Post a body once; returns the receiver's status and text, 0 and the error if there was no answer."""
        if self._session is None:
            raise RuntimeError("the outbox is not open")
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        if signature is not None:
            headers["X-Hub-Signature-256"] = signature
        limit = aiohttp.ClientTimeout(total=self.config.webhook_timeout_seconds)
        try:
            async with self._session.post(
                url, data=body, headers=headers, timeout=limit, allow_redirects=False
            ) as answer:
                return answer.status, await answer.text(errors="replace")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return 0, type(error).__name__

    async def fetch(self, url: str, query: dict[str, str]) -> tuple[int, str]:
        """GET a URL; returns status and text, 0 and the error if there was no answer."""
        if self._session is None:
            raise RuntimeError("the outbox is not open")
        limit = aiohttp.ClientTimeout(total=self.config.webhook_timeout_seconds)
        try:
            async with self._session.get(url, params=query, timeout=limit, allow_redirects=False) as answer:
                return answer.status, await answer.text(errors="replace")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return 0, type(error).__name__

    def envelope(self, items: Iterable[QueuedWebhook]) -> bytes:
        """Build Meta's envelope: ASCII only, a change per number and kind, an own entry for each ``value``."""
        entries = []
        for (waba_id, kind), group in groupby(items, key=lambda item: (item.waba_id, item.kind)):
            if kind == "value":
                entries += [self._entry(waba_id, [self._change(i.field, i.fragment)], time.time()) for i in group]
                continue
            changes = [
                self._change("messages", self._value(str(number_id), kind, list(part)))
                for number_id, part in groupby(group, key=lambda item: item.phone_number_id)
            ]
            entries.append(self._entry(waba_id, changes, None))
        return f'{{"object":"whatsapp_business_account","entry":[{",".join(entries)}]}}'.encode("ascii")

    def _entry(self, waba_id: str, changes: list[str], at: float | None) -> str:
        stamp = f'"time":{int(at)},' if at else ""
        return f'{{"id":{json.dumps(waba_id)},{stamp}"changes":[{",".join(changes)}]}}'

    def _change(self, field: str, value: str) -> str:
        return f'{{"value":{value},"field":{json.dumps(field)}}}'

    def _value(self, number_id: str, kind: str, items: list[QueuedWebhook]) -> str:
        number = self.world.numbers.get(number_id)
        metadata: dict[str, Any] = {
            "display_phone_number": number.digits if number else "",
            "phone_number_id": number_id,
        }
        contacts = list(dict.fromkeys(item.contact for item in items if item.contact))
        contacts_json = f'"contacts":[{",".join(contacts)}],' if contacts else ""
        fragments = ",".join(item.fragment for item in items)
        return f'{{"messaging_product":"whatsapp","metadata":{json.dumps(metadata)},{contacts_json}"{kind}":[{fragments}]}}'

    def _flush(self) -> None:
        self._timer = None
        while len(self._tasks) < self.config.webhook_concurrency and not self.config.webhooks_paused:
            if self._retries:
                self._start(self._retries.popleft())
            elif self._pending:
                for post in self._next_posts():
                    self._start(post)
            else:
                break

    def _next_posts(self) -> list[Post]:
        """Take a batch of random size, larger if more is waiting; returns a post per receiving URL."""
        free = max(1, self.config.webhook_concurrency - len(self._tasks))
        fair = math.ceil(len(self._pending) / free)
        size = self._rng.randint(1, max(1, min(self.config.batch_max, 2 * fair)))
        batch = [self._pending.popleft() for _ in range(min(size, len(self._pending)))]
        if len(batch) > 1 and self._rng.random() < self.config.disorder_share:
            self._rng.shuffle(batch)
        urls = dict.fromkeys(url for url, _ in batch)
        return [Post(url, self.envelope([item for other, item in batch if other == url])) for url in urls]

    def _start(self, post: Post) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._run(post))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._pending or self._retries:
            self.wake()

    async def _run(self, post: Post) -> None:
        self.counts["retries" if post.attempt else "posts"] += 1
        status, _ = await self.send_raw(post.url, post.body, sign(self.config.app_secret, post.body))
        self.counts["ok" if status == 200 else "not_ok"] += 1
        if status != 200:
            self._retry_later(post)

    def _retry_later(self, post: Post) -> None:
        post.attempt += 1
        pause = min(self.config.retry_cap_seconds, self.config.retry_seconds * 2 ** min(post.attempt - 1, 20))
        delay = max(0.05, pause * self._rng.uniform(0.8, 1.2) / self.config.speed)

        def again() -> None:
            self._sleeping.discard(handle)
            self._retries.append(post)
            self.wake()

        handle = asyncio.get_running_loop().call_later(delay, again)
        self._sleeping.add(handle)
