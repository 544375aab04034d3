"""Reads a person's reply to an ask node of a bot flow: the value to store, or None if it is not a valid answer."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date, datetime

from bot.flows.nodes import AskNode
from bot.flows.parts import Option
from bot.flows.regex import matches_whole
from bot.opt_out_words import normalize_message, normalize_text
from models.contacts.phone import NotAPhoneError, is_country, read_phone

MAX_ANSWER = 1000

_NUMBER = re.compile(r"([+-]?)([0-9]{1,15})(?:[.,]([0-9]{1,6}))?")
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_DAY = re.compile(r"([0-9]{1,2})[./ -]([0-9]{1,2})[./ -]([0-9]{4})")


def read_answer(node: AskNode, text: str, now: datetime, country: str | None) -> str | None:
    """Return the answer as it is stored, None if it does not fit the node.

    Numbers are stored with a decimal point and no trailing zeros, dates as ISO 8601, phone numbers as E.164. `now` is in the
    business's time zone (for `today`); `country` (ISO 3166, two letters) completes phone numbers without a calling code.
    """
    text = text.strip()[: MAX_ANSWER if node.expect == "form" else None]
    if not text or len(text) > MAX_ANSWER:
        return None
    return _READERS[node.expect](node, text, now, country)


def option_by_title(options: Iterable[Option], text: str) -> Option | None:
    """Return the option whose title was typed; case, accents and punctuation do not matter, nor does a "please".

    None if there is none.
    """
    given = tuple(options)
    folded = normalize_text(text)
    for option in given:
        if text == option.title or (folded and folded == normalize_text(option.title)):
            return option
    bare = normalize_message(text)
    return next((option for option in given if bare and bare == normalize_message(option.title)), None)


def _text(node: AskNode, text: str, _now: datetime, _country: str | None) -> str | None:
    return text if (node.min_length or 1) <= len(text) <= (node.max_length or MAX_ANSWER) else None


def _regex(node: AskNode, text: str, now: datetime, country: str | None) -> str | None:
    return _text(node, text, now, country) if matches_whole(node.pattern or "", text) else None


def _choice(node: AskNode, text: str, _now: datetime, _country: str | None) -> str | None:
    option = option_by_title(node.choices, text)
    return None if option is None else option.value or option.title


def _number(node: AskNode, text: str, _now: datetime, _country: str | None) -> str | None:
    digits = "".join(str(unicodedata.decimal(sign, sign)) for sign in text if not sign.isspace())
    match = _NUMBER.fullmatch(digits)
    if not match:
        return None
    sign, whole, decimals = match[1].replace("+", ""), match[2].lstrip("0") or "0", (match[3] or "").rstrip("0")
    canonical = f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"
    value = float(canonical)
    if node.whole and decimals:
        return None
    if (node.min is not None and value < node.min) or (node.max is not None and value > node.max):
        return None
    return "0" if value == 0 else canonical


def _email(_node: AskNode, text: str, _now: datetime, _country: str | None) -> str | None:
    if len(text) > 254 or not _EMAIL.fullmatch(text) or ".." in text:
        return None
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.lower()}"


def _day(node: AskNode, text: str, now: datetime, _country: str | None) -> str | None:
    if iso := _ISO_DAY.fullmatch(text):
        year, month, day = (int(part) for part in iso.groups())
    elif local := _DAY.fullmatch(text):
        first, second, year = (int(part) for part in local.groups())
        day, month = (first, second) if node.day_first else (second, first)
    else:
        return None
    try:
        parsed = date(year, month, day).isoformat()
    except ValueError:
        return None
    today = now.date().isoformat()
    earliest, latest = (today if bound == "today" else bound for bound in (node.earliest, node.latest))
    return None if (earliest and parsed < earliest) or (latest and parsed > latest) else parsed


def _phone(_node: AskNode, text: str, _now: datetime, country: str | None) -> str | None:
    try:
        return read_phone(text, country if country and is_country(country) else None).e164
    except NotAPhoneError:
        return None


def _form(_node: AskNode, text: str, _now: datetime, _country: str | None) -> str | None:
    return text


_READERS: dict[str, Callable[[AskNode, str, datetime, str | None], str | None]] = {
    "text": _text,
    "number": _number,
    "email": _email,
    "date": _day,
    "phone": _phone,
    "choice": _choice,
    "regex": _regex,
    "form": _form,
}
