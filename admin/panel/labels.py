"""Maps what the tables hold to labels, sentences and advice on the screen."""

from typing import NamedTuple

from models.tables.campaign import CampaignOutcome, CampaignStatus, PauseReason
from models.tables.contact import Consent
from models.tables.recipient import NotSent
from models.tables.shop import OptOutState, PhoneReason


class Badge(NamedTuple):
    """A label and its color."""

    text: str
    tone: str


STATUS = {
    CampaignStatus.DRAFT: Badge("Draft", "quiet"),
    CampaignStatus.READY: Badge("Ready", "info"),
    CampaignStatus.SCHEDULED: Badge("Scheduled", "plan"),
    CampaignStatus.ACTIVE: Badge("Active", "good"),
    CampaignStatus.PAUSED: Badge("Paused", "warn"),
    CampaignStatus.ENDED: Badge("Ended", "quiet"),
}
CONSENT = {
    Consent.SUBSCRIBED: Badge("Subscribed", "good"),
    Consent.PENDING: Badge("Pending", "warn"),
    Consent.NOT_SUBSCRIBED: Badge("Not subscribed", "quiet"),
    Consent.UNSUBSCRIBED: Badge("Unsubscribed", "bad"),
    Consent.UNKNOWN: Badge("Unknown", "quiet"),
    Consent.INVALID: Badge("Invalid number", "warn"),
    Consent.REDACTED: Badge("Redacted", "quiet"),
}
RECIPIENT = {
    "queued": Badge("Queued", "quiet"),
    "sending": Badge("Sending", "info"),
    "unsure": Badge("Unsure", "warn"),
    "held": Badge("Held by Meta", "warn"),
    "sent": Badge("Sent", "info"),
    "delivered": Badge("Delivered", "good"),
    "read": Badge("Read", "good"),
    "failed": Badge("Failed", "bad"),
    "not_sent": Badge("Not sent", "quiet"),
}
MESSAGE = {
    "queued": "waiting",
    "sending": "sending",
    "unsure": "not sure whether it arrived",
    "accepted": "sent",
    "refused": "refused",
    "not_sent": "not sent",
}
NOT_SENT = {
    NotSent.EXCLUDED: "Excluded",
    NotSent.DUPLICATE: "Same person twice",
    NotSent.NO_TAGS: "No tag",
    NotSent.INVALID_PHONE: "Impossible number",
    NotSent.UNCLEAR_PHONE: "Unclear number",
    NotSent.MISSING_CALLING_CODE: "No calling code",
    NotSent.NOT_ON_WHATSAPP: "Not on WhatsApp",
    NotSent.NOT_SUBSCRIBED: "Not subscribed",
    NotSent.MARKETING_STOPPED: "Stopped marketing",
    NotSent.OPEN_CASE: "Open case",
    NotSent.ENGAGED: "In another campaign",
    NotSent.MISSING_VARIABLE: "Missing value",
    NotSent.FREQUENCY_CAP: "Had enough already",
    NotSent.BAD_VALUE: "Unusable value",
    NotSent.EXPIRED: "Too late",
    NotSent.OPERATOR: "Left by an operator",
    NotSent.CAMPAIGN_ENDED: "Campaign ended",
}
PHONE_REASON = {
    PhoneReason.NO_PHONE: "No phone in the shop",
    PhoneReason.NOT_A_NUMBER: "Not a phone number",
    PhoneReason.INVALID_PHONE: "Impossible number",
    PhoneReason.MISSING_CALLING_CODE: "No calling code",
    PhoneReason.UNCLEAR_PHONE: "Unclear number",
}
OPT_OUT = {
    OptOutState.PENDING: "to be written",
    OptOutState.WRITTEN: "written to the shop",
    OptOutState.ALREADY_THERE: "already in the shop",
    OptOutState.FROM_SHOP: "came from the shop",
    OptOutState.NEWER_IN_SHOP: "where the shop has a newer consent",
    OptOutState.NO_CUSTOMER: "of customers whom the shop does not have",
    OptOutState.NO_PHONE: "where the shop has no phone or another one",
    OptOutState.REFUSED: "not taken by the shop",
}
PAUSE = {
    PauseReason.OPERATOR: ("Paused by an operator", "Nothing is sent until you resume it."),
    PauseReason.TEMPLATE_PAUSED: (
        "Meta paused the template",
        "People reported or blocked its messages. It comes back after some hours; look at text and audience before you resume.",
    ),
    PauseReason.TEMPLATE_DISABLED: (
        "Meta disabled the template",
        "It cannot be used any more. End this campaign and make another with an approved template.",
    ),
    PauseReason.TEMPLATE_CHANGED: (
        "The template was changed at Meta",
        "Its text, category or variables are not what you approved here. Look at it, then resume or make a new campaign.",
    ),
    PauseReason.TOKEN_REFUSED: (
        "Meta refused the access token",
        "Give the number a new token under Numbers, then resume.",
    ),
    PauseReason.NUMBER_RESTRICTED: (
        "Meta restricted the number",
        "See WhatsApp Manager for why and until when; resume once it is lifted.",
    ),
    PauseReason.PAYMENT: ("Meta could not charge you", "Settle the payment method in Meta's billing hub, then resume."),
    PauseReason.LIMIT_REACHED: (
        "The daily limit of people is reached",
        "Meta allows so many people in 24 hours. It goes on by itself when there is room.",
    ),
    PauseReason.FAILURE_RATE: (
        "Too many messages fail",
        "Look at the errors below: they say whether the list, the template or the number is the cause.",
    ),
    PauseReason.BUDGET: ("The budget is used up", "Raise it or end the campaign."),
    PauseReason.INGEST_LAG: (
        "What comes back is not being processed",
        "Replies and STOPs wait in the webhook's backlog. It goes on once that is worked off.",
    ),
}
VERBS = {
    "start": "Start now",
    "schedule": "Schedule…",
    "unschedule": "Do not start by itself",
    "pause": "Pause",
    "resume": "Resume",
    "end": "End",
}
ROLES = {
    "viewer": "Reads everything, changes nothing",
    "agent": "Answers people: inbox and cases",
    "manager": "Audience, templates, campaigns and flows",
    "admin": "Everything, with numbers, users and settings",
}


def status_badge(status: CampaignStatus, outcome: CampaignOutcome | None) -> Badge:
    """The badge of a campaign: its status, or its outcome while it is active."""
    if status is CampaignStatus.ACTIVE and outcome is not None:
        return {
            CampaignOutcome.PREPARING: Badge("Preparing", "info"),
            CampaignOutcome.SENDING: Badge("Sending", "good"),
            CampaignOutcome.SENT: Badge("Active · sent", "good"),
            CampaignOutcome.PARTIALLY_SENT: Badge("Active · partially sent", "warn"),
            CampaignOutcome.FAILED: Badge("Active · failed", "bad"),
        }[outcome]
    return STATUS[status]
