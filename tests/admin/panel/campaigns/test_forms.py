"""The form of a campaign."""

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select

from bot.sandbox.seed import PHONE_NUMBER_ID
from models.clock import utcnow
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus
from models.tables.media import MediaFile
from models.tables.template import Template
from models.tables.user import Role
from models.templates.variables import media_format
from tests.support.campaign_form import FORM, campaign
from tests.support.media import PNG
from tests.support.panel_app import Panel, Visitor, open_panel

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]


def test_a_complete_form_makes_a_ready_campaign(panel: Panel, manager: Visitor) -> None:
    page = manager.post("/campaigns/new", **FORM)
    assert "It is ready." in page
    made = campaign(panel)
    assert made.status is CampaignStatus.READY
    assert made.audience == {"include": [{"tag": "vip"}], "exclude": []}
    assert made.variables["body"]["1"] == {"source": "first_name", "fallback": "friend"}
    assert (made.pace_per_second, made.ends_after_seconds) == (50.0, 3 * 86_400)
    assert made.created_by == "manager@example.com"


def test_single_people_are_kept_by_their_whole_numbers_and_shown_with_their_names(
    tmp_path: Path, sqlite_url: str, redis_url: str, redis: Redis
) -> None:
    with open_panel(tmp_path, sqlite_url, redis_url, default_country="GB") as panel:
        panel.shell.add_number()
        panel.shell.add_people()
        manager = panel.of(Role.MANAGER)
        picked = {"include_people": "07700 900001, +44 7700 900003", "exclude_people": "+447700900003"}
        page = manager.refused("/campaigns/new", **(FORM | picked | {"pace": "none"}))
        assert "<b>Ana Abel</b> <span>+447700900001</span>" in page
        manager.post("/campaigns/new", **(FORM | picked | {"include_what": [], "include_value": []}))
        assert campaign(panel).audience == {
            "include": [{"contact": "+447700900001"}, {"contact": "+447700900003"}],
            "exclude": [{"contact": "+447700900003"}],
        }
        given = panel.shell.add_campaign(audience={"include": [{"contact": "7700 900001"}]})
        assert campaign(panel, given).audience["include"] == [{"contact": "+447700900001"}]


def test_what_is_missing_makes_a_draft_that_says_so(panel: Panel, manager: Visitor) -> None:
    page = manager.post("/campaigns/new", name="Idea", number=PHONE_NUMBER_ID, template="spring_sale|en")
    assert "Still missing: audience, body 1 is not mapped, body 2 is not mapped." in page
    assert campaign(panel).status is CampaignStatus.DRAFT


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"pace": "0"}, "pace", "greater than 0"),
        ({"pace": "fast"}, "pace", "valid number"),
        ({"ends_after_days": "-1"}, "ends_after_days", "greater than 0"),
        ({"number": "123"}, "number", "There is no such number"),
        ({"flow": "nonsense"}, "flow", "There is no such bot flow"),
        ({"include_what": ["tag:nonsense"], "include_value": [""]}, "include", "There is no tag"),
        ({"include_people": "+447700900099"}, "include", "There is no contact"),
        ({"name": "x" * 201}, "name", "at most 200"),
        ({"slot-body-2-text": "a\nb"}, "slot-body-2", "Text:"),
        ({"slot-body-1-source": "tag:nonsense"}, "slot-body-1", "There is no tag"),
        ({"slot-body-1-source": "nonsense"}, "slot-body-1", "Input should be"),
        ({"media_link": "https://example.com/a.jpg"}, "media", "takes no media"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_written(
    change: dict[str, Any], field: str, sentence: str, panel: Panel, manager: Visitor
) -> None:
    page = manager.refused("/campaigns/new", **(FORM | change))
    wrong = re.findall(r'<p class="(?:wrong|said bad)"[^>]*>([^<]*)</p>', page)
    assert any(sentence.lower() in text.lower() for text in wrong), wrong
    assert len(wrong) == 1
    assert 'value="Spring"' in page or field == "name"
    with panel.rt.database.read() as session:
        assert session.scalar(select(Campaign.id)) is None


def test_state_is_never_a_form_field(panel: Panel, manager: Visitor) -> None:
    state = {
        "status": "active",
        "outcome": "sent",
        "kind": "test",
        "started_at": "2026-01-01",
        "id": "99",
        "created_by": "x",
    }
    manager.post("/campaigns/new", **FORM, **state)
    made = campaign(panel)
    assert (made.status, made.outcome, made.kind, made.started_at) == (
        CampaignStatus.READY,
        None,
        CampaignKind.REAL,
        None,
    )
    assert "status" not in re.findall(r'name="([a-z_]+)"', manager.get("/campaigns/1/edit"))


def test_the_form_draws_itself_again_without_writing_anything(panel: Panel, manager: Visitor) -> None:
    answer = manager.send("/campaigns/new", **FORM, refresh="1")
    assert answer.status_code == 200
    assert "our spring sale" in answer.text
    assert "Can be written to" in answer.text
    assert "Not subscribed" in answer.text
    with panel.rt.database.read() as session:
        assert session.scalar(select(Campaign.id)) is None


def test_a_placeholder_that_is_still_open_leaves_nobody_out_of_the_estimate(panel: Panel, manager: Visitor) -> None:
    begun = {"slot-body-1-source": "", "slot-body-2-source": "text", "slot-body-2-text": ""}
    page = manager.send("/campaigns/new", **(FORM | begun), refresh="1").text
    assert "Missing value" not in page
    assert '<option value="text" selected>' in page


def test_an_edit_of_a_scheduled_campaign_takes_it_back_to_ready(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    tomorrow = utcnow() + timedelta(days=1)
    when = {"date": f"{tomorrow:%Y-%m-%d}", "time": "10:30", "zone": "Europe/Madrid", "per_hour": "600"}
    assert "Scheduled" in manager.post("/campaigns/1/schedule", **when)
    scheduled = campaign(panel)
    assert (scheduled.status, scheduled.pace_per_hour) == (CampaignStatus.SCHEDULED, 600.0)
    assert scheduled.scheduled_at is not None
    page = manager.get("/campaigns/1/edit")
    assert 'value="600"' in page
    manager.post("/campaigns/1/edit", **FORM, exclude_what=["tag:city"], exclude_value=["Madrid"])
    assert campaign(panel).status is CampaignStatus.READY
    assert campaign(panel).audience["exclude"] == [{"tag": "city", "value": "Madrid"}]


def test_the_latest_order_fills_a_placeholder(panel: Panel, manager: Visitor) -> None:
    order = {"slot-body-2-source": "order:number", "slot-body-2-fallback": "your order", "slot-body-2-text": ""}
    page = manager.send("/campaigns/new", **(FORM | order), refresh="1").text
    assert re.search(r'value="order:number"\s+selected', page)
    assert "‹latest order: number›" in page
    manager.post("/campaigns/new", **(FORM | order))
    assert campaign(panel).variables["body"]["2"] == {
        "source": "order",
        "field": "number",
        "fallback": "your order",
    }
    wrong = manager.refused("/campaigns/new", **(FORM | {"slot-body-2-source": "order:shoe"}))
    assert "should be &#39;number&#39;" in wrong


def test_an_upload_is_kept_outside_the_web_root_and_stays_through_errors(panel: Panel, manager: Visitor) -> None:
    offered = re.findall(r'value="([^"]+\|en)"', manager.send("/campaigns/new", **FORM, refresh="1").text)
    image = next(value for value in offered if needs_image(panel, value))
    form = {key: value for key, value in FORM.items() if not key.startswith("slot-")} | {"template": image}
    wrong = manager.refused("/campaigns/new", **form, media_file=(io.BytesIO(b"GIF89a"), "a.png"))
    assert "a.png is a GIF picture: allowed are JPEG and PNG" in wrong
    page = manager.refused("/campaigns/new", **(form | {"pace": "x"}), media_file=(io.BytesIO(PNG), "../../a.png"))
    sha256 = re.search(r'name="media_sha256" value="([0-9a-f]{64})"', page)
    assert sha256
    manager.post("/campaigns/new", **form, media_sha256=sha256[1])
    assert campaign(panel).media["header"]["sha256"] == sha256[1]
    with panel.rt.database.read() as session:
        kept = session.scalars(select(MediaFile)).one()
    assert (panel.rt.settings.var_dir / "media" / kept.storage_key).read_bytes() == PNG
    assert kept.name == "a.png"


def needs_image(panel: Panel, value: str) -> bool:
    name, _, language = value.rpartition("|")
    with panel.rt.database.read() as session:
        template = session.scalars(select(Template).where(Template.name == name, Template.language == language)).first()
    return template is not None and media_format(template) == "IMAGE"
