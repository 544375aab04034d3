"""Phone numbers as people write them, and the key under which a person is known.

`phonenumbers` (libphonenumber) knows the numbering plans. Only lengths are checked ("possible"), never whether a
range is assigned: plans change faster than anybody updates a library, and Meta says who is on WhatsApp.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, ValidationResult

from models.errors import OperatorError

Problem = Literal["invalid_phone", "missing_calling_code"]

MIN_DIGITS = 4
MAX_DIGITS = 20
MAX_CHARACTERS = 60

# What may stand between the digits; en dashes, no-break spaces and the like are folded to these first.
_SHAPE = re.compile(r"\+?[0-9 ()./-]*[0-9][0-9 ()./-]*")
_SEPARATORS = re.compile(r"[ ()./-]+")
_PLAIN = re.compile(r"[0-9]+|\+[1-9][0-9]+")
_SPREADSHEET_FLOAT = re.compile(r"(\+?[0-9]+)\.0")
_NOT_DIGITS = re.compile(r"[^0-9]+")

_AREA_AND_SUBSCRIBER = 10  # Argentina and Mexico: area code and subscriber number together
_EIGHT_DIGIT_MOBILES = "6789"  # Brazil: what an old eight-digit mobile number began with


class NotAPhoneError(OperatorError):
    """The text is no phone number at all; the message is one sentence for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A number that was read. With a `problem` it has no `e164` and nothing is sent to it.

    `raw` is the text that came, trimmed; `country` the ISO 3166 code, None for numbers that belong to no country.
    """

    raw: str
    e164: str | None
    country: str | None
    problem: Problem | None

    @property
    def stored(self) -> str:
        """What stands for the number in a row: E.164, or the digits as given, so that one number is stored one way."""
        if self.e164 is not None:
            return self.e164
        return _plain(self.raw)


def read_phone(raw: str, default_country: str | None) -> Phone:
    """Read a number as a person or a spreadsheet writes it; `default_country` (ISO) completes national ones.

    Raises NotAPhone where it is no number at all, and ValueError where the country is not known.
    """
    if default_country is not None and not is_country(default_country):
        raise ValueError(f"{default_country!r} is no country; allowed: a two-letter ISO code such as ES")
    raw = raw.strip()
    plain = _plain(raw)
    if plain[0] != "+" and default_country is None:
        return Phone(raw, None, None, "missing_calling_code")
    try:
        number = phonenumbers.parse(plain, default_country)
    except NumberParseException:
        return Phone(raw, None, None, "invalid_phone")
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return _mexican_with_one(raw, plain) or Phone(raw, None, None, "invalid_phone")
    return Phone(raw, _e164(number), _country(number), None)


def is_country(code: str) -> bool:
    """Whether `code` is an ISO code (upper case) whose numbering plan is known."""
    return code in phonenumbers.SUPPORTED_REGIONS


def canonical_wa_id(digits: str) -> str:
    """One spelling for the spellings that WhatsApp and the phone networks have of one number.

    Brazil's mobiles with and without the ninth digit, Mexico's 521 and 52, Argentina's 54…15… and 549… are the same
    phone (docs/meta.md §9). Everything else stays as it is.
    """
    digits = _NOT_DIGITS.sub("", digits)
    if digits.startswith("55") and len(digits) == 12 and digits[4] in _EIGHT_DIGIT_MOBILES:
        return f"{digits[:4]}9{digits[4:]}"
    if digits.startswith("521") and len(digits) == 3 + _AREA_AND_SUBSCRIBER:
        return f"52{digits[3:]}"
    if digits.startswith("54"):
        return _canonical_argentine(digits)
    return digits


def person_key(
    *,
    wa_id: str | None = None,
    phone: str | None = None,
    portfolio_id: str | int | None = None,
    bsuid: str | None = None,
    contact_id: str | int | None = None,
) -> str:
    """The identity that locks and recipients freeze: the number, else portfolio and BSUID, else the contact itself.

    `wa_id` goes before `phone` (E.164): it is what WhatsApp itself calls the person. Raises ValueError without any.
    """
    number = _NOT_DIGITS.sub("", wa_id or "") or _NOT_DIGITS.sub("", phone or "")
    if number:
        return f"wa:{canonical_wa_id(number)}"
    if bsuid and portfolio_id is not None:
        return f"bs:{portfolio_id}:{bsuid}"
    if contact_id is not None:
        return f"c:{contact_id}"
    raise ValueError("a person needs a wa_id, a phone, a portfolio with a BSUID, or a contact")


def mask_phone(phone: str | None) -> str:
    """A number for logs: `+34600111222` becomes `+34…222`; what is too short to keep anything secret becomes `…`."""
    digits = _NOT_DIGITS.sub("", phone or "")
    if len(digits) < 8:
        return "…"
    plus = "+" if phone and phone.lstrip().startswith("+") else ""
    return f"{plus}{digits[:2]}…{digits[-3:]}"


def _plain(raw: str) -> str:
    """Digits with or without a leading `+`; 00 before a calling code is read as `+`."""
    text = raw if _PLAIN.fullmatch(raw) else _unformatted(raw)
    if text.startswith("00") and len(text) > 8 and text[2] != "0":
        text = f"+{text[2:]}"
    count = len(text) - (text[0] == "+")
    if not MIN_DIGITS <= count <= MAX_DIGITS:
        raise NotAPhoneError("{raw!r} is no phone number: it has {count} digits", raw=raw[:MAX_CHARACTERS], count=count)
    return text


def _unformatted(raw: str) -> str:
    if len(raw) > MAX_CHARACTERS:
        raise NotAPhoneError("{raw!r}… is no phone number: it is {count} characters long", raw=raw[:20], count=len(raw))
    folded = "".join(_folded(character) for character in unicodedata.normalize("NFKC", raw)).strip(" '")
    if folded[:4].lower() == "tel:":
        folded = folded[4:]
    if whole := _SPREADSHEET_FLOAT.fullmatch(folded):
        folded = whole[1]
    if folded.startswith("(+"):
        folded = f"+{folded[2:]}"
    if not _SHAPE.fullmatch(folded):
        raise NotAPhoneError("{raw!r} is no phone number", raw=raw)
    return _SEPARATORS.sub("", folded)


def _folded(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category == "Pd":
        return "-"
    if category == "Zs":
        return " "
    return "" if category == "Cf" else character  # marks of direction come along when a number is copied from a chat


def _mexican_with_one(raw: str, plain: str) -> Phone | None:
    """+52 1 and ten digits: how Mexican mobiles were dialled until 2019, and how WhatsApp still names many."""
    if plain.startswith("+521") and len(plain) == 4 + _AREA_AND_SUBSCRIBER:
        return Phone(raw, f"+52{plain[4:]}", "MX", None)
    return None


def _e164(number: PhoneNumber) -> str:
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}"


def _country(number: PhoneNumber) -> str | None:
    code = number.country_code or 0
    regions = phonenumbers.region_codes_for_country_code(code)
    if len(regions) == 1:
        return regions[0] if regions[0] != "001" else None
    if code == 1:
        return north_american_country(str(number.national_number)[:3])
    return phonenumbers.region_code_for_number(number) or regions[0]


@lru_cache(maxsize=1000)
def north_american_country(area: str) -> str:
    """Area codes tell the countries of +1 apart; asking libphonenumber for each number costs ten times the parsing."""
    sample = PhoneNumber(country_code=1, national_number=int(f"{area}2345678"[:10]))
    return phonenumbers.region_code_for_number(sample) or "US"


@lru_cache(maxsize=10_000)
def _canonical_argentine(digits: str) -> str:
    """549 and ten digits. The 15 stands after an area code of two to four digits, which libphonenumber knows."""
    national = digits[3:] if digits.startswith("549") else digits[2:]
    if len(national) != 2 + _AREA_AND_SUBSCRIBER:
        return digits
    try:
        number = phonenumbers.parse(f"+54{national}")
    except NumberParseException:
        return digits
    read = _e164(number)[1:]
    return read if read.startswith("549") and len(read) == 3 + _AREA_AND_SUBSCRIBER else digits
