"""From what a request came to, to what is written on the row and what happens beyond it. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.meta.error_codes import CONNECTION, Action, Rule, rule_for
from bot.meta.send_result import Kind, Outcome
from models.sending.claim import Claimed
from models.sending.results import Attempted
from models.tables.recipient import RecipientState

PUT_BACK = frozenset({Action.PAUSE, Action.STOP})
WAITS = frozenset({Action.RETRY_PAIR, Action.THROTTLE, Action.HOLD})


@dataclass(frozen=True, slots=True)
class Verdict:
    """`attempted` goes to the row. `rule` is set where something happens beyond it: the campaign, the number, the person."""

    attempted: Attempted
    rule: Rule | None
    code: int | None
    kind: str
    """For the guardrail: what failures must have in common to be of one kind; empty for a success."""


def judge(row: Claimed, outcome: Outcome, now: datetime) -> Verdict:
    """What follows from `outcome` for a claimed row."""
    match outcome.kind:
        case Kind.ACCEPTED:
            return Verdict(_attempted(row, RecipientState.ACCEPTED, now, outcome), None, None, "")
        case Kind.HELD:
            return Verdict(_attempted(row, RecipientState.HELD, now, outcome), None, None, "")
        case Kind.UNSURE:
            message = f"No clear answer: {outcome.message}."
            return Verdict(_attempted(row, RecipientState.UNSURE, now, outcome, message), None, None, "unsure")
        case Kind.NOT_SENT:
            message = f"{CONNECTION.text} {outcome.message}."
            back = _back(row, now, CONNECTION.delay_seconds(row.attempt - 1), outcome, message)
            return Verdict(back, CONNECTION, None, "")
        case Kind.REFUSED:
            return _refused(row, outcome, now)


def unbuilt(row: Claimed, error: str, now: datetime) -> Verdict:
    """No message could be made of this person's values; `error` names the class of what went wrong."""
    message = f"the message could not be put together: {error}"
    left_out = _attempted(row, RecipientState.NOT_SENT, now, Outcome(Kind.NOT_SENT), message)
    return Verdict(left_out, None, None, "unbuilt")


def never_begun(row: Claimed, now: datetime) -> Attempted:
    """A claimed row whose request was not begun goes back as it was."""
    return _attempted(row, RecipientState.QUEUED, now, Outcome(Kind.NOT_SENT), due_at=now)


def _refused(row: Claimed, outcome: Outcome, now: datetime) -> Verdict:
    code = outcome.code or 0
    rule = rule_for(code, is_transient=outcome.is_transient)
    message = rule.text if not outcome.details else f"{rule.text} Meta says: {outcome.details}"
    kind = str(code)
    if rule.action in PUT_BACK:
        # Decisive by itself: it must not be overtaken by the guardrail that counts what failed alike.
        return Verdict(_attempted(row, RecipientState.QUEUED, now, outcome, message, due_at=now), rule, code, "")
    if rule.action in WAITS:
        # These waits are without end and do not count towards a transient error's tries: nobody is lost to throttling.
        back = _back(row, now, rule.delay_seconds(row.attempt - 1), outcome, message)
        return Verdict(back, rule, code, "")
    if rule.action is Action.RETRY and (rule.tries is None or row.failures < rule.tries):
        back = _back(row, now, rule.delay_seconds(row.failures), outcome, message, is_failure=True)
        return Verdict(back, None, code, kind)
    failed = _attempted(row, RecipientState.REFUSED, now, outcome, message)
    return Verdict(failed, rule if rule.action is Action.FAIL_SUPPRESS else None, code, kind)


def _back(
    row: Claimed, now: datetime, delay_seconds: float, outcome: Outcome, message: str, *, is_failure: bool = False
) -> Attempted:
    due_at = now + timedelta(seconds=delay_seconds)
    return _attempted(row, RecipientState.QUEUED, now, outcome, message, due_at=due_at, is_failure=is_failure)


def _attempted(
    row: Claimed,
    state: RecipientState,
    now: datetime,
    outcome: Outcome,
    message: str | None = None,
    *,
    due_at: datetime | None = None,
    is_failure: bool = False,
) -> Attempted:
    return Attempted(
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
