"""Does everything add up? The campaign's own numbers, its export, and what the simulated Meta says it received."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

import httpx
from sqlalchemy import select

from admin.operations.export import export_lines
from jobs.core.runtime import Runtime
from models.campaigns.stats import campaign_stats
from models.tables.conversation import Direction, Message
from models.tables.recipient import Recipient

_PAGE = 1000


@dataclass(frozen=True)
class Sum:
    """One equation: what it says, and both sides of it."""

    text: str
    left: Any
    right: Any

    @property
    def is_right(self) -> bool:
        """Both sides are equal."""
        return bool(self.left == self.right)


class Sandbox:
    """The simulated Meta's own account of things, over its control API."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url}/_sandbox", timeout=10, trust_env=False)

    def stats(self) -> dict[str, Any]:
        """Counts, and whether anything is still to come. httpx.HTTPError where it is away."""
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
        """Everything that people wrote."""
        found: list[dict[str, Any]] = self._get("inbound")["inbound"]
        return found

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def _get(self, path: str, **params: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.get(f"/{path}", params=params).raise_for_status().json()
        return answer


def check_everything(rt: Runtime, campaign_id: int, sandbox: Sandbox) -> list[Sum]:
    """Every equation that must hold once the campaign is at rest."""
    with rt.database.read() as session:
        stats = campaign_stats(session, campaign_id)
    ledger = [message for message in sandbox.messages() if message["type"] == "template"]
    return [
        *own_identities(stats, _under_way(ledger)),
        *_export_sums(rt, campaign_id, stats),
        *_sandbox_sums(rt, campaign_id, stats, ledger, sandbox),
    ]


def own_identities(stats: Mapping[str, Any], under_way: int) -> list[Sum]:
    """The identities of the public statistics; `under_way`: accepted, and neither delivered nor failed."""
    states = ("queued", "sending", "unsure", "held", "sent", "refused")
    return [
        Sum(
            "candidates = eligible + everyone not sent",
            stats["candidates"],
            stats["eligible"] + sum(stats["not_sent"].values()),
        ),
        Sum(f"eligible = {' + '.join(states)}", stats["eligible"], sum(stats[state] for state in states)),
        Sum(
            "sent = delivered + (failed - refused) + under way",
            stats["sent"],
            stats["delivered"] + stats["failed"] - stats["refused"] + under_way,
        ),
        Sum("received_pct = delivered / sent", stats["received_pct"], _percent(stats["delivered"], stats["sent"])),
        Sum("read_pct = read / delivered", stats["read_pct"], _percent(stats["read"], stats["delivered"])),
        Sum("replied_pct = replied / delivered", stats["replied_pct"], _percent(stats["replied"], stats["delivered"])),
    ]


def _export_sums(rt: Runtime, campaign_id: int, stats: Mapping[str, Any]) -> list[Sum]:
    text = "".join(export_lines(rt, campaign_id))
    rows = list(csv.DictReader(StringIO(text)))
    found = Counter(row["status"] for row in rows)
    reached = found["delivered"] + found["read"]
    return [
        Sum("rows of the export = candidates", len(rows), stats["candidates"]),
        Sum("not_sent rows of the export", found["not_sent"], sum(stats["not_sent"].values())),
        Sum("delivered and read rows of the export = delivered", reached, stats["delivered"]),
        Sum("read rows of the export = read", found["read"], stats["read"]),
        Sum("failed rows of the export = failed", found["failed"], stats["failed"]),
        Sum(
            "rows of the export with a reply = replied", sum(bool(row["replied_at"]) for row in rows), stats["replied"]
        ),
    ]


def _sandbox_sums(
    rt: Runtime, campaign_id: int, stats: Mapping[str, Any], ledger: list[dict[str, Any]], sandbox: Sandbox
) -> list[Sum]:
    theirs, inbound = sandbox.stats(), sandbox.inbound()
    facts = [message["facts"].keys() for message in ledger]
    with rt.database.read() as session:
        ours = session.execute(
            select(Recipient.wamid, Recipient.replied_at).where(Recipient.campaign_id == campaign_id)
        ).all()
        arrived = set(session.scalars(select(Message.wamid).where(Message.direction == Direction.IN)))
    writers = {item["wa_id"] for item in inbound} & {message["wa_id"] for message in ledger}
    return [
        Sum("recipients that got it more than once", theirs["duplicates"]["count"], 0),
        Sum("people that got it more than once", theirs["repeated_people"]["count"], 0),
        Sum("answers that were sent more than once", theirs["callbacks"]["repeated"]["count"], 0),
        Sum("sent = accepted by the simulated Meta", stats["sent"] + stats["held"], len(ledger)),
        Sum(
            "every message's id is the one that Meta gave",
            {row.wamid for row in ours} - {None},
            {m["wamid"] for m in ledger},
        ),
        Sum(
            "delivered = delivered there", stats["delivered"], sum(bool(seen & {"delivered", "read"}) for seen in facts)
        ),
        Sum("read = read there", stats["read"], sum("read" in seen for seen in facts)),
        Sum("failed - refused = failed there", stats["failed"] - stats["refused"], _failed(facts)),
        Sum("replied = people who wrote there", stats["replied"], len(writers)),
        Sum("messages that arrived here = written there", arrived, {item["id"] for item in inbound}),
    ]


def _failed(facts: list[Any]) -> int:
    return sum("failed" in seen and not seen & {"delivered", "read"} for seen in facts)


def _under_way(ledger: list[dict[str, Any]]) -> int:
    return sum(not message["facts"].keys() & {"delivered", "read", "failed"} for message in ledger)


def _percent(part: int, whole: int) -> float:
    return min(100.0, round(100 * part / whole, 1)) if whole else 0.0
