"""An operator chooses which buttons of a campaign's template unsubscribe, in the form and in the file."""

import re

import pytest

from admin.operations.campaigns import create_campaign, duplicate_campaign
from models.errors import OperatorError
from tests.support.campaign_form import FORM, campaign
from tests.support.cli_app import ANA, CAMPAIGN
from tests.support.panel_app import Panel, Visitor

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]

SHOWN = {"opt_out_of": "spring_sale|en", "opt_out_recognized": "1"}
CHECKED = re.compile(r'name="opt_out_button" value="(\d)" checked')


def test_the_form_shows_the_recognized_button_and_leaves_it_to_the_template(panel: Panel, manager: Visitor) -> None:
    page = manager.send("/campaigns/new", **FORM, refresh="1").text
    assert CHECKED.findall(page) == ["1"]
    assert 'name="opt_out_recognized" value="1"' in page
    manager.post("/campaigns/new", **FORM, **SHOWN, opt_out_button=["1"])
    assert campaign(panel).opt_out_buttons is None


@pytest.mark.parametrize("checked", [[], ["0"], ["0", "1"]])
def test_another_choice_is_kept_shown_and_copied(panel: Panel, manager: Visitor, checked: list[str]) -> None:
    manager.post("/campaigns/new", **FORM, **SHOWN, opt_out_button=checked)
    assert campaign(panel).opt_out_buttons == checked
    assert CHECKED.findall(manager.get("/campaigns/1/edit")) == checked
    copied = duplicate_campaign(panel.rt, 1, ANA)
    assert campaign(panel, copied.id).opt_out_buttons == checked


def test_the_list_of_templates_says_which_buttons_unsubscribe(manager: Visitor) -> None:
    assert "Unsubscribes: Stop promos" in manager.get("/templates/")


def test_the_buttons_of_a_template_that_is_not_chosen_any_more_are_left_out(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM, **(SHOWN | {"opt_out_of": "other|en"}), opt_out_button=["0"])
    assert campaign(panel).opt_out_buttons is None


def test_the_file_names_places_of_quick_replies(panel: Panel) -> None:
    created = create_campaign(panel.rt, CAMPAIGN | {"opt_out_buttons": ["1", "0", "1"]}, ANA)
    assert campaign(panel, created.id).opt_out_buttons == ["0", "1"]


@pytest.mark.parametrize(
    ("places", "problem"),
    [
        (["7"], "opt_out_buttons: 7 is no quick reply of the template; there are: 0 \\(Tell me more\\), 1"),
        (["x"], 'opt_out_buttons.0="x": allowed is the place of a button, counted from 0'),
        ([1], "opt_out_buttons.0=1: "),
        ("1", "opt_out_buttons"),
    ],
)
def test_the_file_is_refused_with_what_is_allowed(panel: Panel, places: object, problem: str) -> None:
    with pytest.raises(OperatorError, match=problem):
        create_campaign(panel.rt, CAMPAIGN | {"opt_out_buttons": places}, ANA)
