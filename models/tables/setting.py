"""Stores settings that an operator changes while Hark runs; models.config has those of the environment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db.base import Base, Json


class Setting(Base):
    """One value by its key."""

    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
    updated_at: Mapped[datetime]


@dataclass(frozen=True)
class KnownSetting:
    """The definition of a setting: its default and its description for operators; a whole number's lowest and highest value."""

    default: Any
    text: str
    lowest: int = 0
    highest: int = 1_000_000


KNOWN = {
    "installation": KnownSetting("", "This installation's name in every message's callback data."),
    "encryption_fingerprint": KnownSetting("", "Which key the stored access tokens were encrypted with."),
    "marks_fingerprints": KnownSetting("", "Which keys the marks of redacted people were made with."),
    "allow_untagged": KnownSetting(False, "Contacts without any tag can be reached."),
    "schedule_grace_seconds": KnownSetting(900, "How late a scheduled start may still happen by itself."),
    "frequency_cap_messages": KnownSetting(
        0, "At most this many marketing messages to a person in the days below; 0 is off."
    ),
    "frequency_cap_days": KnownSetting(7, "The days that the frequency cap counts."),
    "double_opt_in": KnownSetting(
        False, "Who subscribed in a shop is pending until they confirm on WhatsApp, unless the shop had them confirm."
    ),
    "shopify_sms_consent_counts": KnownSetting(
        False, "Shopify's consent to text messages (SMS) counts as consent to WhatsApp messages too."
    ),
    "shop_name": KnownSetting("", "Your shop's name, as the variable “shop name” of a campaign says it."),
    "stop_words": KnownSetting(
        "", "Words of your own that unsubscribe like STOP, besides those that Hark knows; separated by semicolons."
    ),
    "stop_answer": KnownSetting("", "What answers a STOP; empty sends nothing."),
    "start_answer": KnownSetting("", "What answers a START; empty sends nothing."),
    "hold_after_sleep_minutes": KnownSetting(
        60, "Active campaigns pause if nothing ran for this long, until somebody looks at them; 0 is off."
    ),
    "session_idle_minutes": KnownSetting(
        720, "Who does nothing in the panel for this long must sign in again.", lowest=5, highest=43_200
    ),
    "session_hours": KnownSetting(
        168, "Everybody must sign in again after this long, whatever they do.", lowest=1, highest=720
    ),
    "confirm_minutes": KnownSetting(
        15, "Changes of access, and exports, ask again who it is when this long has passed.", lowest=1, highest=1_440
    ),
    "second_factor_roles": KnownSetting(
        "", "Roles whose users must have a second factor, separated by commas: admin, manager."
    ),
    "local_sign_in": KnownSetting(
        True, "People may sign in with a password or a passkey of Hark's own, not only by single sign-on."
    ),
    "single_sign_on_roles": KnownSetting(
        "",
        "Which value of the role claim gives which role: hark-admins=admin; marketing=manager. Empty: roles' own names.",
    ),
    "keep_messages_days": KnownSetting(365, "How long chat messages are kept."),
    "keep_dead_letters_days": KnownSetting(30, "How long payloads that failed are kept."),
    "keep_audit_days": KnownSetting(0, "How long entries of the audit are kept; 0 is for good."),
}


def read_setting(session: Session, key: str) -> Any:
    """Return the stored value, else the default. Raises KeyError if there is no such setting."""
    definition = KNOWN[key]
    row = session.get(Setting, key)
    return definition.default if row is None else row.value


def write_setting(session: Session, key: str, value: Any, now: datetime) -> None:
    """Store a value. Raises KeyError if there is no such setting."""
    if key not in KNOWN:
        raise KeyError(key)
    row = session.get(Setting, key)
    if row is None:
        session.add(Setting(key=key, value=value, updated_at=now))
    else:
        row.value, row.updated_at = value, now
