"""Countries by their names, in the languages of libphonenumber's region names.

Loading the names takes a third of a second, so whoever needs them loads this module late (jobs.core.loader).
"""

from phonenumbers.geodata.locale import LOCALE_DATA

from models.characters import drop_ignorable
from models.contacts.phone import is_country

_SAME_AS = "*"
"""Begins a reference to the name in another language."""
_MORE = {
    "u.s.a": "US",
    "us of america": "US",
    "united states of america": "US",
    "the netherlands": "NL",
    "holland": "NL",
    "great britain": "GB",
    "northern ireland": "GB",
    "czech republic": "CZ",
    "russian federation": "RU",
    "usa": "US",
    "u.s.a.": "US",
    "u.s.": "US",
    "u.k.": "GB",
    "uk": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "uae": "AE",
}


def _codes() -> dict[str, str]:
    """The code of each name that means one country."""
    codes: dict[str, set[str]] = {}
    for code, names in LOCALE_DATA.items():
        if is_country(code):
            for name in names.values():
                if not name.startswith(_SAME_AS):
                    codes.setdefault(name.replace("’", "'").casefold(), set()).add(code)
    return {name: next(iter(found)) for name, found in codes.items() if len(found) == 1} | _MORE


_CODES = _codes()


def country_named(name: str) -> str | None:
    """The ISO code of a country by its name (`Spain`, `España`, `Spanien`); None if it is none or means several."""
    return _CODES.get(" ".join(drop_ignorable(name).replace("’", "'").split()).casefold())
