"""The job that attributes orders: woken by what changed, in slices, and done once nothing waits."""

import pytest
from sqlalchemy import func, insert, select

from jobs.conversions.attribution import attribute_orders, attribute_waiting, recount_conversions, wake_attribution
from jobs.core.runtime import Runtime
from models.conversions.derive import CHANGES, has_changes
from models.tables.conversion import Conversion, ConversionChange
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, make_order
from tests.support.factories.conversions import at, campaign_with_goals, reached


@pytest.mark.sqlite_unless_proved
def test_a_change_wakes_one_worker_who_applies_all_of_them(rt: Runtime) -> None:
    assert not wake_attribution(rt, NOW)
    with rt.database.write() as session:
        person = alice(session)
        reached(session, campaign_with_goals(session), person)
        make_order(session, person, placed_at=at(100))
        session.execute(insert(ConversionChange), [{"contact_id": person.id}] * (2 * CHANGES))
    assert wake_attribution(rt, NOW)
    assert not wake_attribution(rt, NOW)  # it waits already
    attribute_orders()
    with rt.database.read() as session:
        assert not has_changes(session)
        assert session.scalar(select(func.count()).select_from(Conversion)) == 2
    assert not wake_attribution(rt, NOW)
    assert attribute_waiting(rt, float("inf")) == 0
    recount = recount_conversions(rt)
    assert (recount.orders, recount.differences) == (1, 0)
