"""How fast a number may send."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.events.account.apply import apply_changes
from models.events.types import AccountChange
from models.sending.number_rate import number_rate
from models.tables.number import Number
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW


@pytest.mark.parametrize(
    ("level", "own", "rate"),
    [
        ("HIGH", None, 1000), ("high", None, 1000), ("STANDARD", None, 80), ("NOT_APPLICABLE", None, 80), (None, None, 80),
        ("PHONE_APP", None, 20), ("HIGH", 300, 300), ("HIGH", 80, 80), ("STANDARD", 300, 300), ("PHONE_APP", 5, 5),
    ],
)  # fmt: skip
def test_meta_says_the_rate_unless_an_operator_does(level: str | None, own: int | None, rate: int) -> None:
    assert number_rate(Number(throughput=level, messages_per_second=own)) == rate


@pytest.mark.parametrize("field", ["smb_message_echoes", "smb_app_state_sync", "history"])
@pytest.mark.parametrize(("before", "after"), [("STANDARD", "PHONE_APP"), (None, "PHONE_APP"), ("HIGH", "HIGH")])
def test_a_number_whose_phone_app_is_heard_of_is_one_of_the_phone_app(
    session: Session, field: str, before: str | None, after: str
) -> None:
    number, other = make_number(session, throughput=before), make_number(session, throughput=before)
    session.flush()
    value: dict[str, Any] = {"metadata": {"phone_number_id": number.phone_number_id}}
    for said in (value, {}, {"metadata": "x"}, {"metadata": {"phone_number_id": 7}}):
        apply_changes(session, [AccountChange(field, number.waba.waba_id, NOW, said)], NOW)
    session.expire_all()
    assert (number.throughput, other.throughput) == (after, before)
