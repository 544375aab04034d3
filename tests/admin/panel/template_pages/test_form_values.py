"""The template form against the definition: every published format can be edited by clicks and comes out as it went in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.panel.template_pages.form_definition import FormDefinition
from admin.panel.template_pages.form_of import values_of
from admin.panel.template_pages.form_values import FormValues, apply_change, read_form
from models.templates.definition.parse import check_template_json
from tests.support.template_files import PUBLISHED, template_json

BY_CLICKS = [name for name in PUBLISHED if name != "from_the_library"]
BASE = "https://go.example"


def as_form(values: FormValues) -> dict[str, str]:
    """What a browser sends of a form with these values."""
    form = values.plain | values.samples
    for place, button in enumerate(values.buttons):
        form |= {f"b-{place}-{name}": text for name, text in button.items()}
    for place, card in enumerate(values.cards):
        form |= {f"c-{place}-on": "1"} | {f"c-{place}-{name}": text for name, text in card.items()}
        for inner, button in enumerate(values.card_buttons[place]):
            form |= {f"c-{place}-b-{inner}-{name}": text for name, text in button.items()}
    return form


@pytest.mark.parametrize("name", BY_CLICKS)
def test_every_published_format_comes_out_of_the_form_as_it_went_in(name: str) -> None:
    definition = check_template_json(template_json(name)).valid()
    written = FormDefinition(read_form(as_form(values_of(template_json(name))))).json
    assert check_template_json(written).valid() == definition


def problems_at(form: dict[str, str]) -> dict[str, str]:
    made = FormDefinition(read_form(form))
    return {made.field_of(problem): str(problem.text) for problem in check_template_json(made.json).problems}


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("coupon", {"name": "Upper"}, "name"),
        ("coupon", {"language": "xx"}, "language"),
        ("coupon", {"ttl": "soon"}, "ttl"),
        ("coupon", {"ttl": "5"}, "ttl"),
        ("coupon", {"body": ""}, "body"),
        ("coupon", {"sample-1": ""}, "body"),
        ("coupon", {"header-text": "*bold*"}, "header-text"),
        ("mpm", {"header-example": ""}, "header-example"),
        ("lto", {"header-handle": ""}, "header-file"),
        ("lto", {"offer-text": "x" * 17}, "offer-text"),
        ("coupon", {"footer": "x" * 61}, "footer"),
        ("coupon", {"b-0-text": "x" * 26}, "b-0-text"),
        ("coupon", {"b-1-code": "x" * 21}, "b-1-code"),
        ("seasonal_promo", {"b-1-url": "nonsense"}, "b-1-url"),
        ("seasonal_promo", {"b-1-example": ""}, "b-1-example"),
        ("seasonal_promo", {"b-2-phone": "nonsense"}, "b-2-phone"),
        ("flow_button", {"b-0-flow": ""}, "b-0-flow"),
        ("media_cards", {"c-1-handle": ""}, "c-1-file"),
        ("media_cards", {"c-1-body": "x" * 161}, "c-1-body"),
        ("media_cards", {"c-1-header": "VIDEO"}, "c-1-on"),
        ("media_cards", {"c-1-b-0-text": "x" * 26}, "c-1-b-0-text"),
        ("login_code", {"minutes": "91"}, "minutes"),
        ("one_tap_code", {"otp-package": ""}, "otp-package"),
    ],
)
def test_a_problem_stands_at_its_field(name: str, changes: dict[str, str], field: str) -> None:
    form = as_form(values_of(template_json(name)))
    assert problems_at(form) == {}
    assert field in problems_at(form | changes)


def test_a_button_a_card_and_a_button_on_every_card_are_added_and_removed() -> None:
    values = values_of(template_json("media_cards"))
    assert apply_change(values, {"add": "card"}, BASE)
    assert [button["kind"] for button in values.card_buttons[2]] == ["QUICK_REPLY", "URL"]
    assert apply_change(values, {"drop": "cb-1"}, BASE)
    assert apply_change(values, {"add": "card-button", "new-card-button": "PHONE_NUMBER"}, BASE)
    assert [[button["kind"] for button in row] for row in values.card_buttons] == [["QUICK_REPLY", "PHONE_NUMBER"]] * 3
    assert apply_change(values, {"drop": "c-0"}, BASE)
    assert [card["body"] for card in values.cards[:1]] == ["Red"]
    for _ in range(20):
        apply_change(values, {"add": "card"}, BASE)
        apply_change(values, {"add": "button", "new-button": "QUICK_REPLY"}, BASE)
    assert (len(values.cards), len(values.buttons)) == (10, 10)
    assert not apply_change(values, {}, BASE)


def test_quick_replies_stay_together_and_offers_are_filled_in() -> None:
    values = values_of(template_json("seasonal_promo"))
    apply_change(values, {"add": "button", "new-button": "opt_out"}, BASE)
    apply_change(values, {"add": "button", "new-button": "tracked"}, BASE)
    kinds = [button["kind"] for button in values.buttons]
    assert kinds == ["QUICK_REPLY", "QUICK_REPLY", "URL", "PHONE_NUMBER", "URL"]
    assert values.buttons[1]["text"] == "Stop promotions"
    assert values.buttons[4]["url"] == "https://go.example/l/{{1}}"
    assert problems_at(as_form(values)) == {}


@given(
    st.dictionaries(st.sampled_from(sorted(as_form(values_of(template_json("media_cards"))))) | st.text(), st.text())
)
def test_no_form_whatever_raises(form: dict[str, Any]) -> None:
    values = read_form(form)
    apply_change(values, form, BASE)
    problems_at(as_form(values))
    values_of(FormDefinition(values).json)
