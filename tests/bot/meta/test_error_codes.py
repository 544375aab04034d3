"""The table of Meta's errors: every code of the reference has a row, and each row says what an operator needs."""

import re
from collections.abc import Iterator

import pytest

from bot.meta.error_codes import FAMILIES, TABLE, ErrorAction, known_rule, rule_for
from bot.meta.send_result import SendResult, SendResultKind
from jobs.replies.send import message_result
from jobs.sending.judge import SendVerdict, judge_send
from models.clock import utcnow
from models.conversations.outbox import ClaimedMessage
from models.tables.campaign import PauseReason
from models.tables.conversation import MessageState
from models.tables.recipient import RecipientState
from tests.support.paths import ROOT

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
    ],
    ErrorAction.RETRY: [1, 2, 613, 131000, 131016, 133004, 135000],
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
        131044,
        131047,
        131049,
        131051,
        131052,
        131060,
        131062,
        131065,
        131070,
        132005,
        132008,
        132018,
        137000,
        2593109,
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
        134011,
        134100,
        134101,
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


def codes_of_the_facts() -> Iterator[int]:
    """The first column of docs/meta.md §3.2: `131026`, `132068, 132069`, `200–299`, and the first and last of `2388…`."""
    section = (ROOT / "docs" / "meta.md").read_text().partition("### 3.2")[2].partition("\n## ")[0]
    for row in re.findall(r"^\| ([0-9][^|]*) \|", section, flags=re.MULTILINE):
        for part in row.split(", "):
            first, _, last = part.partition("–")
            if first.endswith("…"):
                yield from (int(first[:-1]) * 1000, int(first[:-1]) * 1000 + 999)
            else:
                yield from range(int(first), int(last or first) + 1)


def test_every_code_of_the_facts_has_words_and_what_to_do() -> None:
    codes = list(codes_of_the_facts())
    assert len(codes) > 150
    for code in codes:
        rule = known_rule(code)
        assert rule is not None, code
        assert rule.text.endswith("."), code
        assert rule.advice.endswith("."), code


def test_families_of_codes_are_apart_from_each_other_and_from_the_table() -> None:
    codes = [code for family, _ in FAMILIES for code in family]
    assert len(codes) == len(set(codes))
    assert not set(codes) & set(TABLE)
    assert known_rule(999_999) is None
    assert rule_for(139003).action is ErrorAction.PAUSE, "the form is the same for all"


def test_the_table_has_no_row_that_nobody_checks() -> None:
    assert set(TABLE) <= {code for codes in ACTIONS.values() for code in codes}


@pytest.mark.parametrize(("is_transient", "action"), [(True, ErrorAction.RETRY), (False, ErrorAction.FAIL)])
def test_an_unknown_code_is_tried_again_only_where_meta_calls_it_transient(
    is_transient: bool, action: ErrorAction
) -> None:
    assert rule_for(999_999, is_transient=is_transient).action is action


def refused(code: int, attempt: int = 1, failures: int = 0, *, has_campaign: bool = True) -> SendVerdict:
    outcome = SendResult(SendResultKind.REFUSED, code=code, message="m")
    return judge_send(outcome, attempt, failures, has_campaign=has_campaign)


@pytest.mark.parametrize("has_campaign", [True, False])
def test_a_transient_error_is_tried_again_within_five_seconds_and_ends_after_its_tries(has_campaign: bool) -> None:
    first = refused(131000, has_campaign=has_campaign)
    assert (first.state, first.is_failure) == (RecipientState.QUEUED, True)
    assert 0 < first.delay_seconds <= 5
    tired = refused(131000, attempt=4, failures=3, has_campaign=has_campaign)
    assert tired.state is RecipientState.REFUSED


def test_the_wait_for_a_transient_error_grows_with_its_failures() -> None:
    assert [refused(131000, failures + 1, failures).delay_seconds for failures in range(3)] == [3.0, 15.0, 60.0]


@pytest.mark.parametrize("has_campaign", [True, False])
@pytest.mark.parametrize("code", [130429, 131056, 131057, 4])
def test_nobody_is_lost_to_throttling(code: int, has_campaign: bool) -> None:
    late = refused(code, attempt=40, failures=3, has_campaign=has_campaign)
    assert late.state is RecipientState.QUEUED
    assert late.delay_seconds > 0
    assert not late.is_failure


@pytest.mark.parametrize("has_campaign", [True, False])
def test_an_unreachable_meta_is_asked_again_without_end_and_counts_as_no_failure(has_campaign: bool) -> None:
    verdict = judge_send(SendResult(SendResultKind.NOT_SENT, message="no route"), 40, 39, has_campaign=has_campaign)
    assert (verdict.state, verdict.is_failure, verdict.delay_seconds) == (RecipientState.QUEUED, False, 30.0)


@pytest.mark.parametrize("code", [190, 132015])
def test_what_is_the_campaigns_or_the_numbers_fault_puts_the_person_back_at_once(code: int) -> None:
    verdict = refused(code)
    assert (verdict.state, verdict.delay_seconds, verdict.kind) == (RecipientState.QUEUED, 0.0, "")
    assert verdict.rule is not None


@pytest.mark.parametrize("code", [134011, 134100, 134102])
def test_what_concerns_one_template_pauses_its_campaigns_until_somebody_mends_it(code: int) -> None:
    assert (rule_for(code).action, rule_for(code).delays_seconds) == (ErrorAction.PAUSE, ())
    in_a_chat = refused(code, has_campaign=False)
    assert (in_a_chat.state, in_a_chat.rule) == (RecipientState.REFUSED, None), "other answers of the number go on"


def test_a_template_that_meta_still_prepares_fails_nobody_and_pauses_for_ten_minutes() -> None:
    verdict = refused(134101, attempt=20, failures=20)
    assert (verdict.state, verdict.is_failure, verdict.kind) == (RecipientState.QUEUED, False, "")
    assert rule_for(134101).delays_seconds == (600.0,)


def test_a_chat_message_waits_for_its_number_and_has_no_campaign_to_wait_for() -> None:
    stopped = refused(190, has_campaign=False)
    assert (stopped.state, stopped.rule) == (RecipientState.QUEUED, TABLE[190])
    assert refused(132015, has_campaign=False).state is RecipientState.REFUSED


def test_what_meta_keeps_back_for_its_quality_is_accepted_in_a_chat() -> None:
    held = judge_send(SendResult(SendResultKind.HELD, wamid="w"), 1, 0, has_campaign=False)
    claimed = ClaimedMessage(1, 2, 1, {}, 3, "pn", "token", None, "+34600000001", None)
    written = message_result(claimed, held, utcnow())
    assert (written.state, written.wamid, written.due_at) == (MessageState.ACCEPTED, "w", None)
