"""Characters that nobody sees are dropped, whatever plane of Unicode they stand in."""

import sys
import unicodedata

from models.characters import drop_ignorable


def test_every_format_character_of_unicode_is_dropped() -> None:
    kept = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) == "Cf" and not chr(code).isascii() and drop_ignorable(chr(code))
    ]
    assert kept == []


def test_what_is_drawn_stays() -> None:
    assert drop_ignorable("a\u200b\u00e9\ufe0f\U000e0041 \u0663") == "a\u00e9 \u0663"
