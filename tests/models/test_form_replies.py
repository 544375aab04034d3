"""The answers of a form, as a person reads them and as a program takes them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.form_replies import MAX_FIELDS, MAX_VALUE, form_text, form_token, read_form


def _form(answers: Any, **values: Any) -> dict[str, Any]:
    raw = answers if isinstance(answers, str) else json.dumps(answers)
    reply = {"name": "flow", "body": "Sent", "response_json": raw} | values
    return {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}


def test_the_answers_are_read_in_the_forms_order() -> None:
    assert form_text(_form({"rating": "Excellent", "comment": "Very good"})) == "rating: Excellent · comment: Very good"


@pytest.mark.parametrize(
    ("answers", "fields"),
    [
        ({"flow_token": "t1", "size": "M"}, {"size": "M"}),
        ({"days": ["Mon", "Tue"], "agree": True, "no": False}, {"days": "Mon, Tue", "agree": "yes", "no": "no"}),
        ({"people": 3, "price": 1.5, "none": None}, {"people": "3", "price": "1.5"}),
        ({"values": {"city": "Madrid", "deep": {"a": {"b": {"c": 1}}}}}, {"values.city": "Madrid"}),
        ({"photos": [{"file_name": "a.jpg", "id": 1}, {"id": 2}, ["x"]]}, {"photos": "a.jpg"}),
        ({"nul": "a\x00b"}, {"nul": "ab"}),
        ({"long": "x" * 5000}, {"long": "x" * MAX_VALUE}),
        ({}, {}),
        ("[1]", {}),
        ("no JSON", {}),
        ("[" * 100_000, {}),
    ],
)
def test_whatever_the_form_holds_is_read_without_an_error(answers: Any, fields: dict[str, str]) -> None:
    assert read_form(_form(answers)) == fields


def test_only_so_many_fields_are_kept() -> None:
    assert len(read_form(_form({str(place): "x" for place in range(200)})) or {}) == MAX_FIELDS


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (_form({}), "Sent"),
        (_form("no JSON"), "Sent"),
        (_form({"values": {"city": "Madrid"}}, name="address_message", body="Ann\nMadrid"), "Ann\nMadrid"),
        (_form({"city": "Madrid"}, name="address_message", body=""), "city: Madrid"),
        (_form({}, body=None), None),
        ({"type": "interactive", "interactive": {"button_reply": {"id": "x"}}}, None),
        ({"interactive": "odd"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_what_is_no_form_or_has_a_text_of_its_own_is_told_apart(payload: Any, text: str | None) -> None:
    assert form_text(payload) == text


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3),
    max_leaves=15,
)


@given(_JSON)
def test_every_json_is_read(answers: Any) -> None:
    fields = read_form(_form(answers)) or {}
    "".join([*fields, *fields.values()]).encode()


@pytest.mark.parametrize(
    ("response", "token"),
    [
        ('{"flow_token": "h1f:a:1:0", "x": 1}', "h1f:a:1:0"),
        ({"flow_token": "t"}, "t"),
        ('{"flow_token": 7}', None),
        ('{"flow_token": ["t"]}', None),
        ("[]", None),
        ("no JSON", None),
        ("[" * 100_000, None),
        (None, None),
    ],
)
def test_the_token_of_a_form_is_read_whatever_the_person_s_phone_sends(response: object, token: str | None) -> None:
    assert form_token({"interactive": {"nfm_reply": {"response_json": response}}}) == token
    assert form_token({"interactive": None}) is None
    assert form_token(None) is None
