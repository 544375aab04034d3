"""Reading a rule: what cannot be is refused with one line."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.segments.operators import RuleError
from models.segments.store import save_segment
from models.tables.segment import Segment
from models.tables.tag import AttributeType
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_attribute

pytestmark = pytest.mark.time_zone("America/New_York")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ([], "a rule must be an object with any (a list of groups) or all (a list of conditions)"),
        ({"any": []}, "any: must be a list of at least one group"),
        ({"any": [{"all": []}]}, "any[0].all: must be a list of at least one condition"),
        ({"all": [{"on": "shoe", "op": "is"}]}, "all[0]: on 'shoe' is not one of tag, attribute"),
        ({"all": [{"on": "consent", "op": "has"}]}, "all[0]: op 'has' is not one of is, is_not, in, not_in"),
        ({"all": [{"on": "consent", "op": "is", "value": "yes"}]}, "all[0]: value 'yes' is not one of subscribed"),
        ({"all": [{"on": "tag", "name": "no", "op": "has"}]}, "all[0]: there is no tag 'no'"),
        ({"all": [{"on": "tag", "op": "has"}]}, "all[0]: name must be text"),
        (
            {"all": [{"on": "tag", "name": "vip", "op": "has", "value": 1}]},
            "all[0]: 'value' does not belong to tag has",
        ),
        ({"all": [{"on": "list", "name": "no", "op": "has"}]}, "all[0]: there is no list 'no'"),
        ({"all": [{"on": "segment", "name": "no", "op": "has"}]}, "all[0]: there is no segment 'no'"),
        ({"all": [{"on": "attribute", "name": "no", "op": "known"}]}, "all[0]: there is no attribute 'no'"),
        (
            {"all": [{"on": "attribute", "name": "spent", "op": "contains", "value": "1"}]},
            "all[0]: spent is a number: op 'contains' is not one of known, unknown, equal",
        ),
        (
            {"all": [{"on": "attribute", "name": "spent", "op": "more", "value": "1"}]},
            "all[0]: value must be a number",
        ),
        (
            {"all": [{"on": "attribute", "name": "spent", "op": "between", "value": [1]}]},
            "all[0]: value must be a list of two",
        ),
        (
            {"all": [{"on": "last_inbound", "op": "before", "value": "soon"}]},
            "all[0]: value 'soon' must be a date such as 2026-11-22",
        ),
        ({"all": [{"on": "last_inbound", "op": "last_days", "value": 0}]}, "all[0]: value must be a whole number"),
        ({"all": [{"on": "campaign", "op": "read", "campaign": 99}]}, "all[0]: there is no launched campaign 99"),
        ({"all": [{"on": "campaign", "op": "read", "code": 1}]}, "all[0]: 'code' does not belong to campaign read"),
        ({"all": [{"on": "campaign", "op": "failed", "code": "x"}]}, "all[0]: code must be a whole number above 0"),
        ({"all": [{"on": "language", "op": "is", "value": "a\x00"}]}, "all[0]: value must be text"),
        ({"all": [{"on": "orders_count", "op": "is", "value": 1}]}, "all[0]: op 'is' is not one of equal, less"),
        ({"all": [{"on": "orders_count", "op": "less", "value": True}]}, "all[0]: value must be a number"),
        (
            {"all": [{"on": "orders_count", "op": "less", "value": 1, "currency": "EUR"}]},
            "all[0]: 'currency' does not belong to orders_count less",
        ),
        ({"all": [{"on": "total_spent", "op": "less", "value": 1e13}]}, "all[0]: value must be a number up to 10000"),
        (
            {"all": [{"on": "total_spent", "op": "less", "value": 1, "currency": "euro"}]},
            "all[0]: currency must be a code such as EUR",
        ),
        (
            {"all": [{"on": "days_since_last_order", "op": "more", "value": 1.5}]},
            "all[0]: value must be a whole number of days from 0 to 36500",
        ),
        (
            {"all": [{"on": "orders_count", "op": "between", "value": [5, 2]}]},
            "all[0]: between 5 and 2 is nothing; the lower one comes first",
        ),
        (
            {"all": [{"on": "last_order", "op": "between", "value": ["2026-11-02", "2026-11-01T23:00:00+00:00"]}]},
            "all[0]: between 2026-11-02 and 2026-11-01T23:00:00+00:00 is nothing; the lower one comes first",
        ),
        ({"all": [{"on": "country", "op": "in", "value": []}]}, "all[0]: value must be a list of 1 to 1000"),
        (
            {"all": [{"on": "days_since_last_order", "op": "less", "value": -1}]},
            "all[0]: value must be a whole number of days from 0 to 36500",
        ),
        ({"all": [{"on": "last_inbound", "op": "last_days", "value": -3}]}, "all[0]: value must be a whole number"),
        ({"all": [{"on": "campaign", "op": "read", "days": -1}]}, "all[0]: days must be a whole number above 0"),
        ({"all": [{"on": "campaign", "op": "failed", "code": 10**30}]}, "all[0]: code must be at most 2147483647"),
        ({"all": [{"on": "campaign", "op": "read", "campaign": 10**30}]}, "all[0]: campaign must be at most"),
        (
            {"all": [{"on": "last_inbound", "op": "after", "value": "0001-01-01T00:00:00+14:00"}]},
            "all[0]: value '0001-01-01T00:00:00+14:00' must be a date",
        ),
        ({"all": [{"on": "tag", "name": "vip\x00", "op": "has"}]}, "all[0]: name must be text"),
        ({"all": [{"on": "language", "op": "is", "value": "\ud800"}]}, "all[0]: value must be text"),
        ({"all": [{"on": "language", "op": "is", "value": "e" * 2001}]}, "all[0]: value must be text of at most 2000"),
        ({"all": [{"on": "tag", "name": "v" * 201, "op": "has"}]}, "all[0]: name must be text of at most 200"),
        ({"all": [{"on": "language", "op": "is", "value": 10**5000}]}, "all[0]: value must be text"),
        ({"all": [{"on": "tag", "name": "vip", "op": "has"}] * 101}, "it has more than 100 conditions"),
    ],
)
def test_an_impossible_rule_is_refused_with_one_line(session: Session, data: Any, line: str) -> None:
    alice(session)
    make_attribute(session, "spent", type=AttributeType.NUMBER)
    with pytest.raises(RuleError) as refused:
        save_segment(session, "impossible", data, NOW)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)
    assert session.scalar(select(Segment.id)) is None
