"""Commands that staff text to the number: what they say, and the question that comes before anything is changed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

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
    """What was asked for; `campaign_id` is there for every verb that names a campaign."""

    verb: Verb
    campaign_id: int | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A pressed button under our question. `change` is None where the person thought better of it."""

    change: PendingChange | None
    campaign_id: int
    is_expired: bool


def read_command(text: str | None) -> ChatCommand | None:
    """None for what does not begin with a slash; `help` for what does and cannot be understood."""
    if not text or not text.lstrip().startswith("/"):
        return None
    match = _COMMAND.fullmatch(text.strip())
    verb = match[1].lower() if match else ""
    number = int(match[2]) if match and match[2] else None
    if verb == "campaigns" and number is None:
        return ChatCommand("campaigns")
    for known in ("stats", *get_args(PendingChange)):
        if verb == known and number is not None:
            return ChatCommand(known, number)
    return ChatCommand("help")


def read_confirmation(payload: str | None, now: datetime) -> Confirmation | None:
    """None for a payload that is none of ours."""
    match = _PAYLOAD.fullmatch(payload or "")
    if match is None:
        return None
    is_expired = now.timestamp() - int(match[3]) > CONFIRM_WITHIN.total_seconds()
    changes: dict[str, PendingChange] = {"pause": "pause", "resume": "resume", "end": "end"}
    return Confirmation(changes.get(match[1]), int(match[2]), is_expired)


def question(change: PendingChange, campaign_id: int, name: str, now: datetime) -> dict[str, Any]:
    """The body that asks whether it is meant; its buttons carry the answer and the time."""
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
    """A plain text as a body."""
    return {"type": "text", "text": {"body": text[:4096], "preview_url": False}}


def stats_answer(stats: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a campaign in a few lines."""
    left_out = sum(stats["not_sent"].values())
    lines = [
        f"{stats['id']} {stats['name']}: {stats['status']}" + (f" ({stats['outcome']})" if stats["outcome"] else ""),
        f"eligible {stats['eligible']}, not sent {left_out}, waiting {stats['queued'] + stats['sending']}",
        f"sent {stats['sent']}, delivered {stats['delivered']} ({stats['received_pct']} %)",
        f"read {stats['read']} ({stats['read_pct']} %), replied {stats['replied']} ({stats['replied_pct']} %)",
        f"failed {stats['failed']}, unsure {stats['unsure']}",
    ]
    return text_answer("\n".join(lines))


def campaigns_answer(rows: Sequence[tuple[int, str, str]]) -> dict[str, Any]:
    """Number, name and status, one line each."""
    lines = [f"{number} {name[:60]}: {status}" for number, name, status in rows]
    return text_answer("\n".join(lines) or "There is no campaign under way.")
