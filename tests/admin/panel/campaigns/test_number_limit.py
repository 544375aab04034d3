"""A campaign's page says when its number, and not its pace, is the limit."""

import pytest

from models.tables.campaign import Campaign
from models.tables.number import Number
from models.tables.user import Role
from tests.support.panel_app import Panel, said

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


@pytest.mark.parametrize(
    ("level", "pace", "is_in_app", "line"),
    [
        ("STANDARD", {"pace_per_second": 200.0}, False, "it does 80 a second"),
        ("STANDARD", {"pace_per_second": 80.0}, False, None),
        ("HIGH", {"pace_per_second": 1000.0}, False, None),
        ("HIGH", {"pace_per_second": 21.0}, True, "it does 20 a second"),
        ("STANDARD", {"pace_per_second": None, "pace_per_hour": 360_000.0}, False, "it does 80 a second"),
        ("STANDARD", {"pace_per_second": None, "pace_per_hour": 3600.0}, False, None),
    ],
)
def test_the_page_names_the_limit(
    panel: Panel, level: str, pace: dict[str, float | None], is_in_app: bool, line: str | None
) -> None:
    with panel.rt.database.write() as session:
        number, campaign = session.get_one(Number, 1), session.get_one(Campaign, 1)
        number.throughput = "PHONE_APP" if is_in_app else level
        for name, value in pace.items():
            setattr(campaign, name, value)
    page = said(panel.of(Role.VIEWER).get("/campaigns/1/"))
    assert ("its number is the limit" in page) is (line is not None)
    assert line is None or line in page
