"""Adds up what readings at Meta found."""

from dataclasses import asdict, dataclass
from typing import Self


@dataclass
class SyncCounts:
    """Counts of a reading, of which a subclass has the fields."""

    def add(self, other: Self) -> None:
        """Add another account's counts."""
        for name, count in asdict(other).items():
            setattr(self, name, getattr(self, name) + count)

    def to_json(self) -> dict[str, int]:
        """The counts by name, as the command line prints them."""
        return asdict(self)
