"""Describes a place where something is stored: what is in it, how it is wiped, how long it is kept, who takes it along."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any


class Holds(StrEnum):
    """Whose data is in a place."""

    PERSON = "a person's rows"
    MENTIONS = "rows that may name a person"
    HASHES = "keyed hashes of persons"
    NOBODY = "nothing of a person"


class PersonLink(StrEnum):
    """The column by which a row leads to its contact: by itself, or by the row of another table that it names."""

    CONTACT = "contact_id"
    CONVERSATION = "conversation_id"
    SESSION = "session_id"
    ORDER = "order_id"

    @property
    def parent(self) -> str | None:
        """The table that the column refers to, whose rows have a `contact_id`; None for the contact itself."""
        return {"conversation_id": "conversation", "session_id": "flow_session", "order_id": "contact_order"}.get(self)


@dataclass(frozen=True, slots=True)
class Delete:
    """The person's rows are deleted, and one that is written later is deleted at once."""

    link: PersonLink


@dataclass(frozen=True, slots=True)
class Blank:
    """The person's rows stay for the figures, with these values; one that is written later gets them at once.

    `by_contact`: columns that get the value that the redacted contact has in its column of the same name. `settled`: SQL
    expressions over the row, by column, for a row that is written later: what still waits in it is over. `unless`: an SQL
    condition over the row; where it is true the row is left as it is.
    """

    link: PersonLink
    values: Mapping[str, Any]
    by_contact: tuple[str, ...] = ()
    settled: Mapping[str, str] = field(default_factory=dict)
    unless: str | None = None


@unique
class Special(StrEnum):
    """What is wiped by a function of models.privacy.redact, because its rows are found by more than an id."""

    CONTACT = "the contact"
    CONSENT = "proofs and sources of consent"
    LEDGER = "the key in the ledger of the messaging limit becomes a keyed hash"
    USER_IDS = "changes of their user ids are deleted"
    SHOP = "deleted by the shop's ids"
    AUDIENCES = "removed from audiences"
    SEGMENTS = "'redacted' stands in the place of a number"
    AUDIT = "'redacted' stands in the place of what names them"
    DEAD_LETTERS = "their events are removed"
    PARKED = "their statuses are deleted"


@dataclass(frozen=True, slots=True)
class TableStore:
    """One table of the database.

    `kept`: how long, for people. `purge`: `module:function` that deletes a slice of what is older, with `purged` as the log names
    it. `exported`: the parts of a person's data export that are made of it.
    """

    name: str
    about: str
    holds: Holds
    erase: Delete | Blank | Special | None = None
    guard: Blank | None = None
    """How a row that is written later is wiped, where `erase` is a function."""
    kept: str = "for good"
    purge: str | None = None
    purged: str = ""
    exported: tuple[str, ...] = ()
    in_backup: bool = True

    @property
    def guarded(self) -> Delete | Blank | None:
        """How the database itself wipes what is written to a redacted person."""
        return self.guard or (self.erase if isinstance(self.erase, Delete | Blank) else None)

    @property
    def wiped(self) -> str:
        """How it is wiped, in words."""
        match self.erase:
            case Delete():
                return "deleted"
            case Blank() as blank:
                return f"emptied: {', '.join([*blank.values, *blank.by_contact])}"
            case Special() as special:
                return special.value
        return "nothing to wipe"


@dataclass(frozen=True, slots=True)
class RedisStore:
    """Keys of Redis. `pattern` as in Redis' KEYS; `kept` and `wiped` for people."""

    pattern: str
    about: str
    holds: Holds
    wiped: str
    kept: str


@dataclass(frozen=True, slots=True)
class FileStore:
    """Files under `var/`. `pattern` as in `fnmatch`, from `var/` on. `in_backup`: whether an archive takes them along."""

    pattern: str
    about: str
    holds: Holds
    wiped: str
    kept: str
    in_backup: bool = False
