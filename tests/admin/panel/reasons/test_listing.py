"""One list of reasons with plain words and what to do, found by any name."""

import pytest

from admin.panel.reasons.explained import ExplainedError, explain_error, explain_recipient
from admin.panel.reasons.listing import ReasonGroup, all_reasons, find_reasons
from bot.meta.error_codes import TABLE, UNKNOWN
from models.stored_texts import REFUSED, REFUSED_SAYING, UNREACHABLE
from models.tables.campaign import PauseReason
from models.tables.recipient import NotSent
from models.text import Text
from tests.support.reasons_page import PAGE, with_list


def test_every_reason_has_words_and_what_to_do() -> None:
    keys = {(reason.group, reason.key) for reason in all_reasons()}
    assert len(keys) == len(all_reasons())
    assert {key for group, key in keys if group is ReasonGroup.LEFT_OUT} == set(NotSent)
    assert {key for group, key in keys if group is ReasonGroup.PAUSED} == set(PauseReason)
    assert {str(code) for code in TABLE} < {key for group, key in keys if group is ReasonGroup.META}
    for reason in all_reasons():
        assert reason.text.endswith("."), reason
        assert reason.advice.endswith("."), reason


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ("CUSTOMER_IS_MISSING_CALLING_CODE", ["unclear_phone", "missing_calling_code"]),
        ("customer is missing calling code", ["unclear_phone", "missing_calling_code"]),
        ("CUSTOMER_IS_NOT_OPTED_IN", ["131050", "not_subscribed", "marketing_stopped"]),
        ("credit error", ["131042", "payment", "budget"]),
        ("not a WhatsApp user", ["131026", "not_on_whatsapp"]),
        ("valued tag missing", ["missing_variable"]),
        ("131049", ["131049"]),
        ("138005", ["138000 to 138018"]),
        ("2388040", ["2388000 to 2388999"]),
        ("frequency_cap", ["frequency_cap"]),
        ("blocked person", ["130403"]),
        ("no such words at all", []),
        ("???", []),
        ("٣", []),
    ],
)
def test_a_reason_is_found_by_its_code_its_words_and_the_names_of_other_products(asked: str, keys: list[str]) -> None:
    assert [reason.key for reason in find_reasons(asked)] == keys


def test_nothing_asked_finds_all() -> None:
    assert find_reasons(" ") == all_reasons()


def test_the_page_of_the_documentation_is_made_of_the_list() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_list(text) == text, "run python -m tests.support.reasons_page"
    assert "`CUSTOMER_IS_MISSING_CALLING_CODE`" in text


RULE = TABLE[131049]
SAYING = REFUSED_SAYING(text=Text(RULE.text), said="(#131049) ecosystem").stored()


@pytest.mark.parametrize(
    ("code", "stored", "explained"),
    [
        (131049, "healthy ecosystem", ExplainedError(131049, RULE.text, RULE.advice, "healthy ecosystem")),
        (131049, SAYING, ExplainedError(131049, RULE.text, RULE.advice, "(#131049) ecosystem")),
        (131049, REFUSED(text=Text(RULE.text)).stored(), ExplainedError(131049, RULE.text, RULE.advice)),
        (131049, None, ExplainedError(131049, RULE.text, RULE.advice)),
        (999_999, "odd", ExplainedError(999_999, UNKNOWN.text, UNKNOWN.advice, "odd")),
        (None, "odd", ExplainedError(None, "odd")),
        (None, UNREACHABLE(why="no route").stored(), ExplainedError(None, "Meta could not be reached. no route.")),
        (None, None, None),
        (0, "", None),
    ],
)
def test_an_error_is_explained_in_our_words_with_hers_apart(
    code: int | None, stored: str | None, explained: ExplainedError | None
) -> None:
    assert explain_error(code, stored) == explained


def test_what_arrived_shows_no_error_and_a_failure_without_one_says_so() -> None:
    assert explain_recipient("read", 131049, "odd") is None
    nothing = explain_recipient("failed", 0, None)
    assert nothing is not None
    assert (nothing.code, nothing.text) == (None, "No reason was given.")
