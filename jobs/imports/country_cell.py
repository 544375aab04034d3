"""Finds a country by its name for the cells of a file. The names, which load slowly, are loaded when the first is asked for."""

from jobs.core.loader import load


def country_named(name: str) -> str | None:
    """The ISO code of a country by its name in one of many languages; None if it is none or means several."""
    code: str | None = load("models.contacts.country_names:country_named")(name)
    return code
