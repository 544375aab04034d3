"""Which quick replies of a template opt out."""

import json
from typing import Any

import pytest

from bot.opt_out_words import is_certain_stop
from models.templates.opt_out_buttons import opt_out_buttons_problem, quick_replies, recognize_opt_out_buttons


def _components(*buttons: tuple[str, str]) -> list[Any]:
    listed = [{"type": kind, "text": text} for kind, text in buttons]
    return [{"type": "BODY", "text": "Hello"}, {"type": "BUTTONS", "buttons": listed}]


MIXED = _components(("URL", "Stop"), ("QUICK_REPLY", "أخبرني المزيد"), ("QUICK_REPLY", "إيقاف العروض الترويجية"))


def test_a_place_counts_all_buttons_and_only_quick_replies_have_one() -> None:
    assert quick_replies(MIXED) == {"1": "أخبرني المزيد", "2": "إيقاف العروض الترويجية"}


@pytest.mark.parametrize(
    ("components", "places"),
    [
        (MIXED, ["2"]),
        (_components(("QUICK_REPLY", "Cancel"), ("QUICK_REPLY", "Start")), []),
        (_components(("quick_reply", "Unsubscribe"), ("QUICK_REPLY", "Stop promotions")), ["0", "1"]),
        ([], []),
        (["odd", {"type": "BUTTONS"}, {"type": "BUTTONS", "buttons": ["odd", {"type": "QUICK_REPLY"}]}], []),
    ],
)
def test_an_unmistakable_title_is_recognized_in_every_language(components: list[Any], places: list[str]) -> None:
    assert recognize_opt_out_buttons(components, is_certain_stop) == places
    assert json.dumps(places)


def test_only_the_place_of_a_quick_reply_can_be_chosen() -> None:
    assert opt_out_buttons_problem(MIXED, ["1", "2"]) is None
    problem = opt_out_buttons_problem(MIXED, ["1", "0"])
    assert problem is not None
    assert problem.startswith("opt_out_buttons: 0 is no quick reply of the template; there are: 1 (أخبرني المزيد), 2")
    assert opt_out_buttons_problem([], ["3"]) == (
        "opt_out_buttons: 3 is no quick reply of the template; there are: none"
    )
