"""Classes of characters: letters, words, and what nobody sees (default-ignorable ones, which come along when text is copied)."""

import re
import unicodedata
from functools import lru_cache

# Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt), beyond the format characters (Cf), which
# unicodedata knows: joiners, fillers, variation selectors, and what is reserved for more of them.
_BEYOND_FORMAT = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff"
)
_WITH_FORMAT = range(0x20000)
"""Planes 0 and 1, the only ones with format characters besides the range at the end of _BEYOND_FORMAT."""
_LETTERS_END = 0x33480
"""Behind the last letter of Unicode 17 and its ideographs; no character after it but tags and selectors."""
_IGNORABLE_CLASS = (
    "["
    + _BEYOND_FORMAT
    + "".join(re.escape(chr(code)) for code in _WITH_FORMAT if unicodedata.category(chr(code)) == "Cf")
    + "]+"
)
_IGNORABLE = re.compile(_IGNORABLE_CLASS)


def drop_ignorable(text: str) -> str:
    """The text without characters that are never drawn.

    Joiners inside emoji and Indic words go too: for comparing and reading, not for showing.
    """
    return text if text.isascii() else _IGNORABLE.sub("", text)


def ignorable_pattern() -> str:
    """What `drop_ignorable` drops, as a regular expression for Python and PostgreSQL."""
    return _IGNORABLE_CLASS


@lru_cache(maxsize=1)
def letters() -> str:
    """All letters that are drawn, as the inside of a regular expression's class for Python and PostgreSQL."""
    return _class_of("L")


@lru_cache(maxsize=1)
def word_starts() -> str:
    """Letters and digits, as such a class."""
    return _class_of("LN")


@lru_cache(maxsize=1)
def word_characters() -> str:
    """Letters, digits and the marks on them, as such a class."""
    return _class_of("LNM")


def _class_of(categories: str) -> str:
    """Ranges of the characters whose category begins with one of these. Unassigned ones do not end a range, so there are fewer."""
    ranges: list[list[int]] = []
    is_open = False
    for code in range(_LETTERS_END):
        character = chr(code)
        category = unicodedata.category(character)
        if category[0] in categories and drop_ignorable(character):
            if is_open:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
            is_open = True
        elif category != "Cn":
            is_open = False
    return "".join(chr(first) if first == last else f"{chr(first)}-{chr(last)}" for first, last in ranges)
