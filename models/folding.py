"""Folds text for comparing: case, accents and width do not matter, nor do strokes and what is never drawn."""

import unicodedata

# Letters that Unicode does not take apart, as they are typed on other keyboards; in Turkish ı is the lower case of I.
STROKES = {"ı": "i", "İ": "i", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ø": "o", "Ø": "O", "ħ": "h", "Ħ": "H"}
_WITHOUT_STROKE = str.maketrans(STROKES)
DROPPED = frozenset({"Mn", "Me", "Cf"})
"""Categories of what goes: accents and other marks without a width, and format characters."""


def fold_letters(text: str) -> str:
    """The text in lower case, without accents, in one width; white space and punctuation stay.

    PostgreSQL has the same as the function hark_fold, SQLite calls this one.
    """
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.translate(_WITHOUT_STROKE))  # before folding: 𝐒𝐓𝐎𝐏 has no lower case
    folded = unicodedata.normalize("NFKD", plain.casefold())
    return "".join(character for character in folded if unicodedata.category(character) not in DROPPED)
