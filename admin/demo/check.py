"""Checks the numbers of a finished demo: the campaign's statistics, its export, and what the simulated Meta received."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

import httpx
from sqlalchemy import select

from admin.operations.exports.campaign import export_lines
from jobs.core.runtime import Runtime
from models.campaigns.stats import campaign_stats
from models.tables.conversation import Direction, Message
from models.tables.recipient import Recipient

_PAGE = 1000


@dataclass(frozen=True)
class Equation:
    """One equation: its text, and both sides."""

    text: str
    left: Any
    right: Any

    @property
    def holds(self) -> bool:
        """Whether both sides are equal."""
        return bool(self.left == self.right)


class Sandbox:
    """Client of the control API of the simulated Meta. Its methods raise httpx.HTTPError if it cannot be reached."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/_sandbox", timeout=10, trust_env=False)

    def stats(self) -> dict[str, Any]:
        """Counts, and whether anything is still pending."""
        return self._get("stats")

    def messages(self) -> Iterator[dict[str, Any]]:
        """Every message that it accepted, in order."""
        after = 0
        while True:
            page = self._get("messages", after=after, limit=_PAGE)
            yield from page["messages"]
            if not page["messages"]:
                return
            after = page["next"]

    def inbound(self) -> list[dict[str, Any]]:
        """Every message that the simulated people wrote."""
        messages: list[dict[str, Any]] = self._get("inbound")["inbound"]
        return messages

    def inject(self, fault: Mapping[str, Any]) -> None:
        """Have something go wrong with sends (bot/sandbox/faults.py)."""
        self._client.post("/faults", json=dict(fault)).raise_for_status()

    def clear_faults(self) -> None:
        """Let everything go well again."""
        self._client.delete("/faults").raise_for_status()

    def close(self) -> None:
        """Close the HTTP connection."""
        self._client.close()

    def _get(self, path: str, **params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.get(f"/{path}", params=params).raise_for_status().json()
        return answer


def check_everything(rt: Runtime, campaign_id: int, sandbox: Sandbox) -> list[Equation]:
    """Every equation that must hold once the campaign is at rest. Raises httpx.HTTPError if the sandbox cannot be reached."""
    with rt.database.read() as session:
        stats = campaign_stats(session, campaign_id)
    ledger = [message for message in sandbox.messages() if message["type"] == "template"]
    return [
        *stats_identities(stats, _under_way(ledger)),
        *_export_equations(rt, campaign_id, stats),
        *_sandbox_equations(rt, campaign_id, stats, ledger, sandbox),
    ]


def stats_identities(stats: Mapping[str, Any], under_way: int) -> list[Equation]:
    """The identities of the public statistics. `under_way`: messages that Meta accepted and neither delivered nor failed."""
    states = ("queued", "sending", "unsure", "held", "sent", "refused")
    return [
        Equation(
            "candidates = eligible + everyone not sent",
            stats["candidates"],
            stats["eligible"] + sum(stats["not_sent"].values()),
        ),
        Equation(f"eligible = {' + '.join(states)}", stats["eligible"], sum(stats[state] for state in states)),
        Equation(
            "sent = delivered + (failed - refused) + under way",
            stats["sent"],
            stats["delivered"] + stats["failed"] - stats["refused"] + under_way,
        ),
        Equation("received_pct = delivered / sent", stats["received_pct"], _percent(stats["delivered"], stats["sent"])),
        Equation("read_pct = read / delivered", stats["read_pct"], _percent(stats["read"], stats["delivered"])),
        Equation(
            "replied_pct = replied / delivered", stats["replied_pct"], _percent(stats["replied"], stats["delivered"])
        ),
        Equation(
            "clicked_pct = clicked / delivered", stats["clicked_pct"], _percent(stats["clicked"], stats["delivered"])
        ),
    ]


def _export_equations(rt: Runtime, campaign_id: int, stats: Mapping[str, Any]) -> list[Equation]:
    text = "".join(export_lines(rt, campaign_id, "demo"))
    rows = list(csv.DictReader(StringIO(text)))
    counts = Counter(row["status"] for row in rows)
    reached = counts["delivered"] + counts["read"]
    return [
        Equation("rows of the export = candidates", len(rows), stats["candidates"]),
        Equation("not_sent rows of the export", counts["not_sent"], sum(stats["not_sent"].values())),
        Equation("delivered and read rows of the export = delivered", reached, stats["delivered"]),
        Equation("read rows of the export = read", counts["read"], stats["read"]),
        Equation("failed rows of the export = failed", counts["failed"], stats["failed"]),
        Equation(
            "rows of the export with a reply = replied", sum(bool(row["replied_at"]) for row in rows), stats["replied"]
        ),
    ]


def _sandbox_equations(
    rt: Runtime, campaign_id: int, stats: Mapping[str, Any], ledger: list[dict[str, Any]], sandbox: Sandbox
) -> list[Equation]:
    sandbox_stats, inbound = sandbox.stats(), sandbox.inbound()
    facts = [message["facts"].keys() for message in ledger]
    with rt.database.read() as session:
        recipients = session.execute(
            select(Recipient.wamid, Recipient.replied_at).where(Recipient.campaign_id == campaign_id)
        ).all()
        arrived = set(session.scalars(select(Message.wamid).where(Message.direction == Direction.IN)))
    writers = {item["wa_id"] for item in inbound} & {message["wa_id"] for message in ledger}
    return [
        Equation("recipients that got it more than once", sandbox_stats["duplicates"]["count"], 0),
        Equation("people that got it more than once", sandbox_stats["repeated_people"]["count"], 0),
        Equation("answers that were sent more than once", sandbox_stats["callbacks"]["repeated"]["count"], 0),
        Equation("sent = accepted by the simulated Meta", stats["sent"] + stats["held"], len(ledger)),
        Equation(
            "every message's id is the one that Meta gave",
            {row.wamid for row in recipients} - {None},
            {m["wamid"] for m in ledger},
        ),
        Equation(
            "delivered = delivered there",
            stats["delivered"],
            sum(bool(names & {"delivered", "read"}) for names in facts),
        ),
        Equation("read = read there", stats["read"], sum("read" in names for names in facts)),
        Equation("failed - refused = failed there", stats["failed"] - stats["refused"], _failed(facts)),
        Equation("replied = people who wrote there", stats["replied"], len(writers)),
        Equation("messages that arrived here = written there", arrived, {item["id"] for item in inbound}),
    ]


def _failed(facts: list[Any]) -> int:
    return sum("failed" in names and not names & {"delivered", "read"} for names in facts)


def _under_way(ledger: list[dict[str, Any]]) -> int:
    return sum(not message["facts"].keys() & {"delivered", "read", "failed"} for message in ledger)


def _percent(part: int, whole: int) -> float:
    return min(100.0, round(100 * part / whole, 1)) if whole else 0.0
