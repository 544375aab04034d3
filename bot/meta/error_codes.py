"""Maps Meta's error codes to an action, a text and advice. The sender and the ingest read the same table.

It applies to a Graph `error` object with a numeric code alone (docs/meta.md §3.2). An unknown code is tried again if Meta calls it
transient, else that recipient fails; the guardrails pause the campaign when many fail alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from models.retry.rule import TemporaryFailure
from models.tables.campaign import PauseReason


class ErrorAction(StrEnum):
    """How the sender reacts to a refusal."""

    RETRY = "retry"
    """Try this recipient again after a delay, at most `tries` times; then it fails."""
    RETRY_PAIR = "retry_pair"
    """Try this recipient again after a growing delay; others are not affected."""
    THROTTLE = "throttle"
    """Halve the number's rate and try this recipient again; throttling fails nobody."""
    HOLD = "hold"
    """Stop sending on the number for a time, then begin with this recipient."""
    FAIL = "fail"
    FAIL_SUPPRESS = "fail_suppress"
    """The recipient fails, and the contact is suppressed for later messages (`suppress`: `all` or `marketing`)."""
    PAUSE = "pause"
    """Pause the campaign; the recipient goes back to the queue. With a delay, the campaign goes on by itself after it."""
    STOP = "stop"
    """Stop everything on this number; the recipient goes back to the queue."""


HALF = 0.5
NEARLY_ALL = 0.8
"""For refusals that depend on the person: some are normal, but if nearly all recipients get them, the audience is wrong."""


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """One row of the table.

    `delays_seconds`: the wait before the first, second, … new try; the last one repeats. `tries`: how often a transient failure
    is tried again before the recipient fails; None: without limit. `max_share`: the share of the last messages that may fail with
    this code before the campaign pauses (jobs.sending.failure_rate); None: it never pauses the campaign. `falls_back`: a marketing
    message that the Marketing Messages API refused with this code goes by the Cloud API, where the number's owner chose so.
    `again_after`: how long after a first, second, … failed try the campaign may try again (models.retry); empty: it is no passing
    failure. `is_certainly_undelivered`: Meta names a cause that she finds before she delivers, so a failure that she reports after
    she accepted the message is certain too; without it only her answer to the request is.
    """

    action: ErrorAction
    text: str
    advice: str
    delays_seconds: tuple[float, ...] = ()
    tries: int | None = None
    reason: PauseReason | None = None
    suppress: str | None = None
    max_share: float | None = HALF
    falls_back: bool = False
    again_after: tuple[timedelta, ...] = ()
    is_certainly_undelivered: bool = False

    @property
    def pause_seconds(self) -> float | None:
        """How long a campaign that this rule pauses waits before it goes on by itself; None: until somebody resumes it."""
        return self.delays_seconds[0] if self.action is ErrorAction.PAUSE and self.delays_seconds else None

    def delay_seconds(self, failures: int) -> float:
        """Return the seconds to wait before the next try, after `failures` earlier retries."""
        return self.delays_seconds[min(failures, len(self.delays_seconds) - 1)] if self.delays_seconds else 1.0


P = PauseReason
TRANSIENT = (3.0, 15.0, 60.0)
MINUTES = (120.0, 300.0, 900.0)
AGAIN = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
DAYS_LATER = tuple(timedelta(days=days) for days in (1, 2, 4, 8))
"""Whoever keeps trying is refused for longer (docs/meta.md §4.6)."""
PAIR = (4.0, 16.0, 64.0, 256.0)
THROTTLED = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)


def _retry(text: str, delays: tuple[float, ...] = TRANSIENT, tries: int | None = 3) -> ErrorRule:
    return ErrorRule(ErrorAction.RETRY, text, "Hark tries again by itself.", delays, tries, again_after=AGAIN)


def _fail(text: str, advice: str, *, max_share: float | None = HALF) -> ErrorRule:
    return ErrorRule(ErrorAction.FAIL, text, advice, max_share=max_share)


def _suppress(text: str, messages: str, advice: str) -> ErrorRule:
    return ErrorRule(ErrorAction.FAIL_SUPPRESS, text, advice, suppress=messages, max_share=None)


def _pause(text: str, reason: PauseReason, advice: str, *, falls_back: bool = False) -> ErrorRule:
    return ErrorRule(ErrorAction.PAUSE, text, advice, reason=reason, falls_back=falls_back)


def _stop(text: str, reason: PauseReason, advice: str) -> ErrorRule:
    return ErrorRule(ErrorAction.STOP, text, advice, reason=reason)


NEW_TOKEN = "Make a new token for the system user, with both WhatsApp permissions, and store it for the number."  # noqa: S105
FIX_MAPPING = "Compare the campaign's variables and media with the template, then resume."
SEE_META = "Look at the account in WhatsApp Manager."
SEE_MARKETING = (
    "Look at the number: whether it sends by the Marketing Messages API, and whether its account is onboarded."
)
OTHER_COUNTRIES = "The others get theirs. Leave the country out of the audience; WhatsApp Manager says what it takes."
LATER = "Try again after 24 hours, or let the campaign do so: Try again on its page."

MARKETING_OFF = 131063

TABLE: Mapping[int, ErrorRule] = {
    0: _stop("Meta does not accept the access token.", P.TOKEN_REFUSED, NEW_TOKEN),
    1: _retry("Meta reports an unknown error."),
    2: _retry("Meta is down or overloaded for a moment."),
    3: _stop("The app lacks a capability or permission.", P.TOKEN_REFUSED, NEW_TOKEN),
    4: ErrorRule(ErrorAction.HOLD, "The app reached its limit of API calls.", "Hark waits and goes on.", MINUTES),
    10: _stop("A permission was not granted or was taken away.", P.TOKEN_REFUSED, NEW_TOKEN),
    33: _stop("The number's id does not exist (any more).", P.NUMBER_RESTRICTED, "Check the number's id."),
    100: _fail("Meta does not accept a parameter of the message.", FIX_MAPPING),
    190: _stop("The access token expired or was withdrawn.", P.TOKEN_REFUSED, NEW_TOKEN),
    368: _stop("The account is restricted for a breach of policy.", P.NUMBER_RESTRICTED, SEE_META),
    613: _retry("Meta's limit of calls was reached.", MINUTES, None),
    80007: ErrorRule(ErrorAction.HOLD, "The account reached its limit of API calls.", "Hark waits and goes on.", MINUTES),
    130403: _suppress("Your business has blocked this person.", "all", "Unblock the person to write to them again."),
    130429: ErrorRule(ErrorAction.THROTTLE, "The number sent faster than Meta allows.", "Hark slowed down by itself.", THROTTLED,
        again_after=AGAIN, is_certainly_undelivered=True),
    130472: _fail(
        "The person is in one of Meta's experiments and gets no marketing messages.",
        "Do not repeat this campaign for them; write to them in a later one.",
        max_share=None,
    ),
    130497: _fail("The account may not write to people in this country.", OTHER_COUNTRIES, max_share=NEARLY_ALL),
    131000: _retry("Meta could not send it for an unknown reason."),
    131005: _stop("Access was denied.", P.TOKEN_REFUSED, NEW_TOKEN),
    131008: _pause("A required parameter is missing.", P.TEMPLATE_CHANGED, FIX_MAPPING),
    131009: _fail("A value in the message is not valid.", "Check the contact's number and values."),
    131016: _retry("Meta's service is not available for a moment."),
    131021: _fail(
        "The recipient is the sending number itself.", "Take your own number out of the audience.", max_share=None
    ),
    131026: _fail("Undeliverable: probably not on WhatsApp.", "After two such answers the contact is left out."),
    131030: _fail("Meta's test number may write only to its list of five.", "Add the number to the list at Meta."),
    131031: _stop("The account is locked.", P.NUMBER_RESTRICTED, SEE_META),
    131037: _stop("The number's display name is not approved.", P.NUMBER_RESTRICTED, SEE_META),
    131042: _stop("There is a problem with the payment method.", P.PAYMENT, "Mend the payment method in Meta's billing."),
    131045: _stop("The number is not registered correctly.", P.NUMBER_RESTRICTED, "Register the number again."),
    131047: _fail("The 24-hour window is closed.", "Send a template instead."),
    131048: _stop("Too many people blocked or reported this number.", P.NUMBER_RESTRICTED, "Wait until its quality recovers."),
    131049: ErrorRule(
        ErrorAction.FAIL, "Meta kept it back: the person had enough marketing messages.", LATER, max_share=NEARLY_ALL,
        again_after=DAYS_LATER, is_certainly_undelivered=True,
    ),
    131050: _suppress("The person stopped marketing messages from you.", "marketing", "They can allow them again."),
    131044: _fail("There is a problem with the payment of calls.", "Mend the payment method in Meta's billing; campaigns go on."),
    131051: _fail("Meta does not support this type of message.", "Send it as another type, or as a template."),
    131052: _fail("A file that the person sent could not be fetched.", "Ask them to send it again, below 100 MB."),
    131053: _pause("Meta could not fetch the picture, video or document.", P.MEDIA_REFUSED, "Check the medium, then resume."),
    131055: _pause("This template cannot be sent this way.", P.TEMPLATE_REFUSED, SEE_MARKETING, falls_back=True),
    131056: ErrorRule(
        ErrorAction.RETRY_PAIR, "Too many messages to this person in a short time.", "Hark waits for this person.", PAIR,
        again_after=AGAIN, is_certainly_undelivered=True,
    ),
    131057: ErrorRule(ErrorAction.HOLD, "Meta maintains the number for a moment.", "Hark waits a minute.", (60.0,)),
    131060: _fail("The message this refers to is not available.", "It was written in the phone's app, or is gone."),
    131061: _pause(
        "The template has a maximum price, which the Cloud API does not take.",
        P.TEMPLATE_REFUSED,
        "Let the number send by the Marketing Messages API, or take the maximum price out of the template; then resume.",
    ),
    131062: _fail("This message cannot be sent to a user id.", "Add the contact's phone number."),
    MARKETING_OFF: _pause(
        "Marketing is switched off on the Cloud API for this account.", P.TEMPLATE_REFUSED, SEE_MARKETING, falls_back=True
    ),
    131064: _pause(
        "Meta limits this account's utility messages for wrongly classified templates.",
        P.NUMBER_RESTRICTED,
        "Marketing and authentication are not concerned. WhatsApp Manager says until when; resume after that.",
    ),
    131065: _fail("A maximum price is not possible in this person's country.", OTHER_COUNTRIES, max_share=NEARLY_ALL),
    131070: _fail(
        "Another system answers this person for your business now.",
        "An agent has to take the conversation back there before Hark can write.",
        max_share=None,
    ),
    132000: _pause("The number of variables is not the template's.", P.TEMPLATE_CHANGED, FIX_MAPPING),
    132001: _pause("The template does not exist in this language, or is not approved.", P.TEMPLATE_DISABLED, "Sync the templates."),
    132005: _fail("With this contact's values the text is too long.", "Shorten the contact's values, or the template's text."),
    132007: _pause("The template's content breaks a policy.", P.TEMPLATE_DISABLED, "Change the template at Meta."),
    132008: _fail("A value for the template is not valid.", "Correct the contact's value: no line breaks, not empty."),
    132012: _pause("A value's type is not the template's.", P.TEMPLATE_CHANGED, FIX_MAPPING),
    132015: _pause("Meta paused the template for low quality.", P.TEMPLATE_PAUSED, "Wait until Meta approves it again."),
    132016: _pause("Meta disabled the template.", P.TEMPLATE_DISABLED, "Use another template."),
    132018: _fail("A value for the template is one that Meta refuses.", "No line breaks, no runs of spaces, not empty."),
    132068: _pause("The template's form is blocked.", P.TEMPLATE_DISABLED, SEE_META),
    132069: _pause("The template's form is throttled.", P.TEMPLATE_DISABLED, SEE_META),
    133000: _stop("The number's deregistration is incomplete.", P.NUMBER_RESTRICTED, "Register the number again."),
    133004: _retry("Meta's server is not available for a moment."),
    133010: _stop("The number is not registered.", P.NUMBER_RESTRICTED, "Register the number."),
    134011: _pause(
        "The terms of WhatsApp Payments are not accepted.",
        P.TEMPLATE_REFUSED,
        "Accept them in WhatsApp Manager, or use a template without payments. Other messages of the number go on.",
    ),
    134100: _pause(
        "Only marketing templates can be sent this way.", P.TEMPLATE_REFUSED, "Sync the templates, then resume.", falls_back=True
    ),
    134101: ErrorRule(
        ErrorAction.PAUSE,
        "Meta still prepares the template.",
        "The campaign goes on by itself in ten minutes.",
        (600.0,),
        reason=P.TEMPLATE_REFUSED,
        falls_back=True,
    ),
    134102: _pause("The template is not available.", P.TEMPLATE_DISABLED, "Sync the templates.", falls_back=True),
    135000: _retry("Meta could not send it; it gives no reason.", (10.0,), 1),
    137000: _fail(
        "The person's identity has changed, such as with a new phone.",
        "Make sure that it is still the same person; Meta takes messages again once they write to you.",
        max_share=None,
    ),
    2593109: _fail("The business shares no history of its phone app.", "Nothing: messages go on; older chats stay in the app."),
} | {
    code: _stop("The number is not registered or not verified.", P.NUMBER_RESTRICTED, "Register the number.")
    for code in (133005, 133006, 133008, 133009, 133015, 133016)
}  # fmt: skip

NOT_OF_CAMPAIGNS = "Campaigns are not concerned."
FAMILIES: Sequence[tuple[range, ErrorRule]] = (
    (
        range(138000, 138019),
        _fail("Calls are not possible on this number.", f"Set up calls in WhatsApp Manager. {NOT_OF_CAMPAIGNS}"),
    ),
    (
        range(138038, 138039),
        _fail("Another number is the primary one for calls.", f"Call from that number. {NOT_OF_CAMPAIGNS}"),
    ),
    (
        range(139000, 139005),
        _pause(
            "Meta does not send the template's form.",
            P.TEMPLATE_REFUSED,
            "Publish the form at Meta again, then resume.",
        ),
    ),
    (
        range(139100, 139104),
        _fail("Meta did not change the list of people whom you block.", "Try again; the list takes 64,000."),
    ),
    (
        range(147001, 147006),
        _fail("Meta does not give you this username.", f"WhatsApp Manager says what it takes. {NOT_OF_CAMPAIGNS}"),
    ),
    (
        range(2388000, 2389000),
        _fail("Meta refuses what was asked about a template.", "The template's page says what Meta wants changed."),
    ),
    (
        range(2494000, 2495000),
        _fail("Meta does not take an uploaded file, a sign-up link or a hand-over.", "Do that step again."),
    ),
)
"""Codes that Meta gives in rows, mostly to other calls than sending (docs/meta.md §3.2)."""

PERMISSION = _stop("The access token lacks a permission.", P.TOKEN_REFUSED, NEW_TOKEN)
UNKNOWN_TRANSIENT = _retry("Meta calls this error transient.")
UNKNOWN = _fail(
    "Meta refused it with a code that Hark does not know.", "Read what Meta says, and look the code up in Meta's list."
)
CONNECTION = ErrorRule(
    ErrorAction.RETRY, "Meta could not be reached.", "Hark tries again by itself.", (2.0, 4.0, 8.0, 16.0, 30.0)
)


def known_rule(code: int) -> ErrorRule | None:
    """Return the rule for a code of Meta's that is known, by itself or as one of a family; else None."""
    if code in TABLE:
        return TABLE[code]
    if 200 <= code <= 299:
        return PERMISSION
    return next((rule for codes, rule in FAMILIES if code in codes), None)


def rule_for(code: int, *, is_transient: bool = False) -> ErrorRule:
    """Return the rule for a code of Meta's, also for one that the table does not have."""
    return known_rule(code) or (UNKNOWN_TRANSIENT if is_transient else UNKNOWN)


TEMPORARY = tuple(
    TemporaryFailure(code, rule.again_after, rule.is_certainly_undelivered)
    for code, rule in TABLE.items()
    if rule.again_after
)
"""The codes after which a campaign may try again, for models.retry."""
