"""Saving segments, and segments inside segments."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.segments.operators import RuleError
from models.segments.rule import parse_rule
from models.segments.store import save_segment
from models.tables.segment import Segment
from tests.support.counting import count_matching, counted, sample_matching
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice as make_alice
from tests.support.factories.contacts import bob as make_bob
from tests.support.stored_segments import stored_rule

pytestmark = pytest.mark.time_zone("America/New_York")


def test_a_segment_inside_a_segment_counts_as_its_rule(session: Session) -> None:
    alice, bob = make_alice(session, language="es"), make_bob(session, language="es")
    save_segment(session, "spanish", {"all": [{"on": "language", "op": "is", "value": "es"}]}, NOW)
    save_segment(session, "reachable", {"all": [{"on": "consent", "op": "is", "value": "subscribed"}]}, NOW)
    both = {
        "all": [
            {"on": "segment", "name": "spanish", "op": "has"},
            {"on": "segment", "name": "reachable", "op": "has_not"},
        ]
    }
    save_segment(session, "both", both, NOW)
    rule = stored_rule(session, "both")
    assert [contact.id for contact in sample_matching(session, rule, NOW)] == [bob.id]
    assert count_matching(session, rule, NOW) == 1
    assert counted(session, rule, NOW).each == ((2, 1),)
    assert alice.id != bob.id


def test_a_segment_that_includes_itself_is_refused(session: Session) -> None:
    make_alice(session)
    with pytest.raises(RuleError, match=r"segment 'a' includes itself \(a → a\)"):
        save_segment(session, "a", {"all": [{"on": "segment", "name": "a", "op": "has"}]}, NOW)
    save_segment(session, "a", {"all": [{"on": "tag", "name": "vip", "op": "has"}]}, NOW)
    save_segment(session, "b", {"all": [{"on": "segment", "name": "a", "op": "has"}]}, NOW)
    with pytest.raises(RuleError, match=r"segment 'a' includes itself \(a → b → a\)"):
        save_segment(session, "a", {"all": [{"on": "segment", "name": "b", "op": "has"}]}, NOW)
    assert session.scalar(select(Segment.rule).where(Segment.name == "a")) == {
        "all": [{"on": "tag", "name": "vip", "op": "has"}]
    }


def test_a_segment_that_is_changed_keeps_its_place_and_one_without_a_name_is_refused(session: Session) -> None:
    make_alice(session)
    rule = {"all": [{"on": "tag", "name": "vip", "op": "has"}]}
    first = save_segment(session, " fans ", rule, NOW)
    assert save_segment(session, "fans", {"any": [rule, rule]}, NOW + timedelta(days=1)) == first
    assert len(stored_rule(session, "fans").groups) == 2
    with pytest.raises(RuleError, match="segment: name must be text of 1 to 200 characters"):
        save_segment(session, " ", rule, NOW)
    with pytest.raises(RuleError, match="there is no segment 'none'"):
        parse_rule(session, {"all": [{"on": "segment", "name": "none", "op": "has"}]})
    for depth in range(6):
        data = rule if depth == 0 else {"all": [{"on": "segment", "name": f"s{depth - 1}", "op": "has"}]}
        if depth < 5:
            save_segment(session, f"s{depth}", data, NOW)
        else:
            with pytest.raises(RuleError, match="segments stand inside each other more than 5 deep"):
                save_segment(session, f"s{depth}", data, NOW)
