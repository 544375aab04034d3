"""From what a request came to, to what is written on the row and what happens beyond it. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.meta.error_codes import CONNECTION, ErrorAction, ErrorRule, rule_for
from bot.meta.send_result import SendResult, SendResultKind
from models.sending.claim import ClaimedRecipient
from models.sending.results import AttemptResult
from models.tables.recipient import RecipientState

PUT_BACK = frozenset({ErrorAction.PAUSE, ErrorAction.STOP})
WAITS = frozenset({ErrorAction.RETRY_PAIR, ErrorAction.THROTTLE, ErrorAction.HOLD})


@dataclass(frozen=True, slots=True)
class SendVerdict:
    """`attempted` goes to the row. `rule` is set where something happens beyond it: the campaign, the number, the person."""

    attempted: AttemptResult
    rule: ErrorRule | None
    code: int | None
    kind: str
    """For the guardrail: what failures must have in common to be of one kind; empty for a success."""


def judge_send(row: ClaimedRecipient, outcome: SendResult, now: datetime) -> SendVerdict:
    """What follows from `outcome` for a claimed row."""
    match outcome.kind:
        case SendResultKind.ACCEPTED:
            return SendVerdict(_attempted(row, RecipientState.ACCEPTED, now, outcome), None, None, "")
        case SendResultKind.HELD:
            return SendVerdict(_attempted(row, RecipientState.HELD, now, outcome), None, None, "")
        case SendResultKind.UNSURE:
            message = f"No clear answer: {outcome.message}."
            return SendVerdict(_attempted(row, RecipientState.UNSURE, now, outcome, message), None, None, "unsure")
        case SendResultKind.NOT_SENT:
            message = f"{CONNECTION.text} {outcome.message}."
            back = _back(row, now, CONNECTION.delay_seconds(row.attempt - 1), outcome, message)
            return SendVerdict(back, CONNECTION, None, "")
        case SendResultKind.REFUSED:
            return _refused(row, outcome, now)


def unbuildable(row: ClaimedRecipient, error: str, now: datetime) -> SendVerdict:
    """No message could be made of this person's values; `error` names the class of what went wrong."""
    message = f"the message could not be put together: {error}"
    left_out = _attempted(row, RecipientState.NOT_SENT, now, SendResult(SendResultKind.NOT_SENT), message)
    return SendVerdict(left_out, None, None, "unbuilt")


def never_begun(row: ClaimedRecipient, now: datetime) -> AttemptResult:
    """A claimed row whose request was not begun goes back as it was."""
    return _attempted(row, RecipientState.QUEUED, now, SendResult(SendResultKind.NOT_SENT), due_at=now)


def _refused(row: ClaimedRecipient, outcome: SendResult, now: datetime) -> SendVerdict:
    code = outcome.code or 0
    rule = rule_for(code, is_transient=outcome.is_transient)
    message = rule.text if not outcome.details else f"{rule.text} Meta says: {outcome.details}"
    kind = str(code)
    if rule.action in PUT_BACK:
        # Decisive by itself: it must not be overtaken by the guardrail that counts what failed alike.
        return SendVerdict(_attempted(row, RecipientState.QUEUED, now, outcome, message, due_at=now), rule, code, "")
    if rule.action in WAITS:
        # These waits are without end and do not count towards a transient error's tries: nobody is lost to throttling.
        back = _back(row, now, rule.delay_seconds(row.attempt - 1), outcome, message)
        return SendVerdict(back, rule, code, "")
    if rule.action is ErrorAction.RETRY and (rule.tries is None or row.failures < rule.tries):
        back = _back(row, now, rule.delay_seconds(row.failures), outcome, message, is_failure=True)
        return SendVerdict(back, None, code, kind)
    failed = _attempted(row, RecipientState.REFUSED, now, outcome, message)
    return SendVerdict(failed, rule if rule.action is ErrorAction.FAIL_SUPPRESS else None, code, kind)


def _back(
    row: ClaimedRecipient,
    now: datetime,
    delay_seconds: float,
    outcome: SendResult,
    message: str,
    *,
    is_failure: bool = False,
) -> AttemptResult:
    due_at = now + timedelta(seconds=delay_seconds)
    return _attempted(row, RecipientState.QUEUED, now, outcome, message, due_at=due_at, is_failure=is_failure)


def _attempted(
    row: ClaimedRecipient,
    state: RecipientState,
    now: datetime,
    outcome: SendResult,
    message: str | None = None,
    *,
    due_at: datetime | None = None,
    is_failure: bool = False,
) -> AttemptResult:
    return AttemptResult(
        recipient_id=row.id,
        attempt=row.attempt,
        state=state,
        at=now,
        person_key=row.person_key,
        contact_id=row.contact_id,
        wamid=outcome.wamid,
        wa_id=outcome.wa_id,
        code=outcome.code,
        message=message,
        due_at=due_at,
        is_failure=is_failure,
        is_counted=row.is_counted,
    )
