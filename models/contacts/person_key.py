"""Makes the key under which a person is known: one spelling for all the spellings that WhatsApp has of one number."""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException

_NOT_DIGITS = re.compile(r"[^0-9]+")

_AREA_AND_SUBSCRIBER = 10  # Argentina and Mexico: area code and subscriber number together
_BEFORE_RENUMBERING = 8  # digits of a number in Ivory Coast until 2021 and in Benin until 2024
_IVORIAN_LANDLINES = "23"
_IVORIAN_PREFIXES = dict(zip("0123456789", ("01",) * 4 + ("05",) * 3 + ("07",) * 3, strict=True))
_EIGHT_DIGIT_MOBILES = "6789"  # Brazil: what an old eight-digit mobile number began with


def canonical_wa_id(digits: str) -> str:
    """One spelling for the spellings that WhatsApp and the phone networks have of one number.

    Brazil's mobiles with and without the ninth digit, Mexico's 521 and 52, Argentina's 54…15… and 549… are the same phone
    (docs/meta.md §9). So are numbers from before and after a country renumbered: WhatsApp keeps the id of who registered before.
    Ivory Coast put 01, 05 or 07 before every mobile number of eight digits on 2021-01-31, by its second digit; Benin put 01 before
    every number of eight digits on 2024-11-30 (both: the ITU's Operational Bulletin). Everything else stays as it is.
    """
    digits = _NOT_DIGITS.sub("", digits)
    if digits.startswith("225") and len(digits) == 3 + _BEFORE_RENUMBERING and digits[3] not in _IVORIAN_LANDLINES:
        return f"225{_IVORIAN_PREFIXES[digits[4]]}{digits[3:]}"
    if digits.startswith("229") and len(digits) == 3 + _BEFORE_RENUMBERING:
        return f"22901{digits[3:]}"
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
    read = f"{number.country_code}{phonenumbers.national_significant_number(number)}"
    return read if read.startswith("549") and len(read) == 3 + _AREA_AND_SUBSCRIBER else digits
