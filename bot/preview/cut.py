"""Finds where the phone cuts a long text and offers "Read more".

Meta's documents give no numbers for it. A marketing template shows about five lines (WhatsApp's text truncation of 2024, as
providers describe it), any other message 768 characters (what WhatsApp's apps are seen to do). Lines depend on the phone's
width and font size, so they are estimated for a usual phone.
"""

import unicodedata

MARKETING_LINES = 5
CHARACTERS = 768
LINE_WIDTH = 36
"""Average letters on a line of a bubble 300 pixels wide; a letter of a wide script and an emoji count as two."""


def cut_of(text: str, *, is_marketing: bool) -> int | None:
    """The number of characters that are visible before "Read more"; None if the whole text is."""
    return _after_lines(text, MARKETING_LINES) if is_marketing else _after_characters(text)


def _after_characters(text: str) -> int | None:
    return CHARACTERS if len(text) > CHARACTERS else None


def _after_lines(text: str, lines: int) -> int | None:
    """The place at which the line after `lines` begins, None if there is none. Words are kept whole where they fit on a line."""
    used, width = 1, 0
    begins = word = 0  # of the line, and of the word that is being read
    for place, character in enumerate(text):
        if character == "\n":
            used, width, begins, word = used + 1, 0, place + 1, place + 1
            if used > lines:
                return place if text[place:].strip() else None
            continue
        width += _width(character)
        if character.isspace():
            word = place + 1
        elif width > LINE_WIDTH:
            begins = word if word > begins else place
            width, word, used = sum(map(_width, text[begins : place + 1])), begins, used + 1
            if used > lines:
                return begins
    return None


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
