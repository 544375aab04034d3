"""The table of signals: what each needs, when it is shown, its sentence, its evidence and its button.

A signal is shown if the whole 95 % interval of its share lies beyond the threshold, of at least MIN_PEOPLE people. The threshold is
learnt (models.signals.learn) or the default that stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from models.tables.signal import SignalKind

MIN_PEOPLE = 50
"""A share of fewer people is neither judged nor learnt from."""
OFTEN_MESSAGES = 8
"""More campaign messages than this to a person in OFTEN_DAYS count as too many: two a week."""
OFTEN_DAYS = 30


class ThresholdSide(StrEnum):
    """On which side of the threshold a share is worth a signal."""

    BELOW = "below"
    ABOVE = "above"


class SignalAction(StrEnum):
    """Where the cause is mended; the panel has a page, and the command line a command, for each."""

    SHOW_BALANCE = "show_balance"
    MEND_PHONES = "mend_phones"
    SHOW_SOURCES = "show_sources"
    SHOW_NEVER_RECEIVED = "show_never_received"
    TRY_AGAIN = "try_again"
    SHOW_OPT_OUTS = "show_opt_outs"
    SHOW_TEMPLATE = "show_template"
    SHOW_GROUP = "show_group"
    SHOW_READING_TIMES = "show_reading_times"


@dataclass(frozen=True, slots=True)
class SignalRule:
    """One row of the table. Shares are from 0 to 1.

    `part` and `whole` say in words whom the share counts. `default` is the threshold of a new installation; a learnt one stays
    between `lowest` and `highest`, so that an installation in which everything is bad does not learn that it is good.
    `sentence` and `evidence` have named places: `part`, `whole`, `share`, `low`, `high`, `threshold` and the values of the figure.
    `needs_good`: kinds whose share must not be beyond their own threshold, since they would be the better explanation.
    """

    kind: SignalKind
    side: ThresholdSide
    part: str
    whole: str
    default: float
    lowest: float
    highest: float
    sentence: str
    evidence: str
    button: str
    action: SignalAction
    is_learnt: bool = True
    needs_good: tuple[SignalKind, ...] = ()


K, A = SignalKind, SignalAction

RULES: Mapping[SignalKind, SignalRule] = {
    rule.kind: rule
    for rule in (
        SignalRule(
            K.BALANCE,
            ThresholdSide.ABOVE,
            "people who wait for money, or failed with Meta's payment error 131042",
            "people who could be written to",
            0.0,
            0.0,
            0.0,
            "Money stops messages: the balance is used up, or Meta could not charge you.",
            "{part} of {whole} people ({share}) have no message for that: {waiting} wait, {refused} failed with 131042.",
            "See the balance",
            A.SHOW_BALANCE,
            is_learnt=False,
        ),
        SignalRule(
            K.NO_CALLING_CODE,
            ThresholdSide.ABOVE,
            "people whose number has no calling code, or may be one of two",
            "people in the audience",
            0.01,
            0.002,
            0.10,
            "Many numbers lack their calling code, and fail until somebody says which country they are of.",
            "{part} of {whole} people ({share}): {missing} without a calling code, {unclear} that may be one of two numbers.",
            "Mend these numbers",
            A.MEND_PHONES,
        ),
        SignalRule(
            K.NO_CONSENT,
            ThresholdSide.ABOVE,
            "people who did not agree, or stopped marketing",
            "people in the audience",
            0.20,
            0.05,
            0.60,
            "Many people in the audience never agreed to messages: look at where these contacts come from.",
            "{part} of {whole} people ({share}): {not_subscribed} are not subscribed, {stopped} stopped marketing messages.",
            "See their sources",
            A.SHOW_SOURCES,
        ),
        SignalRule(
            K.LOW_DELIVERY,
            ThresholdSide.BELOW,
            "people who received the message",
            "people who received it, are not on WhatsApp, or were not reached within 24 hours",
            0.85,
            0.60,
            0.97,
            "Few messages arrive: the list probably holds old or wrong numbers.",
            "{part} of {whole} people ({share}) received it: {unreachable} are probably not on WhatsApp, {silent} were not reached"
            " within 24 hours.",
            "See who never received anything",
            A.SHOW_NEVER_RECEIVED,
        ),
        SignalRule(
            K.MARKETING_CAP,
            ThresholdSide.ABOVE,
            "people for whom Meta kept the message back (131049)",
            "people for whom Meta took or refused it",
            0.05,
            0.02,
            0.30,
            "Meta kept many messages back because these people had enough marketing: try again after 24 hours.",
            "{part} of {whole} messages ({share}) failed with 131049.",
            "Try again",
            A.TRY_AGAIN,
        ),
        SignalRule(
            K.OPT_OUTS,
            ThresholdSide.ABOVE,
            "people who asked for an end in answer to it",
            "people who received the message",
            0.02,
            0.003,
            0.05,
            "More people than usual opted out after this campaign: it reached people who did not want it.",
            "{part} people opted out in answer to it, {share} of the {whole} who received it.",
            "See who opted out",
            A.SHOW_OPT_OUTS,
        ),
        SignalRule(
            K.TEMPLATE_QUALITY,
            ThresholdSide.ABOVE,
            "whether Meta lowered the template's quality since the start",
            "people for whom Meta took the message",
            0.0,
            0.0,
            0.0,
            "Meta rates the template worse than before: people block or report its messages.",
            "The quality of {template} ({language}) fell from {before} to {after} after {whole} messages of this campaign.",
            "See the template",
            A.SHOW_TEMPLATE,
            is_learnt=False,
        ),
        SignalRule(
            K.TOO_OFTEN,
            ThresholdSide.ABOVE,
            f"people with more than {OFTEN_MESSAGES} campaign messages in {OFTEN_DAYS} days",
            "people of the campaign who were asked about, at most 2,000",
            0.25,
            0.10,
            0.75,
            "These people are written to very often, and may stop reading or opt out.",
            "{part} of {whole} people ({share}) in {group} had more than {most} campaign messages in the {days} days before.",
            "See the audience",
            A.SHOW_GROUP,
        ),
        SignalRule(
            K.LOW_READ,
            ThresholdSide.BELOW,
            "people who read the message",
            "people who received it, a day after the last message",
            0.40,
            0.15,
            0.85,
            "Messages arrive and few are read: try another time of the day, or another first line.",
            "{part} of {whole} people ({share}) who received it read it.",
            "See when these people read",
            A.SHOW_READING_TIMES,
            needs_good=(K.LOW_DELIVERY,),
        ),
        SignalRule(
            K.LOW_CLICK,
            ThresholdSide.BELOW,
            "people who tapped a button or followed a link",
            "people who read the message, a day after the last message",
            0.02,
            0.005,
            0.30,
            "People read the message and few tap or click: look at the offer and the button.",
            "{part} of {whole} people ({share}) who read it tapped a button or followed its link.",
            "See the message",
            A.SHOW_TEMPLATE,
            needs_good=(K.LOW_DELIVERY, K.LOW_READ),
        ),
    )
}
