"""Counting a rule in one pass and in slices."""

import pytest
from sqlalchemy import update

from models.segments.count import SAMPLE, begin_count, count_slice, load_sample
from models.segments.rule import SegmentRule, parse_rule
from models.tables.contact import Contact
from tests.models.segments.oracle import matches
from tests.models.segments.people import People
from tests.support.factories.common import NOW

pytestmark = pytest.mark.time_zone("America/New_York")


def test_one_pass_in_slices_counts_each_condition_each_group_and_all_of_it(people: People) -> None:
    data = [
        [{"on": "last_engaged", "op": "not_last_days", "value": 30}, {"on": "tag", "name": "vip", "op": "has"}],
        [{"on": "campaign", "op": "not_read"}, {"on": "segment", "name": "inner", "op": "has"}],
        [{"on": "orders_count", "op": "more", "value": 1}],
    ]
    known = people.facts
    merged = update(Contact).where(Contact.id.not_in(known)).values(merged_into_id=min(known))
    people.session.execute(merged)  # a record that was merged is nobody
    rule = parse_rule(people.session, {"any": [{"all": group} for group in data]})

    def count(some: SegmentRule) -> int:
        return sum(matches(some, facts, NOW) for facts in known.values())

    tally = begin_count(people.session, rule)
    assert (tally.is_done, tally.share) == (False, 0)
    for size in (7, 20, 1000):
        tally = count_slice(people.session, rule, tally, NOW, size)
    assert (tally.is_done, tally.share) == (True, 1)
    assert tally.each == tuple(tuple(count(SegmentRule(((item,),))) for item in group) for group in rule.groups)
    assert tally.groups == tuple(count(SegmentRule((group,))) for group in rule.groups)
    assert tally.total == count(rule)
    first = [contact_id for contact_id in sorted(known) if matches(rule, known[contact_id], NOW)]
    assert [contact.id for contact in load_sample(people.session, tally)] == first[:SAMPLE]
