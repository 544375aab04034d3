"""Reads the moments that the inbox hands to the browser and gets back."""

from datetime import datetime

from flask import abort, request


def read_moment(text: str) -> datetime | None:
    """A moment with its offset, as `isoformat` writes it; None if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def shown_until() -> datetime:
    """The newest moment that the page showed, from its form. Aborts with 400 if it is missing or wrong."""
    moment = read_moment(request.form.get("until", ""))
    if moment is None:
        abort(400)
    return moment
