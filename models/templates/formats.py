"""Shows the values of variables in a format: upper, lower, title, date, money, by the language of the template.

Values are frozen at the launch as the database has them, and shown at the claim: `2026-12-24` as `24 de diciembre de 2026`,
`19.90 EUR` as `19,90 €`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, is_currency

from models.stored_texts import NO_AMOUNT, NO_CURRENCY, NO_DATE
from models.templates.content import Source, shown_place
from models.text import Text

FORMATS = ("upper", "lower", "title", "date", "money")
_DATED = {"order": ("placed_at",)}
_PRICED = {"order": ("total",), "product": ("price",)}
_CARRIES_CURRENCY = frozenset(_PRICED)
"""Sources whose frozen value has its currency with it: `19.90 EUR`."""
_OPEN = ("tag", "attribute", "text")
_MONEY = re.compile(r"(-?[0-9]{1,15}(?:\.[0-9]{1,10})?)(?: ([A-Z]{3}))?")
_CODE = re.compile(r"[A-Z]{3}")
_TITLED = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


class FormatError(ValueError):
    """A value that the format cannot show; `text` is the sentence, `place` and `key` say which variable."""

    def __init__(self, text: Text, place: str = "", key: str = "") -> None:
        super().__init__(str(text))
        self.text, self.place, self.key = text, place, key


def can_have_format(source: Source) -> bool:
    """Whether the source may have its `format`: a date where it may be a day, money where it may be an amount."""
    form, kind = source.get("format"), source.get("source")
    fields = {"date": _DATED, "money": _PRICED}.get(str(form))
    return fields is None or kind in _OPEN or source.get("field") in fields.get(str(kind), ())


def currency_problem(source: Source) -> str | None:
    """Why its `currency` does not fit its format; None if it does."""
    currency = source.get("currency")
    if source.get("format") != "money":
        return None if currency is None else "currency: belongs to the format money alone"
    if currency is None:
        return None if source.get("source") in _CARRIES_CURRENCY else "currency is missing, such as EUR"
    if source.get("source") in _CARRIES_CURRENCY:
        return f"currency: the amount of the source {source['source']} has its own"
    if not isinstance(currency, str) or not _CODE.fullmatch(currency) or not is_currency(currency):
        return f"currency {currency!r} is no code of ISO 4217, such as EUR"
    return None


@lru_cache(maxsize=200)
def locale_of(language: str) -> Locale:
    """The locale of a template's language (`pt_BR`, `zh_HK`, `fil`): the language alone, or English, where it is not known."""
    for name in (language, language.partition("_")[0]):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return Locale("en")


def shown_value(value: str, source: Source, language: str, time_zone: str) -> str:
    """Show a value in the source's format. Raises FormatError if it is no day, or no amount of money."""
    form = source.get("format")
    locale = locale_of(language)
    if form in _LETTERS:
        return _LETTERS[form](value, locale.language)
    if form == "date":
        return format_date(_day(value, time_zone), "long", locale)
    if form == "money":
        amount, currency = _money(value, source.get("currency"))
        return format_currency(amount, currency, locale=locale)
    return value


class ValueFormats:
    """The formats of one content's variables. `shown` shows a recipient's values, and is cheap where nothing has a format."""

    def __init__(self, sources: Mapping[tuple[str, str], Source], language: str, time_zone: str) -> None:
        self._sources = {place: source for place, source in sources.items() if source.get("format")}
        self._language = language
        self._time_zone = time_zone

    def shown(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the values (place → key → value) as they are sent.

        A fallback that the format cannot show stays as it was written. Raises FormatError if another value cannot be shown.
        """
        if not self._sources:
            return values
        result = {place: dict(entries) for place, entries in values.items()}
        for (place, key), source in self._sources.items():
            value = (result.get(place) or {}).get(key)
            if value is not None:
                try:
                    result[place][key] = self._shown(str(value).strip(), source)
                except FormatError as error:
                    raise FormatError(error.text, shown_place(place), key) from None
        return result

    def _shown(self, value: str, source: Source) -> str:
        try:
            return shown_value(value, source, self._language, self._time_zone)
        except FormatError:
            if value == str(source.get("fallback") or "").strip():
                return value
            raise


def _upper(text: str, language: str) -> str:
    return (text.replace("i", "İ") if language in _DOTTED else text).upper()


def _lower(text: str, language: str) -> str:
    return (text.replace("I", "ı").replace("İ", "i") if language in _DOTTED else text).lower()


def _title(text: str, language: str) -> str:
    """Every word with a capital and small letters: `anna-maria O'NEILL` becomes `Anna-Maria O'Neill`."""

    def word(found: re.Match[str]) -> str:
        parts = re.split(r"(?<=[^\W\d_]['’])(?=[^\W\d_]{2})", found[0])
        return "".join(_upper(part[:1], language) + _lower(part[1:], language) for part in parts)

    return _TITLED.sub(word, text)


_DOTTED = frozenset({"tr", "az"})
"""Languages with a dotted capital i."""
_LETTERS: dict[Any, Callable[[str, str], str]] = {"upper": _upper, "lower": _lower, "title": _title}


def _day(value: str, time_zone: str) -> date:
    """The day of an ISO day, or of a moment in the business's zone; one without a zone is read as the business's time."""
    try:
        if len(value) <= 10:
            return date.fromisoformat(value)
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo is None else moment.astimezone(ZoneInfo(time_zone))).date()
    except (ValueError, OverflowError):
        raise FormatError(NO_DATE(value=value)) from None


def _money(value: str, currency: str | None) -> tuple[Decimal, str]:
    found = _MONEY.fullmatch(value)
    if found is None:
        raise FormatError(NO_AMOUNT(value=value))
    code = found[2] or currency
    if code is None or not is_currency(code):
        raise FormatError(NO_CURRENCY(value=value))
    try:
        return Decimal(found[1]), code
    except InvalidOperation:
        raise FormatError(NO_AMOUNT(value=value)) from None
