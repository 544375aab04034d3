"""Collects the words of a file's consent column that are none of Hark's, so that an operator can say what they mean."""

from pathlib import Path

from jobs.imports.reader import NO_CHOICES, SheetChoices, open_sheet
from models.imports.contact_row import IMPORTABLE

MAX_WORDS = 30
"""A column with more words than an operator can answer for holds something else than consent."""
MAX_CHARACTERS = 100


def unknown_consent_words(path: Path, column: str, choices: SheetChoices = NO_CHOICES) -> list[str]:
    """The words in lower case, in the order of the file, `MAX_WORDS` at the most; empty where the file has no such column.

    Raises BadFileError if the file cannot be read.
    """
    words: dict[str, None] = {}
    with open_sheet(path, choices) as sheet:
        if column not in sheet.header.names:
            return []
        place = sheet.header.names.index(column)
        for line in sheet.lines:
            word = line.cells[place].strip().lower()[:MAX_CHARACTERS] if place < len(line.cells) else ""
            if word and word not in IMPORTABLE:
                words[word] = None
            if len(words) >= MAX_WORDS:
                break
    return list(words)
