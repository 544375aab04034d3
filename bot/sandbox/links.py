"""Opens the links that simulated people tap, really over HTTP, as a phone's browser does, on this machine alone.

A redirect is not followed: where it leads lies on other machines. What was answered is counted, so that a click can be compared.
"""

import asyncio
from collections import Counter
from typing import Any

import aiohttp

from bot.sandbox.config import ConfigError, check_loopback

PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
PREVIEW = "WhatsApp/2.24.20.89 A"
SECONDS = 10.0


class Browser:
    """The browsers of all phones."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        """Status, or `failed` → openings by people."""
        self.previews = 0
        self.opened: set[str] = set()
        """The wa_ids of the people who opened a link that led somewhere."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._session: aiohttp.ClientSession | None = None

    @property
    def waiting(self) -> int:
        """How many are being opened."""
        return len(self._tasks)

    def clear(self) -> None:
        """Drop the counts."""
        self.answers.clear()
        self.opened.clear()
        self.previews = 0

    async def close(self) -> None:
        """Cancel what is under way, and close the HTTP client."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def open_soon(self, url: str, wa_id: str, *, is_previewed: bool = False) -> None:
        """Open a link on a person's phone, after WhatsApp drew a preview of it if ``is_previewed``."""
        task = asyncio.get_running_loop().create_task(self._open(url, wa_id, is_previewed=is_previewed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def open(self, url: str, wa_id: str, agent: str = PHONE) -> tuple[int | None, str | None]:
        """Open a link; returns the status, None if nobody answered, and where the answer leads."""
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False, raise_for_status=False)
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        status, location = None, None
        try:
            async with self._session.get(
                url, headers={"User-Agent": agent}, allow_redirects=False, timeout=timeout
            ) as answer:
                status, location = answer.status, answer.headers.get("Location")
        except (aiohttp.ClientError, TimeoutError):
            pass
        if agent == PREVIEW:
            self.previews += status == 302
            return status, location
        self.answers[str(status or "failed")] += 1
        if status == 302:
            self.opened.add(wa_id)
        return status, location

    def stats(self) -> dict[str, Any]:
        """The counts as JSON. ``people`` opened a link that led somewhere."""
        return {"answers": dict(self.answers), "people": len(self.opened), "previews": self.previews}

    async def _open(self, url: str, wa_id: str, *, is_previewed: bool) -> None:
        if is_previewed:
            await self.open(url, wa_id, PREVIEW)
        await self.open(url, wa_id)


def is_on_this_machine(url: str) -> bool:
    """Return whether the address is http(s) to this machine."""
    try:
        check_loopback(url)
    except (ConfigError, ValueError):
        return False
    return True
