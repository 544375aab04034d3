"""From what a request came to, to what becomes of the message and what happens beyond it. Pure.

One judgement for campaigns and for chats. A chat message has no campaign that could pause, so what would pause one (a fault of the
template) refuses that message alone; everything else is judged alike.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.meta.error_codes import CONNECTION, ErrorAction, ErrorRule, rule_for
from bot.meta.send_result import SendResult, SendResultKind
from models.sending.claim import ClaimedRecipient
from models.sending.results import AttemptResult
from models.tables.recipient import RecipientState

PUT_BACK = {True: frozenset({ErrorAction.PAUSE, ErrorAction.STOP}), False: frozenset({ErrorAction.STOP})}
"""By whether there is a campaign: back to the queue as it was, since that campaign or the number sends nothing more for now."""
WAITS = frozenset({ErrorAction.RETRY_PAIR, ErrorAction.THROTTLE, ErrorAction.HOLD})
"""Back to the queue for a while. These waits are without end and no failures: nobody is lost to throttling."""


@dataclass(frozen=True, slots=True)
class SendVerdict:
    """What becomes of a message.

    `state`: ACCEPTED, HELD, REFUSED, UNSURE or NOT_SENT, or QUEUED for one that is tried again after `delay_seconds`; with
    `is_failure` it was a transient failure that counts towards the limit of tries. `message`: why, for the operator. `rule` is set
    where something happens beyond the row: to the campaign, the number, the person. `kind`: for the guardrail, what failures must
    have in common to be alike; empty for what is no failure of the campaign.
    """

    state: RecipientState
    result: SendResult
    message: str | None = None
    delay_seconds: float = 0.0
    is_failure: bool = False
    rule: ErrorRule | None = None
    kind: str = ""

    @property
    def code(self) -> int | None:
        """Meta's error code; None where Meta refused nothing."""
        return self.result.code


NEVER_BEGUN = SendVerdict(RecipientState.QUEUED, SendResult(SendResultKind.NOT_SENT))
"""A claimed message whose request was not begun goes back as it was."""


def judge_send(result: SendResult, attempt: int, failures: int, *, has_campaign: bool) -> SendVerdict:
    """What follows from the result of a message's `attempt` (counted from 1), after `failures` transient ones before."""
    match result.kind:
        case SendResultKind.ACCEPTED:
            return SendVerdict(RecipientState.ACCEPTED, result)
        case SendResultKind.HELD:
            return SendVerdict(RecipientState.HELD, result)
        case SendResultKind.UNSURE:
            return SendVerdict(RecipientState.UNSURE, result, f"No clear answer: {result.message}.", kind="unsure")
        case SendResultKind.NOT_SENT:
            message = f"{CONNECTION.text} {result.message}."
            delay = CONNECTION.delay_seconds(attempt - 1)
            return SendVerdict(RecipientState.QUEUED, result, message, delay, rule=CONNECTION)
        case SendResultKind.REFUSED:
            return _judge_refusal(result, attempt, failures, has_campaign=has_campaign)


def unsendable(message: str, kind: str = "") -> SendVerdict:
    """No request could be made of it: its values or the person's address do not allow one."""
    return SendVerdict(RecipientState.NOT_SENT, SendResult(SendResultKind.NOT_SENT), message, kind=kind)


def attempt_result(row: ClaimedRecipient, verdict: SendVerdict, now: datetime) -> AttemptResult:
    """The verdict as it is written on a campaign's recipient."""
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
    )


def _judge_refusal(result: SendResult, attempt: int, failures: int, *, has_campaign: bool) -> SendVerdict:
    code = result.code or 0
    rule = rule_for(code, is_transient=result.is_transient)
    message = f"{rule.text} Meta says: {result.details}" if result.details else rule.text
    if rule.action in PUT_BACK[has_campaign]:
        # Decisive by itself: it must not be overtaken by the guardrail that counts what failed alike.
        return SendVerdict(RecipientState.QUEUED, result, message, rule=rule)
    if rule.action in WAITS:
        return SendVerdict(RecipientState.QUEUED, result, message, rule.delay_seconds(attempt - 1), rule=rule)
    kind = str(code)
    if rule.action is ErrorAction.RETRY and (rule.tries is None or failures < rule.tries):
        delay = rule.delay_seconds(failures)
        return SendVerdict(RecipientState.QUEUED, result, message, delay, is_failure=True, kind=kind)
    beyond = rule if rule.action is ErrorAction.FAIL_SUPPRESS else None
    return SendVerdict(RecipientState.REFUSED, result, message, rule=beyond, kind=kind)
