"""Decides what the result of a send means for the message, and for its campaign, number and contact. Pure.

Campaigns and chats share it. A chat message has no campaign that could be paused, so an error that would pause one (a fault of the
template) fails that message alone; everything else is judged alike.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.meta.error_codes import CONNECTION, ErrorAction, ErrorRule, rule_for
from bot.meta.send_result import SendResult, SendResultKind
from models.sending.claim import ClaimedRecipient
from models.sending.results import AttemptResult
from models.stored_texts import NO_CLEAR_ANSWER, REFUSED, REFUSED_SAYING, UNREACHABLE
from models.tables.recipient import RecipientState, SendEndpoint
from models.text import Text

PUT_BACK = {True: frozenset({ErrorAction.PAUSE, ErrorAction.STOP}), False: frozenset({ErrorAction.STOP})}
"""By `has_campaign`: actions after which the message goes back to the queue unchanged, since campaign or number stop."""
WAITS = frozenset({ErrorAction.RETRY_PAIR, ErrorAction.THROTTLE, ErrorAction.HOLD})
"""Actions after which the message waits in the queue. These waits have no limit and are no failures: throttling loses nobody."""


@dataclass(frozen=True, slots=True)
class SendVerdict:
    """What the result of a send means.

    `state`: ACCEPTED, HELD, REFUSED, UNSURE or NOT_SENT, or QUEUED for one that is tried again after `delay_seconds`; with
    `is_failure` it was a transient failure that counts towards the limit of tries. `message`: why, for the operator. `rule` is set
    if it affects more than the row: the campaign, the number, the contact. `kind`: the kind of failure for FailureGuard; empty if
    it is not a failure of the campaign.
    """

    state: RecipientState
    result: SendResult
    message: Text | None = None
    delay_seconds: float = 0.0
    is_failure: bool = False
    rule: ErrorRule | None = None
    kind: str = ""
    falls_back: bool = False
    """The Marketing Messages API certainly refused it, and the next attempt goes by the Cloud API."""

    @property
    def code(self) -> int | None:
        """Meta's error code; None if Meta refused nothing."""
        return self.result.code


NEVER_BEGUN = SendVerdict(RecipientState.QUEUED, SendResult(SendResultKind.NOT_SENT))
"""For a claimed message whose request was not begun: it goes back to the queue unchanged."""


def judge_send(
    result: SendResult, attempt: int, failures: int, *, has_campaign: bool, may_fall_back: bool = False
) -> SendVerdict:
    """Judge the result of a message's `attempt` (counted from 1) after `failures` earlier transient failures.

    `may_fall_back`: it was sent by the Marketing Messages API, and may go by the Cloud API after a refusal that says so.
    """
    match result.kind:
        case SendResultKind.ACCEPTED:
            return SendVerdict(RecipientState.ACCEPTED, result)
        case SendResultKind.HELD:
            return SendVerdict(RecipientState.HELD, result)
        case SendResultKind.UNSURE:
            return SendVerdict(RecipientState.UNSURE, result, NO_CLEAR_ANSWER(why=result.message), kind="unsure")
        case SendResultKind.NOT_SENT:
            message = UNREACHABLE(why=result.message)
            delay = CONNECTION.delay_seconds(attempt - 1)
            return SendVerdict(RecipientState.QUEUED, result, message, delay, rule=CONNECTION)
        case SendResultKind.REFUSED:
            if may_fall_back and rule_for(result.code or 0, is_transient=result.is_transient).falls_back:
                return SendVerdict(RecipientState.QUEUED, result, _refusal_text(result), falls_back=True)
            return _judge_refusal(result, attempt, failures, has_campaign=has_campaign)


def unsendable(message: Text, kind: str = "") -> SendVerdict:
    """The verdict for a message of which no request can be built, because of its values or the contact's address."""
    return SendVerdict(RecipientState.NOT_SENT, SendResult(SendResultKind.NOT_SENT), message, kind=kind)


def attempt_result(row: ClaimedRecipient, verdict: SendVerdict, now: datetime) -> AttemptResult:
    """Convert a verdict to the result that is written to a campaign's recipient."""
    is_queued = verdict.state is RecipientState.QUEUED
    return AttemptResult(
        recipient_id=row.id,
        attempt=row.attempt,
        state=verdict.state,
        at=now,
        person_key=row.person_key,
        contact_id=row.contact_id,
        wamid=verdict.result.wamid,
        wa_id=verdict.result.wa_id,
        code=verdict.code,
        message=verdict.message,
        due_at=now + timedelta(seconds=verdict.delay_seconds) if is_queued else None,
        is_failure=verdict.is_failure,
        is_counted=row.is_counted,
        endpoint=_next_endpoint(row, verdict),
    )


def _next_endpoint(row: ClaimedRecipient, verdict: SendVerdict) -> SendEndpoint | None:
    """By which endpoint the next attempt goes; None: as before.

    Where the Cloud API refused for good what had fallen back, somebody changes something at Meta: then both are open again.
    """
    if verdict.falls_back:
        return SendEndpoint.FALLBACK
    is_paused = verdict.rule is not None and verdict.rule.action is ErrorAction.PAUSE
    return SendEndpoint.MESSAGES if is_paused and row.route.endpoint is SendEndpoint.FALLBACK else None


def _judge_refusal(result: SendResult, attempt: int, failures: int, *, has_campaign: bool) -> SendVerdict:
    code = result.code or 0
    rule = rule_for(code, is_transient=result.is_transient)
    message = _refusal_text(result)
    if rule.action in PUT_BACK[has_campaign]:
        # It is decisive by itself, so it has no kind: the guard that counts equal failures must not act before it.
        return SendVerdict(RecipientState.QUEUED, result, message, rule=rule)
    if rule.action in WAITS:
        return SendVerdict(RecipientState.QUEUED, result, message, rule.delay_seconds(attempt - 1), rule=rule)
    kind = str(code)
    if rule.action is ErrorAction.RETRY and (rule.tries is None or failures < rule.tries):
        delay = rule.delay_seconds(failures)
        return SendVerdict(RecipientState.QUEUED, result, message, delay, is_failure=True, kind=kind)
    beyond = rule if rule.action is ErrorAction.FAIL_SUPPRESS else None
    return SendVerdict(RecipientState.REFUSED, result, message, rule=beyond, kind=kind)


def _refusal_text(result: SendResult) -> Text:
    text = Text(rule_for(result.code or 0, is_transient=result.is_transient).text)
    return REFUSED_SAYING(text=text, said=result.details) if result.details else REFUSED(text=text)
