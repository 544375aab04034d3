"""Characters that nobody sees: Unicode's default-ignorable ones, which come along when text is copied from a chat or a page."""

import re
import unicodedata

# Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt), beyond the format characters (Cf), which
# unicodedata knows: joiners, fillers, variation selectors, and what is reserved for more of them.
_BEYOND_FORMAT = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff"
)
_WITH_FORMAT = range(0x20000)
"""Planes 0 and 1, the only ones with format characters besides the range at the end of _BEYOND_FORMAT."""
_IGNORABLE = re.compile(
    "["
    + _BEYOND_FORMAT
    + "".join(re.escape(chr(code)) for code in _WITH_FORMAT if unicodedata.category(chr(code)) == "Cf")
    + "]+"
)


def drop_ignorable(text: str) -> str:
    """The text without characters that are never drawn.

    Joiners inside emoji and Indic words go too: for comparing and reading, not for showing.
    """
    return text if text.isascii() else _IGNORABLE.sub("", text)
