"""Numbers in the panel."""

from typing import Any

import pytest
from sqlalchemy import select

from models.tables.number import MarketingPolicy, Number
from models.tables.template import Template
from models.tables.user import Role
from tests.support.panel_app import Panel

pytestmark = [pytest.mark.usefixtures("furnished"), pytest.mark.sqlite_only]


def test_a_stopped_number_goes_on_when_an_administrator_says_so(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        number = session.get_one(Number, 1)
        number.stopped_at, number.stopped_reason = number.created_at, "the token was refused"
    admin = panel.of(Role.ADMIN)
    assert "the token was refused" in admin.get("/")
    assert "may send again" in admin.post("/numbers/1/resume")
    assert "is not stopped" in admin.post("/numbers/1/resume")
    assert "allowed are 1 to 1000" in admin.post("/numbers/1/speed", per_second="lots")
    admin.post("/numbers/1/speed", per_second="500")
    with panel.rt.database.read() as session:
        number = session.get_one(Number, 1)
        assert (number.stopped_at, number.messages_per_second) == (None, 500)
    assert "500 a second, in and out" in admin.get("/numbers/")
    admin.post("/numbers/1/speed", per_second="")
    with panel.rt.database.write() as session:
        assert session.get_one(Number, 1).messages_per_second is None


@pytest.mark.parametrize("answers", [True, False])
def test_a_stopped_number_says_whether_answers_go_on(panel: Panel, answers: bool) -> None:
    with panel.rt.database.write() as session:
        number = session.get_one(Number, 1)
        number.stopped_at, number.stopped_reason, number.answers_go_on = number.created_at, "Meta says no.", answers
    admin = panel.of(Role.ADMIN)
    assert [("Meta says no. Answers go on." in admin.get(page)) for page in ("/", "/numbers/")] == [answers, answers]


@pytest.mark.parametrize(
    ("level", "own", "shown"),
    [
        ("HIGH", None, "1\u202f000 a second, in and out"),
        ("PHONE_APP", None, "20 a second"),
        ("HIGH", 300, "300 a second"),
    ],
)
def test_the_speed_is_what_meta_says_unless_somebody_set_it(
    panel: Panel, level: str, own: int | None, shown: str
) -> None:
    with panel.rt.database.write() as session:
        number = session.get_one(Number, 1)
        number.throughput, number.messages_per_second = level, own
    page = panel.of(Role.ADMIN).get("/numbers/")
    assert shown in page
    assert (">as Meta says</span>" in page, "set here" in page) == (own is None, own is not None)


def test_a_number_is_checked_at_meta_before_it_is_kept(panel: Panel) -> None:
    admin = panel.of(Role.ADMIN)
    given: dict[str, Any] = {"name": "Second", "phone_number_id": "abc", "waba_id": "1", "display_phone": ""}
    page = admin.refused("/numbers/add", token="secret-token-of-mine", **given)
    assert "Allowed are the digits" in page
    assert "secret-token-of-mine" not in page
    page = admin.refused("/numbers/add", token="secret-token-of-mine", **(given | {"phone_number_id": "1"}))
    assert "secret-token-of-mine" not in page
    with panel.rt.database.read() as session:
        assert len(session.scalars(select(Number)).all()) == 1


def test_a_number_s_way_of_sending_marketing_is_chosen_and_shown(panel: Panel) -> None:
    admin = panel.of(Role.ADMIN)
    assert "Onboarding not known yet" in admin.get("/numbers/")
    admin.post("/numbers/1/marketing", policy="CLOUD_API_FALLBACK", shares="no")
    with panel.rt.database.write() as session:
        number = session.get_one(Number, 1)
        assert (number.marketing_api, number.marketing_policy, number.marketing_activity_sharing) == (
            True, MarketingPolicy.CLOUD_API_FALLBACK, False,
        )  # fmt: skip
        number.waba.marketing_onboarding, number.waba.marketing_off_on_cloud_api = "ELIGIBLE", True
    page = admin.get("/numbers/")
    assert "what it refuses goes by the Cloud API" in page
    assert "Eligible" in page
    assert "Switched off on the Cloud API" in page
    assert "allowed are STRICT, CLOUD_API_FALLBACK" in admin.post("/numbers/1/marketing", policy="SOMETIMES")
    admin.post("/numbers/1/marketing", policy="", shares="yes")
    with panel.rt.database.read() as session:
        number = session.get_one(Number, 1)
        assert (number.marketing_api, number.marketing_policy, number.marketing_activity_sharing) == (None, None, None)


def test_a_template_s_page_says_what_it_costs_at_most_and_how_long_meta_tries(panel: Panel) -> None:
    with panel.rt.database.write() as session:
        template = session.get_one(Template, 1)
        template.waba.currency, template.message_send_ttl_seconds = "EUR", 43_200
        template.optimization_spec = {"bid_strategy": "LOWEST_COST_WITH_BID_CAP", "bid_amount": 5000}
    page = panel.of(Role.VIEWER).get("/templates/1/")
    assert "0.05 EUR" in page
    assert "12 h" in page
