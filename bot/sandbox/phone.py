"""Converts phone numbers to WhatsApp's form, and derives a country, a BSUID and a name from them.

The canonical ``wa_id`` differs from the dialled number in Brazil (no ninth digit outside some areas), Mexico (``521``)
and Argentina (``549``); elsewhere it is the number's digits.
"""

import hashlib
import re

SEPARATORS = re.compile(r"[\s()\-.]")
BSUID = re.compile(r"^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$")
BRAZIL_WITH_NINE = {*map(str, range(11, 20)), "21", "22", "24", "27", "28"}
COUNTRIES = {
    "1": "US", "7": "RU", "20": "EG", "27": "ZA", "31": "NL", "33": "FR", "34": "ES", "39": "IT", "44": "GB",
    "49": "DE", "52": "MX", "54": "AR", "55": "BR", "56": "CL", "57": "CO", "62": "ID", "81": "JP", "90": "TR",
    "91": "IN", "234": "NG", "351": "PT", "353": "IE", "971": "AE", "972": "IL",
}  # fmt: skip
FIRST = "Ana Bruno Carla Diego Elena Farid Grace Hugo Ines Jonas Kira Luis Marta Nadia Omar Paula Rosa Sami Tara Vera"
LAST = "Alves Blanco Costa Duarte Engel Ferri Gupta Haddad Ito Jansen Khan Lopes Moreno Novak Ortiz Pires Ruiz Silva"


def digits_of(number: str) -> str | None:
    """Return the digits of a dialled number; None if it is not a number (7 to 15 digits, a ``+`` only in front)."""
    bare = SEPARATORS.sub("", number).removeprefix("+")
    return bare if bare.isascii() and bare.isdigit() and 7 <= len(bare) <= 15 else None


def canonical(digits: str) -> str:
    """Return the canonical wa_id of a number's digits."""
    if digits.startswith("55"):
        return _brazil(digits)
    if digits.startswith("52") and len(digits) == 12:
        return "521" + digits[2:]
    if digits.startswith("54"):
        return _argentina(digits)
    return digits


def _brazil(digits: str) -> str:
    area, rest = digits[2:4], digits[4:]
    if len(rest) == 9 and rest[0] == "9" and area not in BRAZIL_WITH_NINE:
        return digits[:4] + rest[1:]
    if len(rest) == 8 and rest[0] in "6789" and area in BRAZIL_WITH_NINE:
        return digits[:4] + "9" + rest
    return digits


def _argentina(digits: str) -> str:
    if len(digits) == 12 and digits[2] != "9":
        return "549" + digits[2:]
    if len(digits) == 14:
        for area in (2, 3, 4):
            if digits[2 + area : 4 + area] == "15":
                return "549" + digits[2 : 2 + area] + digits[4 + area :]
    return digits


def country_of(digits: str) -> str:
    """Return the ISO country of a number, ``ZZ`` if it is unknown."""
    return next((COUNTRIES[digits[:size]] for size in (3, 2, 1) if digits[:size] in COUNTRIES), "ZZ")


def bsuid_of(portfolio_id: str, wa_id: str, changes: int = 0) -> str:
    """Return the BSUID of a person in a portfolio after some changes of it, the same at every run."""
    digest = hashlib.sha256(f"{portfolio_id}|{wa_id}{'|' + str(changes) if changes else ''}".encode()).digest()
    return f"{country_of(wa_id)}.{int.from_bytes(digest[:8], 'big') % 10**17:017d}"


def name_of(wa_id: str) -> str:
    """Return a name for a number, the same at every run."""
    mark = hashlib.sha256(wa_id.encode()).digest()
    first, last = FIRST.split(), LAST.split()
    return f"{first[mark[0] % len(first)]} {last[mark[1] % len(last)]}"
