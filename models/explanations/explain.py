"""Explains a campaign for one person: from the rows once it was started, else by asking every rule now."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.explanations.judged import explain_judged
from models.explanations.recorded import explain_recorded
from models.explanations.steps import Explanation
from models.tables.campaign import Campaign
from models.tables.contact import Contact
from models.text import Text


def explain(session: Session, campaign: Campaign, contact: Contact, now: datetime, time_zone: str) -> Explanation:
    """Explain why the contact gets the campaign's message, or does not. `time_zone`: for days in values."""
    if campaign.started_at is not None:
        return explain_recorded(session, campaign, contact, now)
    if contact.redacted_at is not None:
        return Explanation(True, now, Text("The person was redacted: nobody writes to them any more."), ())
    return explain_judged(session, campaign, contact, now, time_zone)
