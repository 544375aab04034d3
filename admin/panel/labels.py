"""Maps what the tables hold to labels, sentences and advice on the screen."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from models.billing.price_types import FREE_ENTRY_POINT, FREE_SERVICE, PAID_EXEMPT
from models.tables.browser_session import EndReason, SignInMethod
from models.tables.campaign import CampaignOutcome, CampaignStatus, CampaignType, PauseReason
from models.tables.contact import Consent
from models.tables.phone_link import LinkOutcome
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
TYPE = {
    CampaignType.PROMOTIONAL: "Promotional",
    CampaignType.INFORMATIONAL: "Informational",
    CampaignType.CATALOG: "Catalog",
}
PRICING = {
    FREE_SERVICE: "free: inside the 24-hour window",
    FREE_ENTRY_POINT: "free: from a free entry point",
    PAID_EXEMPT: "free: governments and non-profits",
}
STARTED = frozenset({CampaignStatus.ACTIVE, CampaignStatus.PAUSED, CampaignStatus.ENDED})
LINK_OUTCOME = {
    LinkOutcome.LINKED: "",
    LinkOutcome.PHONE_TAKEN: "The phone that sent the newest code is linked to another user. Unlink it there first.",
    LinkOutcome.PHONE_HIDDEN: "WhatsApp does not show us the number of the phone that sent the newest code.",
}
SIGN_IN_METHOD = {
    SignInMethod.PASSWORD: "password",
    SignInMethod.TOTP: "password and app",
    SignInMethod.RECOVERY_CODE: "password and recovery code",
    SignInMethod.PASSKEY: "passkey",
    SignInMethod.SINGLE_SIGN_ON: "single sign-on",
    SignInMethod.SINGLE_SIGN_ON_MFA: "single sign-on with several factors",
}
SESSION_END = {
    EndReason.SIGNED_OUT: "signed out",
    EndReason.ENDED_BY_USER: "ended from the list",
    EndReason.ENDED_BY_ADMIN: "an administrator ended it",
    EndReason.FACTOR_ADDED: "a second factor was set up",
    EndReason.FACTORS_RESET: "the second factor was reset",
    EndReason.REPLACED: "signed in again in the same browser",
    EndReason.PASSWORD_CHANGED: "the password was changed",
    EndReason.PASSWORD_RESET: "an administrator reset the password",
    EndReason.ROLE_CHANGED: "the role was changed",
    EndReason.DEACTIVATED: "kept out by an administrator",
    EndReason.IDLE: "not used for long",
    EndReason.TOO_OLD: "too old",
    EndReason.RESTORED: "the database was put back from a copy",
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
    NotSent.NO_LANGUAGE: "No language for them",
    NotSent.NO_PHONE_FOR_MAX_PRICE: "No phone, for a maximum price",
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
        "The template can no longer be used",
        "Meta disabled, rejected or removed it. End this campaign and make another with an approved template.",
    ),
    PauseReason.TEMPLATE_CHANGED: (
        "The template was changed at Meta",
        "Its text, category or variables are not what you approved here. Look at it, then resume or make a new campaign.",
    ),
    PauseReason.QUALITY: (
        "Meta rates the template’s quality red",
        "People report or block its messages, and Meta pauses such a template soon. Go on with another template or audience.",
    ),
    PauseReason.TEMPLATE_REFUSED: (
        "Meta does not take this template here",
        "Nobody changed it: the account or this way of sending is not allowed for it. See below for what Meta says.",
    ),
    PauseReason.MEDIA_REFUSED: (
        "Meta could not take the picture, video or document",
        "Check that its link opens for everybody and that it has a type and size that WhatsApp takes, then resume.",
    ),
    PauseReason.TOKEN_REFUSED: (
        "Meta refused the access token",
        "Give the number a new token under Numbers, then resume.",
    ),
    PauseReason.NUMBER_RESTRICTED: (
        "Meta does not let the number send",
        "See WhatsApp Manager for why and until when; resume once it may send again.",
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
    PauseReason.BUDGET: ("The balance does not cover it", "Raise the balance or end the campaign."),
    PauseReason.INGEST_LAG: (
        "What comes back is not being processed",
        "Replies and STOPs wait in the webhook's backlog. It goes on once that is worked off.",
    ),
    PauseReason.DATABASE_RESTORED: (
        "The database was put back from a copy",
        "Who may have got the message after the copy was made is marked as unsure. Resume to write to the rest.",
    ),
    PauseReason.NOT_SERVED: (
        "Hark did not run for a long time",
        "Look whether the message still makes sense at this hour, then resume.",
    ),
    PauseReason.LAUNCH_STOPPED: (
        "The audience could not be prepared",
        "Nothing is sent until you resume it. Restore what is missing first, or end the campaign.",
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


OUTCOME = {
    CampaignOutcome.PREPARING: Badge("preparing", "info"),
    CampaignOutcome.SENDING: Badge("sending", "good"),
    CampaignOutcome.SENT: Badge("sent", "good"),
    CampaignOutcome.PARTIALLY_SENT: Badge("partially sent", "warn"),
    CampaignOutcome.FAILED: Badge("failed", "bad"),
}
WARN_ABOVE_PCT = 5.0
"""A partially sent campaign is marked with a warning above this share of people without their message: a few never get it."""


def status_badge(status: CampaignStatus, outcome: CampaignOutcome | None, stats: Mapping[str, Any] | None) -> Badge:
    """The badge of a campaign: its status and, once it has started, its outcome, which stays after the end.

    `stats`: the public statistics; None if the campaign was deleted meanwhile.
    """
    if outcome is None or status not in STARTED:
        return STATUS[status]
    badge, early = OUTCOME[outcome], _released(stats)
    if outcome in {CampaignOutcome.PREPARING, CampaignOutcome.SENDING} and status is not CampaignStatus.ENDED:
        return Badge(badge.text.capitalize(), badge.tone) if status is CampaignStatus.ACTIVE else STATUS[status]
    if outcome is CampaignOutcome.FAILED and early and stats and not stats["failed"]:
        return Badge("Ended early · nothing sent", "quiet")
    tone = badge.tone
    if outcome is CampaignOutcome.PARTIALLY_SENT and lost_pct(stats) <= WARN_ABOVE_PCT:
        tone = "good"
    if status is CampaignStatus.PAUSED:
        tone = STATUS[status].tone
    return Badge(f"{'Ended early' if early else STATUS[status].text} · {badge.text}", tone)


def lost_pct(stats: Mapping[str, Any] | None) -> float:
    """The share of the eligible people who did not get their message or of whom nobody knows, in percent."""
    if stats is None or not stats["eligible"]:
        return 0.0
    return float(100 * (stats["failed"] + stats["unsure"] + stats["held"]) / stats["eligible"])


def _released(stats: Mapping[str, Any] | None) -> int:
    """How many people were still waiting when the campaign ended."""
    return int(stats["not_sent"].get(NotSent.CAMPAIGN_ENDED.value, 0)) if stats else 0


def pricing(kind: str | None, is_billed: bool | None) -> str:
    """What a type of Meta's pricing means (docs/meta.md §7.5)."""
    if is_billed is None:
        return "Meta has not said"
    if is_billed:
        return "charged"
    return PRICING.get((kind or "").lower(), "free")
