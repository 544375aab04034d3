"""Tells whether a word can be one of a language, by its letters, its capitals and what else is in it.

A file in an old code page reads as well in every other one, with other letters. What gives a wrong one away are words that no
language of the code page has.
"""

import re
import unicodedata
from functools import lru_cache

from jobs.imports.code_pages import LETTERS

_NOT_LATIN = frozenset({"ru", "uk", "be", "bg", "sr", "mk", "el", "he", "ar", "fa", "ur", "th"})
_BEFORE, _BEHIND, _ALONE = "¿¡“‘„«‚\"'([#", "”’»™®©ªº°€£…“‘\"')]", "–—•·…&€£°º"
_DIGITS = re.compile(r"[0-9.,%/+-]+")
_JOINED = re.compile(r"[-–/’'.,&+()]+")
_SIGN_ON_A_WORD = re.compile(r"[^\W\d_]{2}[°ºª€£¢¥§]")
_ACCENTED = r"[\x80-\U0010ffff]"
_CROWDED = re.compile(rf"{_ACCENTED}{{3}}|({_ACCENTED})\1")
"""Three letters beyond ASCII in a row, or one of them twice, stand in no word of most languages with Latin letters."""
_ALLOW_CROWDED = frozenset({"vi", "fi", "et"})
_CAPITALS = re.compile(r"(?:Mc|Mac|O|D|De|Di|L|Van|Le|La)?")
_DASHES = "–—•·"
_ACCENTED_GREEK = re.compile("[άέήίόύώΐΰ]")
_CAT_DOT = re.compile(r"(?<=l)·(?=l)", re.IGNORECASE)
_OE = re.compile(r"œ(?![uidnt])|(?<=[^bcfhmnpsv])œ", re.IGNORECASE)


def fitting_languages(word: str, languages: tuple[str, ...], codec: str) -> frozenset[str]:
    """Those of the languages that can have the word. It holds at least one character beyond ASCII."""
    if _SIGN_ON_A_WORD.search(word):
        return frozenset()
    core = word.lstrip(_BEFORE).rstrip(_BEHIND)
    if not core or core.isascii():
        return frozenset(languages) if word.strip(_BEFORE + _BEHIND + _ALONE) == "" or core.isascii() else frozenset()
    if all(character in _ALONE for character in core) or _DIGITS.fullmatch(core.strip(_ALONE)):
        return frozenset(languages)
    if core[0] in _DASHES or core[-1] in _DASHES:
        return frozenset()
    parts = [part for part in _JOINED.split(core) if part and not part.isascii()]
    return frozenset(language for language in languages if all(_fits(part, language, codec) for part in parts))


def _fits(part: str, language: str, codec: str) -> bool:
    if not LETTERS[language]:
        return _is_frequent(part, language, codec)
    text = _CAT_DOT.sub("", part) if language == "ca" else part
    beyond = {character for character in text if character > "\x7f"}
    if not beyond <= _letters(language):
        return False
    if language == "el" and (len(_ACCENTED_GREEK.findall(text)) > 1 or re.search("σ$|ς.", text)):
        return False
    if language in _NOT_LATIN:
        return not re.search("[A-Za-z]", text) and _has_usual_capitals(text)
    if language == "fr" and _OE.search(text):
        return False
    if language not in _ALLOW_CROWDED and _CROWDED.search(text):
        return False
    return _has_usual_capitals(text)


@lru_cache(maxsize=64)
def _letters(language: str) -> frozenset[str]:
    letters = LETTERS[language]
    return frozenset(letters + "".join(letter.upper() for letter in letters if len(letter.upper()) == 1))


def _has_usual_capitals(text: str) -> bool:
    """`Muñoz`, `MUÑOZ`, `muñoz`, `McÉna` and `MUñOZ`; not `muÑoz`, and not `MÑoz`."""
    rest = text[_prefix_length(text) :]
    cased = [letter for letter in rest if letter.upper() != letter.lower()]
    if not cased or all(letter.isupper() for letter in cased):
        return True
    for place, letter in enumerate(rest):
        if place and letter.isupper() and letter > "\x7f" and rest[place - 1].islower():
            return False
        if place and letter.isupper() and place + 1 < len(rest) and rest[place + 1].islower():
            return rest[place - 1] > "\x7f" and not rest[place - 1].isalpha()
    return True


def _prefix_length(text: str) -> int:
    found = _CAPITALS.match(text)
    end = found.end() if found else 0
    return end if end and text[end : end + 1].isupper() else 0


def _is_frequent(part: str, language: str, codec: str) -> bool:
    """Whether all characters are among the frequent ones, which stand together in the code page of the language."""
    if re.search("[A-Za-z]", part) and not re.fullmatch(r"[A-Za-z]*[^A-Za-z]+", part):
        return False
    for character in part:
        if character <= "\x7f":
            continue
        code = character.encode(codec, errors="replace")
        if len(code) != 2 or not _is_level_one(character, code, language, codec):
            return False
    return True


def _is_level_one(character: str, code: bytes, language: str, codec: str) -> bool:
    lead, trail = code
    if unicodedata.category(character)[0] in "PZ":
        return True
    if language == "ja":
        return "\u3041" <= character <= "\u30fe" or 0x88 <= lead <= 0x98 or character in "々〆"
    if codec == "gbk":
        return 0xB0 <= lead <= 0xD7 and trail >= 0xA1
    return 0xB0 <= lead <= 0xC8 and trail >= 0xA1 if language == "ko" else 0xA4 <= lead <= 0xC6
