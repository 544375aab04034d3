"""The limits of Meta: throughput, pairs and tiers."""

from typing import Any

import pytest

from bot.sandbox.seed import SECOND_PHONE_NUMBER_ID
from tests.support.sandbox_client import Caller, template_to
from tests.support.sandbox_plans import ANA


def test_the_throughput_of_a_number_is_kept(meta: Caller) -> None:
    meta.handle.configure(throughput_mps=2)
    codes = [meta.template(f"+3460000{n:04d}").status_code for n in range(20)]
    assert 2 <= codes.count(200) < 20
    assert meta.handle.stats()["refused"]["130429"] == codes.count(400)
    assert meta.post(template_to(ANA, "spring_sale"), SECOND_PHONE_NUMBER_ID).status_code == 200


@pytest.mark.parametrize(
    ("values", "rate"),
    [
        ({}, 80.0),
        ({"throughput": "HIGH"}, 1000.0),
        ({"throughput": "NOT_APPLICABLE"}, 80.0),
        ({"throughput": "HIGH", "is_in_app": True}, 20.0),
        ({"is_in_app": True, "throughput_mps": 5}, 5.0),
    ],
)
def test_a_number_s_throughput_follows_from_its_level_and_the_app(
    meta: Caller, values: dict[str, Any], rate: float
) -> None:
    answer = meta.control.post("/number", json={"phone_number_id": SECOND_PHONE_NUMBER_ID, **values})
    assert answer.status_code == 200
    assert meta.handle.call(lambda: meta.handle.sim.number(SECOND_PHONE_NUMBER_ID).rate(0.0)) == rate


def test_the_46th_message_in_a_row_to_one_person_breaks_the_pair_rule(meta: Caller) -> None:
    answers = [meta.template(ANA) for _ in range(46)]
    assert [answer.status_code for answer in answers[:45]] == [200] * 45
    assert meta.code_of(answers[45]) == 131056


def test_the_tier_counts_people_outside_windows_once(meta: Caller) -> None:
    meta.handle.configure(tier_limit=2)
    meta.handle.say("+34600000009", "hello")
    assert [meta.template(to).status_code for to in (ANA, ANA, "+34600000002", "+34600000009")] == [200] * 4
    assert meta.code_of(meta.template("+34600000003")) == 131048
