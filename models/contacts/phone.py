"""Reads phone numbers as people write them.

`phonenumbers` (libphonenumber) knows the numbering plans. Of a number with its plus only the length is checked ("possible"), never
whether a range is assigned: plans change faster than anybody updates a library, and Meta says who is on WhatsApp. A number without
a plus may be a national one or an international one that lost its plus (a spreadsheet takes it off): it is read only where one
reading alone is possible, else kept as `unclear_phone`, since the other reading is a stranger.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from models.characters import drop_ignorable
from models.contacts.person_key import canonical_wa_id
from models.errors import OperatorError

Problem = Literal["invalid_phone", "missing_calling_code", "unclear_phone"]

MIN_DIGITS = 4
MAX_DIGITS = 20
MAX_CHARACTERS = 60

# What may stand between the digits; en dashes, no-break spaces and the like are folded to these first.
_SHAPE = re.compile(r"\+?[0-9 ()./-]*[0-9][0-9 ()./-]*")
_SEPARATORS = re.compile(r"[ ()./-]+")
_PLAIN = re.compile(r"[0-9]+|\+[1-9][0-9]+")
_SPREADSHEET_FLOAT = re.compile(r"(\+?[0-9]+)\.0+")
_DECIMALS = re.compile(r"\+?[0-9]{8,}\.[0-9]{1,2}")
_THOUSANDS = re.compile(r"\+?[0-9]{1,3}(?:,[0-9]{3})+")
_EXTENSION = re.compile(
    r"[ ,;]*(?:\b(?:ext|extn|extension|anexo|ramal|int|poste|durchwahl|dw)\b\.?|x|#|;ext=)[ .:]*[0-9]{1,7}",
    re.IGNORECASE,
)
_BETWEEN_NUMBERS = re.compile(r" *(?:[,;|\n\t/&]| (?:or|and|oder|und|o|y|e|ou|et) )[ +]*", re.IGNORECASE)
_NOT_DIGITS = re.compile(r"[^0-9]+")


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

    Of two numbers in one text the first is read where it is whole by itself; an extension is left out. Raises NotAPhoneError if it
    is no number at all, and ValueError if the country is not known.
    """
    if default_country is not None and not is_country(default_country):
        raise ValueError(f"{default_country!r} is no country; allowed: a two-letter ISO code such as ES")
    raw = raw.strip()
    if _PLAIN.fullmatch(raw):
        return _read_plain(raw, _checked(raw, raw), default_country)
    text = _folded_text(raw)
    parts = _BETWEEN_NUMBERS.split(text)
    if len(parts) > 1 and not _THOUSANDS.fullmatch(text):
        return _first_of_several(raw, text, parts[0], default_country)
    return _read_plain(raw, _checked(raw, _digits(raw, text)), default_country)


def readings(raw: str, default_country: str | None) -> tuple[str, ...]:
    """What an unclear number may mean, as E.164: the international reading first. Empty for a number that is not unclear."""
    phone = read_phone(raw, default_country)
    if phone.problem != "unclear_phone" or default_country is None:
        return ()
    plain = phone.stored
    return tuple(
        dict.fromkeys(_e164(number) for number in (_parse(f"+{plain}", None), _parse(plain, default_country)) if number)
    )


def read_national(raw: str, country: str) -> Phone:
    """Read a number as a national one of this country (ISO), whatever else it may mean; `invalid_phone` if that is not possible.

    For somebody who knows what the number is. Raises NotAPhoneError if the text is no number at all.
    """
    phone = read_phone(raw, None)
    number = _parse(phone.stored, country)
    return Phone(raw, _e164(number), _country(number), None) if number else Phone(raw, None, None, "invalid_phone")


def is_country(code: str) -> bool:
    """Whether `code` is an ISO code (upper case) whose numbering plan is known."""
    return code in phonenumbers.SUPPORTED_REGIONS


def fold_digits(text: str) -> str:
    """Return the text with one spelling for digits, dashes and spaces of every script, without what is never drawn."""
    visible = drop_ignorable(unicodedata.normalize("NFKC", drop_ignorable(text)))
    return "".join(_folded(character) for character in visible)


def mask_phone(phone: str | None) -> str:
    """A number for logs: `+34600111222` becomes `+34…222`; what is too short to keep anything secret becomes `…`."""
    digits = _NOT_DIGITS.sub("", phone or "")
    if len(digits) < 8:
        return "…"
    plus = "+" if phone and phone.lstrip().startswith("+") else ""
    return f"{plus}{digits[:2]}…{digits[-3:]}"


def _read_plain(raw: str, plain: str, default_country: str | None) -> Phone:
    """A number of digits, with its plus or without."""
    if plain[0] == "+":
        number = _parse(plain, None)
        return Phone(raw, _e164(number), _country(number), None) if number else _respelled(raw, plain[1:])
    if default_country is None:
        return Phone(raw, None, None, "missing_calling_code")
    return _without_plus(raw, plain, default_country)


def _without_plus(raw: str, plain: str, country: str) -> Phone:
    """The one reading that is certain, if there is one."""
    national, international = _parse(plain, country), _parse(f"+{plain}", None)
    if national is None and international is None:
        return _respelled(raw, plain)
    if national is None or international is None or national == international:
        number = national or international
    else:
        number = _certain(national, international)
    if number is None:
        return Phone(raw, None, None, "unclear_phone")
    return Phone(raw, _e164(number), _country(number), None)


def _certain(national: PhoneNumber, international: PhoneNumber) -> PhoneNumber | None:
    """Of two possible readings the one that is valid alone.

    Where both are valid and the text begins with the country's own calling code, a mobile number behind that code is meant: the
    other reading is a landline whose digits repeat the code, which lenient numbering plans (Germany, Kosovo) let pass.
    """
    is_national, is_international = phonenumbers.is_valid_number(national), phonenumbers.is_valid_number(international)
    if is_national != is_international:
        return national if is_national else international
    has_own_code = is_national and national.country_code == international.country_code
    if has_own_code and _is_mobile(international) and phonenumbers.number_type(national) == PhoneNumberType.FIXED_LINE:
        return international
    return None


def _is_mobile(number: PhoneNumber) -> bool:
    return phonenumbers.number_type(number) in {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


def _parse(text: str, country: str | None) -> PhoneNumber | None:
    """None where that is not a possible number."""
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException:
        return None
    is_possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return number if is_possible else None


def _respelled(raw: str, digits: str) -> Phone:
    """A number as it was dialled before its country renumbered, and as WhatsApp still names some; else invalid."""
    canonical = canonical_wa_id(digits)
    number = _parse(f"+{canonical}", None) if canonical != digits else None
    return Phone(raw, _e164(number), _country(number), None) if number else Phone(raw, None, None, "invalid_phone")


def _first_of_several(raw: str, text: str, first: str, default_country: str | None) -> Phone:
    """The first number where it is whole by itself; a stroke may also stand inside of one number (030/901820)."""
    alone = _whole(first, default_country)
    if alone is not None:
        return Phone(raw, _e164(alone), _country(alone), None)
    if _SHAPE.fullmatch(text):
        joined = _read_plain(raw, _checked(raw, _digits(raw, text)), default_country)
        number = _parse(joined.e164, None) if joined.e164 else None
        if joined.e164 is None and joined.problem == "missing_calling_code":
            return joined
        if number is not None and phonenumbers.is_valid_number(number):
            return joined
    raise NotAPhoneError("{raw!r} holds two numbers, and the first is not whole by itself", raw=raw)


def _whole(text: str, default_country: str | None) -> PhoneNumber | None:
    """A valid number, read with certainty."""
    if not _SHAPE.fullmatch(text):
        return None
    plain = _with_plus(_SEPARATORS.sub("", text.strip()))
    if not MIN_DIGITS <= len(plain.lstrip("+")) <= MAX_DIGITS:
        return None
    phone = _read_plain(text, plain, default_country)
    number = _parse(phone.e164, None) if phone.e164 else None
    return number if number is not None and phonenumbers.is_valid_number(number) else None


def _plain(raw: str) -> str:
    """Digits with or without a leading `+`, of a text that was read before."""
    if _PLAIN.fullmatch(raw):
        return _with_plus(raw)
    text = _folded_text(raw)
    return (
        _with_plus(_digits(raw, text))
        if _SHAPE.fullmatch(text)
        else _with_plus(_SEPARATORS.sub("", _BETWEEN_NUMBERS.split(text)[0]))
    )


def _checked(raw: str, text: str) -> str:
    text = _with_plus(text)
    count = len(text) - (text[0] == "+")
    if not MIN_DIGITS <= count <= MAX_DIGITS:
        raise NotAPhoneError("{raw!r} is no phone number: it has {count} digits", raw=raw[:MAX_CHARACTERS], count=count)
    return text


def _with_plus(text: str) -> str:
    """00 before a calling code is read as `+`."""
    return f"+{text[2:]}" if text.startswith("00") and len(text) > 8 and text[2] != "0" else text


def _digits(raw: str, text: str) -> str:
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if not _SHAPE.fullmatch(text):
        raise NotAPhoneError("{raw!r} is no phone number", raw=raw)
    return _SEPARATORS.sub("", text)


def _folded_text(raw: str) -> str:
    """As `fold_digits`, without what a spreadsheet or a link adds."""
    if len(raw) > MAX_CHARACTERS:
        raise NotAPhoneError("{raw!r}… is no phone number: it is {count} characters long", raw=raw[:20], count=len(raw))
    folded = fold_digits(raw).strip(" '\"")
    if folded[:4].lower() == "tel:":
        folded = folded[4:]
    if whole := _SPREADSHEET_FLOAT.fullmatch(folded):
        folded = whole[1]
    elif _DECIMALS.fullmatch(folded):
        raise NotAPhoneError("{raw!r} is no phone number: it has decimals", raw=raw)
    folded = _EXTENSION.sub("", folded)
    return f"+{folded[2:]}" if folded.startswith("(+") else folded


def _folded(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category == "Pd":
        return "-"
    return " " if category == "Zs" else character


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
