"""Says which error a recipient shows: that of a message that failed or is still tried, none beside one that arrived."""

from models.stored_texts import NO_REASON, show_stored
from models.tries.rows import ARRIVED


def recipient_error(status: str, code: int | None, stored: str | None) -> tuple[int | None, str | None]:
    """Return (Meta's code, what it means) for a status of models.tables.recipient; None for neither.

    A failure for which Meta gave no code and no text says so.
    """
    if status in ARRIVED:
        # Meta may report a failure of another attempt after it; the row keeps it, and its status does not change.
        return None, None
    text = show_stored(stored) or None
    if status == "failed" and not code and text is None:
        text = NO_REASON().translated()
    return code or None, text


def recipient_error_line(status: str, code: int | None, stored: str | None) -> str:
    """The error of `recipient_error` in one line (`131026: …`); empty for none."""
    shown_code, text = recipient_error(status, code, stored)
    return f"{shown_code}: {text}" if shown_code and text else text or ""
