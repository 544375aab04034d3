"""Writes values as cells of an exported list."""

from collections.abc import Mapping

from models.tables.contact import Contact


def phone_cell(contact: Contact) -> str | None:
    """The phone in E.164, else the number that WhatsApp knows, else what was imported."""
    return contact.phone or (f"+{contact.wa_id}" if contact.wa_id else contact.raw_phone)


def tags_cell(tags: Mapping[str, str | None]) -> str:
    """Tags as an import reads them: `vip;city=Madrid`, in quotes what holds a separator."""
    return ";".join(_quoted(name if value is None else f"{name}={value}") for name, value in sorted(tags.items()))


def _quoted(text: str) -> str:
    return f'"{text}"' if any(letter in text for letter in ";|,\n\t") and '"' not in text else text
