"""Parses the commands that staff text to a number, and builds the answers and the question that precedes a change."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from models.campaigns.stats import share_text

Verb = Literal["campaigns", "stats", "pause", "resume", "end", "help"]
PendingChange = Literal["pause", "resume", "end"]

CONFIRM_WITHIN = timedelta(minutes=5)
HELP = "I know: /campaigns, /stats 12, /pause 12, /resume 12, /end 12 (12 is a campaign's number)."
DROPPED = "Nothing was changed."
EXPIRED = "That question is more than five minutes old. Nothing was changed."

_COMMAND = re.compile(r"/([a-z]{2,20})(?:\s+#?([0-9]{1,9}))?", re.IGNORECASE)
_PAYLOAD = re.compile(r"ops:(pause|resume|end|drop):([0-9]{1,9}):([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class ChatCommand:
    """A command. `campaign_id` is None for `campaigns` and `help` alone."""

    verb: Verb
    campaign_id: int | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A pressed button under our question. `change` is None if the person chose No; `is_expired` after `CONFIRM_WITHIN`."""

    change: PendingChange | None
    campaign_id: int
    is_expired: bool


def read_command(text: str | None) -> ChatCommand | None:
    """Parse a message. None if it does not begin with a slash; `help` if it does and is no command."""
    if not text or not text.lstrip().startswith("/"):
        return None
    match = _COMMAND.fullmatch(text.strip())
    verb = match[1].lower() if match else ""
    campaign_id = int(match[2]) if match and match[2] else None
    if verb == "campaigns" and campaign_id is None:
        return ChatCommand("campaigns")
    for campaign_verb in ("stats", *get_args(PendingChange)):
        if verb == campaign_verb and campaign_id is not None:
            return ChatCommand(campaign_verb, campaign_id)
    return ChatCommand("help")


def read_confirmation(payload: str | None, now: datetime) -> Confirmation | None:
    """Parse a button's payload. None if it is not of our form."""
    match = _PAYLOAD.fullmatch(payload or "")
    if match is None:
        return None
    is_expired = now.timestamp() - int(match[3]) > CONFIRM_WITHIN.total_seconds()
    changes: dict[str, PendingChange] = {"pause": "pause", "resume": "resume", "end": "end"}
    return Confirmation(changes.get(match[1]), int(match[2]), is_expired)


def question(change: PendingChange, campaign_id: int, name: str, now: datetime) -> dict[str, Any]:
    """Build the body that asks for confirmation; its buttons carry the change, the campaign and the time."""
    asked_at = int(now.timestamp())
    consequence = " This cannot be undone." if change == "end" else ""
    titles = {change: change.capitalize(), "drop": "No"}
    buttons = [
        {"type": "reply", "reply": {"id": f"ops:{verb}:{campaign_id}:{asked_at}", "title": title}}
        for verb, title in titles.items()
    ]
    text = f"{change.capitalize()} campaign {campaign_id} ({name[:200]})?{consequence}"
    action = {"buttons": buttons}
    return {"type": "interactive", "interactive": {"type": "button", "body": {"text": text}, "action": action}}


def text_answer(text: str) -> dict[str, Any]:
    """Build a text message, cut to Meta's 4,096 characters."""
    return {"type": "text", "text": {"body": text[:4096], "preview_url": False}}


def stats_answer(stats: Mapping[str, Any]) -> dict[str, Any]:
    """Build the answer to `/stats` from the figures of `models.campaigns.stats`."""
    not_sent = sum(stats["not_sent"].values())
    received, read, replied = (
        share_text(stats[f"{name}_pct"], stats[base])
        for name, base in (("received", "sent"), ("read", "delivered"), ("replied", "delivered"))
    )
    lines = [
        f"{stats['id']} {stats['name']}: {stats['status']}" + (f" ({stats['outcome']})" if stats["outcome"] else ""),
        f"eligible {stats['eligible']}, not sent {not_sent}, waiting {stats['queued'] + stats['sending']}",
        f"sent {stats['sent']}, delivered {stats['delivered']} ({received})",
        f"read {stats['read']} ({read}), replied {stats['replied']} ({replied})",
        f"failed {stats['failed']}, unsure {stats['unsure']}, held {stats['held']}",
    ]
    return text_answer("\n".join(lines))


def campaigns_answer(rows: Sequence[tuple[int, str, str]]) -> dict[str, Any]:
    """Build the answer to `/campaigns` from rows of id, name and status."""
    lines = [f"{campaign_id} {name[:60]}: {status}" for campaign_id, name, status in rows]
    return text_answer("\n".join(lines) or "There is no campaign under way.")
