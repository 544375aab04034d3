"""Reads the lines of a file in every code page, and tells which of the readings are words."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import phonenumbers

from jobs.imports.code_pages import CODE_PAGES, CodePage, languages_of
from jobs.imports.word_fit import fitting_languages

MAX_WORDS = 3_000
MAX_SAMPLES = 6
MAX_CANDIDATES = 6
_MANY = 0.15
"""The share of a file's words that may be of another language than most of it, at the most."""
_FEW = 0.1
_MOST = 0.3
"""The share of the words that two readings read otherwise, which only one of them must make words of."""
_MIN_SHARE = 0.1
"""Of a file's numbers, those of a country that counts."""
_MAX_NUMBERS = 500
_PHONE = re.compile(rb"(?:\+|\b00)([1-9][0-9 ().-]{6,18}[0-9])")
_DIGITS = re.compile(rb"(?<![0-9.,])[1-9][0-9]{9,14}(?![0-9])")
_WORD = re.compile(r"[^\s;,|=<>{}\\]+")
_APART = re.compile(rb"[\x00-\x20;,|=<>{}\\]+")
Readings = dict[str, tuple[str, ...]]
"""Some words of the file as each likely encoding reads them, by the encoding's name."""


class _Reading(NamedTuple):
    """What one code page makes of the file. `languages`: of each different word, those that can have it."""

    page: CodePage
    text: str
    words: Sequence[str]
    languages: Sequence[frozenset[str]]

    def misfits(self, language: str, places: Iterable[int] | None = None) -> int:
        """How many words, of those at these places, are not of the language."""
        words = self.languages if places is None else [self.languages[place] for place in places]
        return sum(language not in fits for fits in words)

    def likely(self, languages: Iterable[str]) -> list[tuple[int, str]]:
        """Those of the languages that most of the words can be of, the likeliest first."""
        counted = sorted((self.misfits(language), language) for language in languages)
        return [pair for pair in counted if pair[0] <= len(self.words) * _MANY]


_Likely = tuple[_Reading, list[tuple[int, str]]]
"""A reading, and its languages with the number of words that each cannot have."""


def read_in_pages(lines: Sequence[bytes], beginning: bytes, country: str | None) -> tuple[Readings, str | None]:
    """The likely readings of lines that are no UTF-8, the best first, and the one that is certain, if there is one.

    `beginning` of the file holds its phone numbers; `country` (ISO code) is that of numbers without a calling code.
    """
    readings = _distinct(filter(None, (_read(lines, page) for page in CODE_PAGES)))
    spoken = languages_of(_countries(beginning) or frozenset({country} if country else ()))
    everywhere = [(reading, reading.likely(reading.page.languages)) for reading in readings]
    nearby = [(reading, reading.likely(spoken.intersection(reading.page.languages))) for reading in readings]
    certain = _certain(everywhere) or _certain(nearby, everywhere)
    ranked = sorted(
        (not near, likely[0], place)
        for place, ((_, near), (_, likely)) in enumerate(zip(nearby, everywhere, strict=True))
        if likely
    )
    best = [readings[place] for *_, place in ranked[:MAX_CANDIDATES]]
    return {it.page.codec: _samples(it, best) for it in best}, certain.page.codec if certain else None


def _certain(likely: Sequence[_Likely], elsewhere: Sequence[_Likely] = ()) -> _Reading | None:
    """The reading whose words are of one language, if no language makes as good words of another reading.

    `elsewhere`: readings that are likely in other countries. What they read otherwise must be words in this one all the same, and
    it must be in a code page that programs of today write.
    """
    candidates = sorted(((languages[0], place) for place, (_, languages) in enumerate(likely) if languages))
    if not candidates:
        return None
    (_, language), place = candidates[0]
    best = likely[place][0]
    for other, languages in likely:
        if other is not best and any(not _is_worse(other, rival, best, language) for _, rival in languages):
            return None
    for other, languages in elsewhere:
        if other is not best and languages:
            places = _differing(other, best)
            if best.page.is_rare or best.misfits(language, places) > len(places) * _FEW:
                return None
    return best


def _is_worse(other: _Reading, rival: str, best: _Reading, language: str) -> bool:
    """Whether the words that the two read otherwise are of the one's language and not of the other's."""
    if len(other.words) != len(best.words):
        return False
    places = _differing(other, best)
    return other.misfits(rival, places) - best.misfits(language, places) >= max(1, len(places) * _MOST)


def _differing(other: _Reading, best: _Reading) -> list[int]:
    """The places of the words that two readings read otherwise; all, where the words do not begin at the same bytes."""
    if len(other.words) != len(best.words):
        return list(range(len(best.words)))
    return [place for place, word in enumerate(best.words) if other.words[place] != word]


def _read(lines: Sequence[bytes], page: CodePage) -> _Reading | None:
    """The different words that are not ASCII, in the same order for each code page of one byte a character."""
    try:
        text = b"\n".join(lines).decode(page.codec)
    except UnicodeDecodeError:
        return None
    if page.is_double_byte:
        words = dict.fromkeys(word for word in _WORD.findall(text) if not word.isascii())
    else:
        apart = dict.fromkeys(word for line in lines for word in _APART.split(line) if not word.isascii())
        words = dict.fromkeys(word.decode(page.codec) for word in apart)
    first = list(words)[:MAX_WORDS]
    return _Reading(page, text, first, [fitting_languages(word, page.languages, page.codec) for word in first])


def _distinct(readings: Iterable[_Reading]) -> list[_Reading]:
    """One reading of each text: with the languages of the first code page that reads it so."""
    by_text: dict[str, _Reading] = {}
    for reading in readings:
        first = by_text.get(reading.text)
        if first is None:
            by_text[reading.text] = reading
            continue
        merged = [mine | others for mine, others in zip(first.languages, reading.languages, strict=True)]
        languages = tuple(dict.fromkeys((*first.page.languages, *reading.page.languages)))
        page = CodePage(first.page.codec, first.page.label, languages)
        by_text[reading.text] = first._replace(page=page, languages=merged)
    return list(by_text.values())


def _samples(reading: _Reading, readings: Sequence[_Reading]) -> tuple[str, ...]:
    """Words by which somebody who knows the people can tell the reading: those that others read otherwise."""
    others = [set(it.words) for it in readings if it is not reading]
    telling = [word for word in reading.words if any(word not in words for words in others)]
    return tuple(word[:40] for word in (telling or reading.words)[:MAX_SAMPLES])


def _countries(beginning: bytes) -> frozenset[str]:
    """The countries of the numbers that have their calling code, but for rare ones."""
    numbers = _PHONE.findall(beginning)[:_MAX_NUMBERS] or [
        digits for digits in _DIGITS.findall(beginning)[:_MAX_NUMBERS] if _has_country(digits)
    ]
    counts: dict[str, int] = {}
    for number in numbers:
        digits = re.sub(rb"[^0-9]", b"", number).decode()
        codes = (int(digits[:length]) for length in (1, 2, 3))
        code = next((code for code in codes if code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), None)
        for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code] if code else ():
            counts[region] = counts.get(region, 0) + 1
    return frozenset(region for region, count in counts.items() if count >= len(numbers) * _MIN_SHARE)


def _has_country(number: bytes) -> bool:
    """Whether digits without a plus are a number with its calling code."""
    return phonenumbers.is_valid_number(phonenumbers.parse(f"+{number.decode()}"))
