"""Days and dates in a rule, in the time zone of the business."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.segments.rule import parse_rule
from models.segments.store import save_segment
from models.tables.tag import AttributeType
from tests.support.counting import sample_matching
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_attribute, make_contact
from tests.support.stored_segments import stored_rule

pytestmark = pytest.mark.time_zone("America/New_York")


def test_a_date_that_yaml_read_is_stored_as_it_was_written(session: Session) -> None:
    make_attribute(session, "birthday", type=AttributeType.DATE)
    contact = make_contact(session, attributes={"birthday": "2026-11-20"}, last_inbound_at=NOW)
    conditions = [
        {"on": "attribute", "name": "birthday", "op": "after", "value": date(2026, 11, 19)},
        {"on": "last_inbound", "op": "after", "value": datetime(2026, 11, 22, tzinfo=UTC)},
    ]
    save_segment(session, "recent", {"all": conditions}, NOW)
    assert [item.id for item in sample_matching(session, stored_rule(session, "recent"), NOW)] == [contact.id]


@pytest.mark.parametrize(
    ("op", "value", "matching"),
    [
        ("before", "2026-11-22", {"the evening before"}),
        ("after", "2026-11-22", {"the day after"}),
        ("between", ["2026-11-22", "2026-11-22"], {"its first moment", "its last hour"}),
        ("between", ["2026-11-21", "2026-11-22T05:00:00"], {"the evening before", "its first moment"}),
        ("after", "2026-11-22T05:00:00+00:00", {"its last hour", "the day after"}),
    ],
)
def test_a_day_is_all_of_it_in_the_business_s_time_zone(
    session: Session, op: str, value: Any, matching: set[str]
) -> None:
    hours = {"the evening before": -1, "its first moment": 0, "its last hour": 23, "the day after": 24}
    midnight = datetime(2026, 11, 22, 5, tzinfo=UTC)  # in New York
    for name, hour in hours.items():
        make_contact(session, name=name, last_inbound_at=midnight + timedelta(hours=hour))
    make_contact(session, name="silent")
    for on in ("last_inbound", "last_engaged"):
        rule = parse_rule(session, {"all": [{"on": on, "op": op, "value": value}]})
        assert {contact.name for contact in sample_matching(session, rule, NOW)} == matching


def test_what_day_it_is_now_is_the_business_s_own(session: Session) -> None:
    make_attribute(session, "birthday", type=AttributeType.DATE)
    for day in ("2026-11-20", "2026-11-21", "2026-11-22"):
        make_contact(session, name=day, attributes={"birthday": day})
    rule = parse_rule(session, {"all": [{"on": "attribute", "name": "birthday", "op": "last_days", "value": 1}]})
    late_in_new_york = datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert [contact.name for contact in sample_matching(session, rule, late_in_new_york)] == [
        "2026-11-20",
        "2026-11-21",
    ]
