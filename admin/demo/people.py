"""The people of the demo: their phones are of ranges that regulators keep for fiction and never assign to anybody.

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
class Cast:
    """Who is in the file, by what is special about them."""

    total: int
    open_cases: tuple[str, ...]
    """Phones of those with whom an agent is to open a case."""


def phones() -> Iterator[str]:
    """Every phone that a demo may use, each once."""
    fiction = (form.format(number) for form in _FR for number in range(10_000))
    return chain((_UK.format(number) for number in range(1_000)), fiction)


def write_people(path: Path, total: int) -> Cast:
    """Write the contacts' file. Of a hundred people three opted out, two never agreed, one lacks the discount of the text.

    A few have an open case, one is excluded as staff, one has no tag and one a phone that is not a possible one, so that the
    waterfall has something to show.
    """
    cases: list[str] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["phone", "name", "language", "consent", "consent_source", "tags"])
        for place, phone in zip(range(total), phones(), strict=False):
            name = f"{_FIRST[place % len(_FIRST)]} {_LAST[place // len(_FIRST) % len(_LAST)]}"
            consent, tags = (
                "subscribed",
                ["customer", f"city={_CITIES[place % len(_CITIES)]}", f"discount={_discount(place)}"],
            )
            match place % 100:
                case 3 | 33 | 63:
                    consent = "unsubscribed"
                case 5 | 55:
                    consent = "not_subscribed"
                case 7:
                    cases.append(phone)
                case 9:
                    tags.pop()
                case 11 if place < 100:
                    tags.append("staff")
            if place == 12:
                phone = "+4477009"  # noqa: PLW2901 - too short to be possible: kept, and left out with that reason
            writer.writerow([phone, name, "en", consent, "demo shop checkout", ";".join(tags)])
    return Cast(total, tuple(cases))


def _discount(place: int) -> str:
    return ("10%", "15%", "20%")[place % 3]
