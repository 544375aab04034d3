"""The table of Meta's errors: every code of the reference has a row, and each row says what an operator needs."""

import pytest

from bot.meta.error_codes import TABLE, ErrorAction, rule_for
from bot.meta.send_result import SendResult, SendResultKind
from jobs.sending.judge import judge_send
from models.clock import utcnow
from models.sending.claim import ClaimedRecipient
from models.tables.campaign import PauseReason
from models.tables.recipient import RecipientState

ROW = ClaimedRecipient(
    id=1, contact_id=2, person_key="wa:34600000001", attempt=1, failures=0, phone="+34600000001", bsuid=None, values={},
    is_counted=True,
)  # fmt: skip

ACTIONS = {
    ErrorAction.STOP: [
        0,
        3,
        10,
        33,
        190,
        200,
        250,
        299,
        368,
        131005,
        131031,
        131037,
        131042,
        131045,
        131048,
        133000,
        133005,
        133006,
        133008,
        133009,
        133010,
        133015,
        133016,
        134011,
    ],
    ErrorAction.RETRY: [1, 2, 613, 131000, 131016, 133004, 134101, 135000],
    ErrorAction.HOLD: [4, 80007, 131057],
    ErrorAction.THROTTLE: [130429],
    ErrorAction.RETRY_PAIR: [131056],
    ErrorAction.FAIL_SUPPRESS: [130403, 131050],
    ErrorAction.FAIL: [
        100,
        130472,
        130497,
        131009,
        131021,
        131026,
        131030,
        131047,
        131049,
        131051,
        131060,
        131062,
        131065,
        131070,
        132005,
        132008,
        132018,
        137000,
    ],
    ErrorAction.PAUSE: [
        131008,
        131053,
        131055,
        131063,
        132000,
        132001,
        132007,
        132012,
        132015,
        132016,
        132068,
        132069,
        131061,
        131064,
        134100,
        134102,
    ],
}


@pytest.mark.parametrize(("action", "code"), [(action, code) for action, codes in ACTIONS.items() for code in codes])
def test_a_code_has_its_action_and_a_text_for_the_operator(action: ErrorAction, code: int) -> None:
    rule = rule_for(code)
    assert rule.action is action
    assert rule.text.endswith(".")
    if action in {ErrorAction.PAUSE, ErrorAction.STOP}:
        assert rule.reason in set(PauseReason)
        assert rule.advice
    if action is ErrorAction.RETRY:
        assert rule.delays_seconds


def test_the_table_has_no_row_that_nobody_checks() -> None:
    assert set(TABLE) <= {code for codes in ACTIONS.values() for code in codes}


@pytest.mark.parametrize(("is_transient", "action"), [(True, ErrorAction.RETRY), (False, ErrorAction.FAIL)])
def test_an_unknown_code_is_tried_again_only_where_meta_calls_it_transient(
    is_transient: bool, action: ErrorAction
) -> None:
    assert rule_for(999_999, is_transient=is_transient).action is action


def test_a_transient_error_is_tried_again_within_five_seconds_and_ends_after_its_tries() -> None:
    now = utcnow()
    outcome = SendResult(SendResultKind.REFUSED, code=131000, message="m")
    first = judge_send(ROW, outcome, now).attempted
    assert first.state is RecipientState.QUEUED
    assert first.due_at is not None
    assert (first.due_at - now).total_seconds() <= 5
    tired = ClaimedRecipient(**{name: getattr(ROW, name) for name in ROW.__slots__} | {"failures": 3})
    assert judge_send(tired, outcome, now).attempted.state is RecipientState.REFUSED


@pytest.mark.parametrize("code", [130429, 131056, 131057, 4])
def test_nobody_is_lost_to_throttling(code: int) -> None:
    late = ClaimedRecipient(**{name: getattr(ROW, name) for name in ROW.__slots__} | {"failures": 3, "attempt": 40})
    attempted = judge_send(late, SendResult(SendResultKind.REFUSED, code=code), utcnow()).attempted
    assert attempted.state is RecipientState.QUEUED
    assert not attempted.is_failure


@pytest.mark.parametrize("code", [190, 132015])
def test_what_is_the_campaigns_or_the_numbers_fault_puts_the_person_back(code: int) -> None:
    verdict = judge_send(ROW, SendResult(SendResultKind.REFUSED, code=code), utcnow())
    assert verdict.attempted.state is RecipientState.QUEUED
    assert verdict.rule is not None
