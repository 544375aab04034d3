"""The pages of results: trends, campaigns side by side, a campaign's curve, and the data behind each."""

import csv
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest

from jobs.results.recount import recount_changed
from models.clock import utcnow
from models.results import stored
from models.results.opt_outs import CampaignOptOut, record_opt_outs
from models.tables.campaign import CampaignStatus, CampaignType
from models.tables.flow import Flow, FunnelStep
from models.tables.recipient import RecipientState
from models.tables.recipient_opt_out import OptOutWay
from models.tables.user import Role
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient, make_template
from tests.support.factories.contacts import make_contact
from tests.support.panel_app import Panel, Visitor, said

pytestmark = pytest.mark.sqlite_only
NOW = utcnow()
BEGUN = (NOW - timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
PEOPLE = 60


@pytest.fixture
def viewer(panel: Panel) -> Visitor:
    """A viewer; of campaign 1 all read it, of campaign 2 nobody did, campaign 3 has ten people, campaign 4 was not started."""
    with panel.rt.database.write() as session:
        flow = Flow(name="spring", version=1, created_at=NOW, updated_at=NOW)
        session.add(flow)
        session.flush()
        number = make_number(session, now=NOW)
        template = make_template(session, number, now=NOW, name="offer")
        people = [make_contact(session, now=NOW) for _ in range(PEOPLE)]
        promo: dict[str, Any] = {
            "status": CampaignStatus.ENDED,
            "type": CampaignType.PROMOTIONAL,
            "flow_id": flow.id,
            "ended_at": NOW,
        }
        for name, size, is_read in (("Spring <1>", PEOPLE, True), ("Autumn", PEOPLE, False), ("Small", 10, True)):
            campaign = make_campaign(session, number, template, name=name, now=BEGUN, **promo)
            for place, contact in enumerate(people[:size]):
                at = BEGUN + timedelta(minutes=place)
                row = make_recipient(
                    session, campaign, contact, state=RecipientState.ACCEPTED, accepted_at=at, delivered_at=at,
                    read_at=at + timedelta(hours=1) if is_read else None,
                )  # fmt: skip
                if is_read and place < 4:
                    session.add(FunnelStep(recipient_id=row.id, step="menu", at=at + timedelta(seconds=90)))
            record_opt_outs(session, [CampaignOptOut(row.id, OptOutWay.STOP_WORD, NOW)])
        make_campaign(session, number, template, name="Draft", now=NOW)
    recount_changed(panel.rt, NOW)
    return panel.of(Role.VIEWER)


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def test_trends_show_rates_with_intervals_and_their_data(viewer: Visitor) -> None:
    page = viewer.get("/results/")
    assert "<title id=" in page
    assert "Read, of delivered" in said(page[page.index("<main") :])
    assert 'aria-current="page"' in page
    offers = said(page[page.index("By template") :])
    assert "offer 3 130 53.8 % 45.3–62.2 %" in offers
    rows = _rows(viewer.get("/results/trends.csv?days=30"))
    [week] = [row for row in rows if row["by"] == "week"]
    assert (week["campaigns"], week["sent"], week["read_pct"], week["opted_out"]) == ("3", "130", "53.8", "3")
    assert "No campaign of this type" in viewer.get("/results/?type=catalog&days=30&measure=replied")
    for odd in ("?measure=x&type=y&number=z&days=-1", "?_scheme=x&_external=1&number=99999999999999999999"):
        assert "Results" in viewer.get(f"/results/{odd}")


def test_campaigns_stand_side_by_side_with_what_can_be_told(viewer: Visitor) -> None:
    page = viewer.get("/results/compare?id=1&id=2&id=3&id=")
    text = " ".join(said(page[page.index("Rates") :]).split())
    assert "Read, of delivered 100.0 % 94.0–100.0 % 0.0 % 0.0–6.0 % lower than Spring &lt;1&gt; too few to tell" in text
    rows = _rows(viewer.get("/results/compare.csv?id=1&id=2"))
    assert [(row["id"], row["hour"], row["sent"], row["read"]) for row in rows] == [
        ("1", "1", "60", "0"),
        ("1", "2", "60", "60"),
        ("2", "1", "60", "0"),
    ]
    for ids, sentence in (
        ("id=1", "Name 2 to 5 campaigns"),
        ("id=1&id=1", "only once"),
        ("id=1&id=99", "there is no such campaign"),
        ("id=1&id=4", "nobody to compare"),
        ("&".join(f"id={key}" for key in range(1, 7)), "Name 2 to 5 campaigns"),
    ):
        assert sentence.lower() in viewer.get(f"/results/compare?{ids}", 400).lower()
    viewer.get("/results/compare.csv?id=1", 303)
    assert "Compare" in viewer.get("/results/compare?id=x&id=١")


def test_a_campaign_s_curve_is_drawn_and_given_as_data(viewer: Visitor) -> None:
    page = viewer.get("/results/campaigns/1/?by=hour")
    assert "Spring &lt;1&gt;: people per hour" in page
    rows = _rows(viewer.get("/results/campaigns/1/curve.csv?by=hour"))
    assert [(row["sent"], row["delivered"], row["read"]) for row in rows] == [("60", "60", "0"), ("0", "0", "60")]
    assert rows[0]["at"] == f"{BEGUN:%Y-%m-%dT%H:%M:%SZ}"
    assert len(_rows(viewer.get("/results/campaigns/1/curve.csv?by=minute"))) == 120
    assert len(_rows(viewer.get("/results/campaigns/1/curve.csv?by=day"))) in {1, 2}
    assert "Nothing was counted yet" in viewer.get("/results/campaigns/4/")
    viewer.get("/results/campaigns/99/", 404)


def test_a_campaign_s_page_says_who_left_and_how_far_people_went(
    viewer: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "/results/campaigns/1/part" in viewer.get("/campaigns/1/")
    part = said(viewer.get("/results/campaigns/1/part"))
    assert "Wrote STOP 1" in part
    assert "menu 4 1 min" in part
    assert "Counted as of" not in part
    assert "Nobody asked for an end" not in part
    monkeypatch.setattr(stored, "LARGE", 10)
    monkeypatch.setattr(stored.stored_figures, "__defaults__", (10,))
    assert "Counted as of" in viewer.get("/results/campaigns/1/part")
    assert "menu 4 1 min" in said(viewer.get("/results/campaigns/1/part"))
