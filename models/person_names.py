"""Reads people's names as systems and people write them: what may stand in a greeting, and what is no name at all.

A name may be turned round at a comma, begin with titles, or be a placeholder that another system left; WhatsApp profiles bring
names of emoji alone. What has no letter is no name. SQLite calls these functions; models.contacts.name_sql says the same to
PostgreSQL.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from models.characters import drop_ignorable, letters, word_characters, word_starts
from models.name_words import (
    BETWEEN_TITLES,
    DOTTED_TITLES,
    ENDINGS,
    FIRST_PLACEHOLDERS,
    PLACEHOLDERS,
    TITLES,
    TITLES_BEFORE_TWO,
)

WHITE_SPACE = "\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What str.split() splits at, as the inside of a regular expression's class."""
COMMAS = ",\u060c\u3001\ufe10\ufe50\uff0c"
ENCLOSING = "()<>[]{}\"'`*.,;:!?~|/\\ =-_$@#&%^+«»‹›“”„‘’…–—·•"
"""What may enclose a placeholder: `(null)`, `<unknown>`, `--none--`, `$first_name`, `«First_Name»`."""
FOREIGN = (
    r"\{\{|\}\}|\*\||\|\*|\{%|<%|\$\{|#\{"
    r"|^(\{.*\}|%.*%|\[.*\]|<.*>|\$.*\$|__.*__|@@.*@@|\|.*\||&&.*&&|##.*##|«.*» «.*»)$"
    r"|^(nan|NaN)$|^[^ @]+@[^ @]+\.[^ @]+$|^(https?://|www\.)"
)
"""What no person is called: a variable that another system did not fill ({{first_name}}, %FNAME%, *|FNAME|*, [Name]), what pandas
writes for nothing, an e-mail address, a URL. Both Python and PostgreSQL read it."""
WORDS = TITLES | TITLES_BEFORE_TWO | DOTTED_TITLES | BETWEEN_TITLES | ENDINGS | PLACEHOLDERS | FIRST_PLACEHOLDERS
LOWER = {
    character.upper(): character
    for character in sorted(set("".join(WORDS)) | set("abcdefghijklmnopqrstuvwxyz"), reverse=True)
    if character.upper() != character and len(character.upper()) == 1
}
"""Upper-case letters of the lists, with their lower case: databases do not agree on lower() beyond ASCII."""
_PLAIN_WORD = "[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]+"
PLAIN = f"{_PLAIN_WORD}(?:[ '-]{_PLAIN_WORD})*"
"""Most names, which no rule changes: what is asked of a million contacts should be short."""
SPECIAL = frozenset(word.split(" ", 1)[0] for word in WORDS) | {"nan"}
"""Words that a plain name does not begin with."""

_PLAIN = re.compile(PLAIN)
_FOREIGN = re.compile(FOREIGN)
_COMMA = re.compile(f"[{COMMAS}]")
_LOWER = str.maketrans(LOWER)


def first_name(first: str | None, name: str | None) -> str | None:
    """The name for a greeting: the whole `first`, else the first word of `name`, without titles. None where neither says it."""
    if not first and name and _is_plain(name):
        return name.partition(" ")[0]
    whole = _first_words(_given(first))
    if whole:
        return _trimmed(" ".join(whole))
    words = _first_words(_given(name))
    return _trimmed(words[0]) if words else None


def full_name(name: str | None, first: str | None, last: str | None) -> str | None:
    """The name in the order in which it is spoken, with its titles; else `first` and `last` joined. None where there is none."""
    if name and _is_plain(name):
        return name
    text = _usable(name)
    if text is None or not _first_words(text):
        return " ".join(filter(None, (_usable(first), _usable(last)))) or None
    parts = _parts(text)
    return f"{parts[1]} {parts[0]}" if len(parts) == 2 else text


def flat_name(text: str | None) -> str:
    """The text on one line, with single spaces; any white space of Unicode separates words."""
    return " ".join((text or "").split())


def _is_plain(name: str) -> bool:
    return _PLAIN.fullmatch(name) is not None and name.partition(" ")[0].lower() not in SPECIAL


def _usable(text: str | None) -> str | None:
    """The flat text; None where it is no name."""
    flat = flat_name(text)
    if not _has_letter(flat) or _FOREIGN.search(flat):
        return None
    if _placeholder_key(flat) in PLACEHOLDERS or _placeholder_key(flat.split(" ", 1)[0]) in FIRST_PLACEHOLDERS:
        return None
    return flat


def _given(text: str | None) -> str | None:
    """The part that begins with the first name; None where that is not certain."""
    usable = _usable(text)
    if usable is None:
        return None
    parts = _parts(usable)
    return parts[-1] if len(parts) <= 2 else None


def _parts(flat: str) -> Sequence[str]:
    """What stands between the commas, without endings such as MD and Ltd: two parts are a surname and a first name."""
    parts = [part.strip(" ") for part in _COMMA.split(flat) if _has_letter(part)]
    return [part for place, part in enumerate(parts) if place == 0 or not _is_ending(part)]


def _is_ending(part: str) -> bool:
    return all(_key(word) in ENDINGS for word in part.split(" ") if _has_letter(word))


def _first_words(given: str | None) -> list[str]:
    """The words from the first name on."""
    words = _split_at_dots(given or "").split(" ")
    for place, word in enumerate(words):
        if _has_letter(word) and not _is_title(word, place, words[place + 1 :]):
            return words[place:]
    return []


def _split_at_dots(text: str) -> str:
    """`Dr.Eva` is two words; `J.K.` is one."""
    return _patterns().dot.sub(". ", text)


def _is_title(word: str, place: int, following: Sequence[str]) -> bool:
    key = _key(word)
    if key in TITLES or word.translate(_LOWER) in DOTTED_TITLES or (place > 0 and key in BETWEEN_TITLES):
        return True
    return key in TITLES_BEFORE_TWO and sum(_has_letter(other) for other in following) >= 2


def _key(word: str) -> str:
    return _patterns().beside.sub("", word.translate(_LOWER))


def _placeholder_key(text: str) -> str:
    return drop_ignorable(text).translate(_LOWER).strip(ENCLOSING)


def _has_letter(text: str) -> bool:
    return _patterns().letter.search(text) is not None


def _trimmed(text: str) -> str:
    """Without what is no letter and no digit around it: emoji, quotation marks, a dot."""
    return _patterns().around.sub("", text)


class _Patterns(NamedTuple):
    letter: re.Pattern[str]
    beside: re.Pattern[str]
    around: re.Pattern[str]
    dot: re.Pattern[str]


@lru_cache(maxsize=1)
def _patterns() -> _Patterns:
    """Compiled at the first use: the classes of characters take a while."""
    return _Patterns(
        letter=re.compile(f"[{letters()}]"),
        beside=re.compile(f"[^{word_characters()}]+"),
        around=re.compile(around_pattern()),
        dot=re.compile(dot_pattern()),
    )


def dot_pattern() -> str:
    """The dot between a title and the name."""
    return rf"\.(?=[{letters()}][{letters()}])"


def around_pattern() -> str:
    """What stands before the first letter or digit, and after the last one or a mark on it."""
    return f"^[^{word_starts()}]+|[^{word_characters()}]+$"
