"""Verifies a webhook URL by GET, as Meta does (docs/meta.md §7.1)."""

import secrets
from typing import Any

from bot.sandbox.simulation import Simulation


async def verify_webhook(sim: Simulation, url: str, verify_token: str) -> dict[str, Any]:
    """Send the challenge and return the answer; ``ok`` if it is 200 and the challenge alone."""
    challenge = str(10**9 + secrets.randbelow(9 * 10**9))
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
    status, text = await sim.outbox.fetch(url, query)
    return {"ok": status == 200 and text == challenge, "status": status, "challenge": challenge, "answer": text[:200]}
