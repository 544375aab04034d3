"""Says what to do about a template that Meta does not let be sent, by its status and its reason (docs/meta.md §5.5)."""

from models.text import Text

_REASONS = {
    "ABUSIVE_CONTENT": "Meta found threats or abuse in it. Rewrite the text, then submit it again.",
    "INCORRECT_CATEGORY": "The text belongs to another category. Choose that category or change the text, then submit it again.",
    "INVALID_FORMAT": "Meta could not read it: look at variables, samples and links, then submit it again.",
    "PROMOTIONAL": "The text advertises. Make its category marketing, or take the offer out, then submit it again.",
    "SCAM": "Meta takes it for a fraud. Name your business, link to your own site, then submit it again.",
    "TAG_CONTENT_MISMATCH": "Language or category do not fit the text. Correct them, then submit it again.",
    "CATEGORY_NOT_AVAILABLE": "Your account may not use this category. Choose another, then submit it again.",
}
_STATUSES = {
    "DRAFT": "Submit it to Meta, which reviews it, usually within minutes.",
    "PENDING": "Wait: Meta reviews it, usually within minutes, at most a day.",
    "IN_APPEAL": "Wait: Meta looks at your appeal.",
    "REJECTED": "Change it and submit it again, or appeal in WhatsApp Manager within 60 days.",
    "PAUSED": "People blocked or reported it: improve text and audience. A pause for quality ends by itself; lift one for pacing.",
    "DISABLED": "It can never be sent again. Make a new template with another name.",
    "FLAGGED": "Its quality is low: improve the text before Meta pauses it.",
    "LOCKED": "It cannot be edited now. Try again later, or make a new template.",
    "LIMIT_EXCEEDED": "The account has too many templates. Delete some that nobody uses.",
    "ARCHIVED": "Unarchive it in WhatsApp Manager; after 28 days Meta deletes it.",
    "PENDING_DELETION": "Meta deletes it. Its name is free again after 30 days.",
    "DELETED": "Make a new template; the name is free again 30 days after the deletion.",
}


def template_advice(status: str, reason: str | None = None) -> Text | None:
    """What to do, None if there is nothing. `reason` is Meta's word for a rejection."""
    said = _REASONS.get((reason or "").upper()) if status.upper() == "REJECTED" else None
    said = said or _STATUSES.get(status.upper())
    return Text(said) if said else None
