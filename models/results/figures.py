"""Defines the sums over a set of recipients: of one block, or of a whole campaign. Sums of sums are the sums of the whole."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from models.tables.recipient import NotSent, Recipient, RecipientState

FACTS = ("sent", "delivered", "read", "clicked", "replied")


class FigureGroup(NamedTuple):
    """Recipients that are counted alike. `error_code` only of failed ones."""

    state: RecipientState
    status: str
    reason: NotSent | None
    is_replied: bool
    cohort_id: int | None
    error_code: int | None
    number: int


GROUPED_BY = (
    Recipient.campaign_id,
    Recipient.state,
    Recipient.status,
    Recipient.reason,
    Recipient.is_replied,
    Recipient.cohort_id,
)
"""What is counted by campaign, as FigureGroup has it; `error_code` besides where errors are asked for."""


class Cell(NamedTuple):
    """What became of those whose message Meta accepted in one hour (of the epoch)."""

    cohort_id: int | None
    hour: int
    sent: int
    delivered: int
    read: int
    clicked: int
    replied: int
    opted_out: int


@dataclass
class Figures:
    """The sums: keys without the number → number. `moments`: fact → minute of the epoch → people."""

    groups: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    taps: Counter[tuple[str, str]] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    opt_outs: Counter[str] = field(default_factory=Counter)
    clicks: Counter[int | None] = field(default_factory=Counter)
    """People who clicked, by cohort."""
    cells: dict[tuple[int | None, int], list[int]] = field(default_factory=dict)
    moments: dict[str, Counter[int]] = field(default_factory=lambda: {fact: Counter() for fact in FACTS})

    def add(self, other: "Figures") -> None:
        """Add the sums of other recipients."""
        for mine, more in (
            (self.groups, other.groups),
            (self.taps, other.taps),
            (self.steps, other.steps),
            (self.opt_outs, other.opt_outs),
            (self.clicks, other.clicks),
        ):
            mine.update(more)  # type: ignore[arg-type]
        for key, values in other.cells.items():
            before = self.cells.get(key, [0] * len(values))
            self.cells[key] = [one + more for one, more in zip(before, values, strict=True)]
        for fact, minutes in other.moments.items():
            self.moments[fact].update(minutes)

    def to_json(self, *, with_moments: bool = True) -> dict[str, Any]:
        """The stored form; equal sums have an equal form."""
        stored: dict[str, Any] = {
            "groups": sorted(([*key, number] for key, number in self.groups.items()), key=str),
            "taps": sorted([*key, number] for key, number in self.taps.items()),
            "steps": dict(sorted(self.steps.items())),
            "opt_outs": dict(sorted(self.opt_outs.items())),
            "clicks": sorted(([cohort_id, number] for cohort_id, number in self.clicks.items()), key=str),
            "cells": sorted(([*key, *values] for key, values in self.cells.items()), key=str),
        }
        if with_moments:
            stored["moments"] = {
                fact: [[minute, number] for minute, number in sorted(minutes.items())]
                for fact, minutes in self.moments.items()
            }
        return stored

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Figures":
        """The sums that `to_json` wrote."""
        figures = cls(
            Counter({tuple(key): number for *key, number in stored["groups"]}),
            Counter({(place, title): number for place, title, number in stored["taps"]}),
            Counter(stored["steps"]),
            Counter(stored["opt_outs"]),
            Counter(dict(stored["clicks"])),
            {(cohort_id, hour): values for cohort_id, hour, *values in stored["cells"]},
        )
        for fact, pairs in stored.get("moments", {}).items():
            figures.moments[fact] = Counter(dict(pairs))
        return figures

    @property
    def people(self) -> int:
        """How many recipients were counted."""
        return sum(self.groups.values())

    def typed_groups(self) -> list[FigureGroup]:
        """The groups as the statistics read them."""
        return [
            FigureGroup(
                RecipientState(state), status, NotSent(reason) if reason else None, replied, cohort_id, code, number
            )
            for (state, status, reason, replied, cohort_id, code), number in self.groups.items()
        ]

    def typed_cells(self) -> list[Cell]:
        """The cells, in the order of time."""
        return [Cell(*key, *values) for key, values in sorted(self.cells.items(), key=lambda item: item[0][1])]


def total(parts: Iterable[Figures]) -> Figures:
    """The sums of all parts together."""
    whole = Figures()
    for part in parts:
        whole.add(part)
    return whole
