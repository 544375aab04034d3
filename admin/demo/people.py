"""Writes the contacts file of the demo, with phones of ranges that regulators reserve for fiction and never assign.

- United Kingdom, Ofcom, numbers for drama: mobile 07700 900000 to 900999.
- France, ARCEP, numbers for audiovisual works: mobile 06 39 98 00 00 to 06 39 98 99 99, and the same ten thousand
  behind 01 99 00, 02 61 91, 03 53 01, 04 65 71 and 05 36 49.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

_UK = "+447700900{:03d}"
_FR = ("+3363998{:04d}", "+3319900{:04d}", "+3326191{:04d}", "+3335301{:04d}", "+3346571{:04d}", "+3353649{:04d}")
MAX_PEOPLE = 1_000 + 10_000 * len(_FR)
MIN_PEOPLE = 20

_FIRST = (
    "Ana", "Ben", "Chloé", "Dario", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Liam", "Maria", "Noah",
    "Olga", "Paulo", "Quinn", "Rosa", "Sami", "Tara", "Umut", "Vera", "Wim", "Ximena", "Yara", "Zoe",
)  # fmt: skip
_LAST = ("Abel", "Brandt", "Costa", "Duval", "Evans", "Ferrer", "Gallo", "Haas", "Ivanov", "Jansen", "Keller", "Lopes")
_CITIES = ("London", "Leeds", "Paris", "Lyon")


@dataclass(frozen=True)
class DemoPeople:
    """How many people are in the file, and which of them need an open case."""

    total: int
    open_cases: tuple[str, ...]
    """Phones of the people for whom the demo opens a case."""


def phones() -> Iterator[str]:
    """Yield every phone that a demo may use, each once."""
    fiction = (form.format(number) for form in _FR for number in range(10_000))
    return chain((_UK.format(number) for number in range(1_000)), fiction)


def write_people(path: Path, total: int) -> DemoPeople:
    """Write the contacts file. Of a hundred people three opted out, two never agreed, and one lacks the template's discount.

    A few have an open case, one is excluded as staff, one has no tag and one has an impossible phone, so that every step of the
    waterfall leaves somebody out.
    """
    cases: list[str] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["phone", "name", "language", "consent", "consent_source", "tags"])
        for index, phone in zip(range(total), phones(), strict=False):
            name = f"{_FIRST[index % len(_FIRST)]} {_LAST[index // len(_FIRST) % len(_LAST)]}"
            consent, tags = (
                "subscribed",
                ["customer", f"city={_CITIES[index % len(_CITIES)]}", f"discount={_discount(index)}"],
            )
            match index % 100:
                case 3 | 33 | 63:
                    consent = "unsubscribed"
                case 5 | 55:
                    consent = "not_subscribed"
                case 7:
                    cases.append(phone)
                case 9:
                    tags.pop()
                case 11 if index < 100:
                    tags.append("staff")
            if index == 12:
                phone = "+4477009"  # noqa: PLW2901 - too short to be possible: imported, and left out with that reason
            writer.writerow([phone, name, "en", consent, "demo shop checkout", ";".join(tags)])
    return DemoPeople(total, tuple(cases))


def _discount(index: int) -> str:
    return ("10%", "15%", "20%")[index % 3]
