"""Meta's GET verification of a webhook URL, begun from here."""

import secrets
from typing import Any

from bot.sandbox.simulation import Simulation


async def shake_hands(sim: Simulation, url: str, verify_token: str) -> dict[str, Any]:
    """``ok`` only where the answer is 200 and the bare challenge."""
    challenge = str(10**9 + secrets.randbelow(9 * 10**9))
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": verify_token}
    status, text = await sim.outbox.fetch(url, query)
    return {"ok": status == 200 and text == challenge, "status": status, "challenge": challenge, "answer": text[:200]}
