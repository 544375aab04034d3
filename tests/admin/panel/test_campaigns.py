"""Campaigns in the panel, from the form to the end of their life."""

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select

from admin.panel import live_stats
from admin.panel.campaigns import people as campaign_people
from bot.sandbox.seed import PHONE_NUMBER_ID
from jobs.campaigns.launch import launch_campaign
from jobs.core.queues import LAUNCH, queue
from models.clock import utcnow
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus, transition
from models.tables.recipient import Recipient, RecipientState
from models.tables.template import MediaHandle, Template
from models.tables.user import Role
from models.templates.variables import media_format
from tests.support.panel_app import Panel, Visitor, open_panel

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_only]

FORM: dict[str, Any] = {
    "name": "Spring",
    "number": PHONE_NUMBER_ID,
    "template": "spring_sale|en",
    "include_what": ["tag:vip", ""],
    "include_value": ["", ""],
    "slot-body-1-source": "first_name",
    "slot-body-1-fallback": "friend",
    "slot-body-2-source": "text",
    "slot-body-2-text": "20 %",
    "pace": "50",
    "pace_unit": "per_second",
    "ends_after_days": "3",
}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def campaign(panel: Panel, campaign_id: int = 1) -> Campaign:
    with panel.rt.database.read() as session:
        return session.get_one(Campaign, campaign_id)


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


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"date": "2020-01-01"}, "still to come"),
        ({"date": "soon"}, "allowed is a day"),
        ({"time": "late"}, "allowed is a time"),
        ({"zone": "Mars/Base"}, "time zone"),
        ({"per_hour": "many"}, "allowed is a number"),
        ({"per_hour": "0"}, "above 0"),
        ({"date": "2027-03-28", "time": "02:30"}, "does not exist"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(
    change: dict[str, Any], sentence: str, panel: Panel, manager: Visitor
) -> None:
    manager.post("/campaigns/new", **FORM)
    day = f"{utcnow() + timedelta(days=1):%Y-%m-%d}"
    tomorrow: dict[str, Any] = {"date": day, "time": "10:30", "zone": "Europe/Madrid", "per_hour": ""}
    assert sentence in manager.refused("/campaigns/1/schedule", **(tomorrow | change)).lower()
    assert campaign(panel).status is CampaignStatus.READY


def test_a_life_by_buttons(panel: Panel, manager: Visitor, redis: Redis) -> None:
    manager.post("/campaigns/new", **FORM)
    question = manager.refused("/campaigns/1/start", status=200)
    assert "Start this campaign now?" in question
    assert campaign(panel).status is CampaignStatus.READY
    assert "Started." in manager.post("/campaigns/1/start", confirmed="1")
    assert campaign(panel).status is CampaignStatus.ACTIVE
    assert queue(redis, LAUNCH).count == 1
    launch_campaign(1)
    page = manager.get("/campaigns/1/")
    assert "Not subscribed" in page
    assert "0 of 2 done" in page
    assert "Paused" in manager.post("/campaigns/1/pause")
    assert "Paused by an operator" in manager.get("/campaigns/1/")
    manager.post("/campaigns/1/resume")
    assert campaign(panel).status is CampaignStatus.ACTIVE
    assert "It has started" in manager.post("/campaigns/1/edit", **FORM)
    assert "end it before you delete it" in manager.post("/campaigns/1/delete", confirmed="1")
    manager.post("/campaigns/1/end", confirmed="1")
    assert campaign(panel).status is CampaignStatus.ENDED
    assert "possible from" in manager.post("/campaigns/1/resume")
    manager.post("/campaigns/1/delete", confirmed="1")
    manager.get("/campaigns/1/", 404)
    actions = [action for actor, action in panel.audited() if actor == "manager@example.com"]
    assert actions == ["sign_in", "create", "start", "pause", "resume", "end", "delete"]


def test_two_clicks_start_it_once(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    assert "It is active" in manager.post("/campaigns/1/start", confirmed="1")
    assert [action for _, action in panel.audited()].count("start") == 1


def test_what_blocks_is_said_and_nothing_starts(panel: Panel, manager: Visitor) -> None:
    manager.post(
        "/campaigns/new", **(FORM | {"include_what": [], "include_value": [], "include_people": "+447700900002"})
    )
    assert "Nobody of 1 can be written to" in manager.get("/campaigns/1/checks")
    assert "Nobody of 1 can be written to" in manager.post("/campaigns/1/start", confirmed="1")
    assert campaign(panel).status is CampaignStatus.READY
    assert "Not subscribed: unsubscribed" in manager.get("/campaigns/1/people?reason=not_subscribed")


def test_a_test_goes_to_contacts_and_is_listed_apart(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    assert "no contact with this phone" in manager.refused("/campaigns/1/test", phones="+447700900077")
    page = manager.post("/campaigns/1/test", phones="+44 7700 900001\n")
    assert "This is the test" in page
    assert campaign(panel, 2).kind is CampaignKind.TEST or campaign(panel, 3).kind is CampaignKind.TEST
    assert "Spring" in manager.get("/campaigns/tests")
    assert "1 test of it still runs" in manager.get("/campaigns/1/")
    manager.post("/campaigns/1/end-tests")
    assert "still runs" not in manager.get("/campaigns/1/")


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


def test_a_copy_is_opened_to_be_changed(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    page = manager.post("/campaigns/1/duplicate")
    assert "Edit “Spring (copy)”" in page
    assert campaign(panel, 2).variables == campaign(panel).variables


def test_an_upload_is_kept_outside_the_web_root_and_stays_through_errors(panel: Panel, manager: Visitor) -> None:
    offered = re.findall(r'value="([^"]+\|en)"', manager.send("/campaigns/new", **FORM, refresh="1").text)
    image = next(value for value in offered if needs_image(panel, value))
    form = {key: value for key, value in FORM.items() if not key.startswith("slot-")} | {"template": image}
    wrong = manager.refused("/campaigns/new", **form, media_file=(io.BytesIO(b"GIF89a"), "a.png"))
    assert "of no known kind" in wrong
    page = manager.refused("/campaigns/new", **(form | {"pace": "x"}), media_file=(io.BytesIO(PNG), "../../a.png"))
    sha256 = re.search(r'name="media_sha256" value="([0-9a-f]{64})"', page)
    assert sha256
    manager.post("/campaigns/new", **form, media_sha256=sha256[1], media_name="a.png")
    assert campaign(panel).media["header"]["sha256"] == sha256[1]
    with panel.rt.database.read() as session:
        kept = session.scalars(select(MediaHandle)).one()
    assert Path(kept.path).parent == (panel.rt.settings.var_dir / "media").absolute()
    assert kept.file_name == "a.png"


def needs_image(panel: Panel, value: str) -> bool:
    name, _, language = value.rpartition("|")
    with panel.rt.database.read() as session:
        template = session.scalars(select(Template).where(Template.name == name, Template.language == language)).first()
    return template is not None and media_format(template) == "IMAGE"


def test_numbers_are_read_once_in_two_seconds_however_many_look(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr(live_stats, "FRESH_SECONDS", 60.0)

    def stats_of(_session: object, ids: list[int]) -> dict[int, dict[str, int]]:
        read.extend(ids)
        return {key: {"id": key} for key in ids}

    monkeypatch.setattr(live_stats, "stats_of", stats_of)
    kept = live_stats.LiveStats()
    for _ in range(3):
        assert kept.get(panel.rt, [1, 2]) == {1: {"id": 1}, 2: {"id": 2}}
    kept.forget(2)
    kept.get(panel.rt, [1, 2])
    assert read == [1, 2, 2]


def test_the_live_numbers_are_the_public_ones(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    launch_campaign(1)
    answer = manager.client.get("/admin/campaigns/1/live").json
    assert answer is not None
    assert (answer["stats"]["candidates"], answer["stats"]["eligible"]) == (3, 2)
    assert set(answer["parts"]) == {"head", "notice", "progress", "funnel", "left_out", "errors"}
    assert answer["done"] is False


def test_unsure_messages_are_left_or_sent_again_only_when_asked(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    launch_campaign(1)
    with panel.rt.database.write() as session:
        for row in session.scalars(select(Recipient).where(Recipient.state == RecipientState.QUEUED)):
            row.state, row.unsure_at, row.attempts = RecipientState.UNSURE, utcnow(), 1
    with panel.rt.database.read() as session:
        first, second = session.scalars(
            select(Recipient.id).where(Recipient.state == RecipientState.UNSURE).order_by(Recipient.id)
        )
    assert "2 unsure" in manager.get("/campaigns/1/")
    assert "second time" in manager.refused("/campaigns/1/unsure/again", status=200, recipient=str(first))
    assert "1 queued once more" in manager.post("/campaigns/1/unsure/again", recipient=str(first), confirmed="1")
    assert "1 left as they are" in manager.post("/campaigns/1/unsure/leave", recipient=str(second))
    with panel.rt.database.read() as session:
        assert session.get_one(Recipient, first).state is RecipientState.QUEUED
        assert session.get_one(Recipient, second).left_at is not None


def test_whom_metas_report_settled_stays_listed_after_the_open_ones(
    panel: Panel, manager: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    launch_campaign(1)
    with panel.rt.database.write() as session:
        settled, still_open = session.scalars(select(Recipient).where(Recipient.state == RecipientState.QUEUED))
        for row in (settled, still_open):
            row.state, row.unsure_at = RecipientState.UNSURE, utcnow()
            row.error_msg = row.detail = "No clear answer: a test."
        settled.state, settled.error_msg = RecipientState.ACCEPTED, None
        settled.accepted_at = settled.delivered_at = utcnow()
        contacts = [f"/contacts/{row.contact_id}/" for row in (still_open, settled)]
    answer = manager.client.get("/admin/campaigns/1/live").json
    assert answer is not None
    assert "1 unsure</b> · 1 more settled by Meta." in answer["parts"]["notice"]
    page = manager.get("/campaigns/1/people?status=unsure")
    assert 0 < page.index(contacts[0]) < page.index(contacts[1])
    before, after = page[: page.index(contacts[1])], page[page.index(contacts[1]) :]
    assert "No clear answer: a test." in before
    assert "Send again" in before
    assert "No clear answer: a test." in after
    assert "Settled by Meta&#39;s report" in after
    assert "Delivered" in after
    assert "Send again" not in after
    monkeypatch.setattr(campaign_people, "PAGE_ROWS", 1)
    first = manager.get("/campaigns/1/people?status=unsure")
    found = re.search(r'href="/admin(/campaigns/1/people[^"]*after=[^"]*)"', first)
    assert found, first
    second = manager.get(found[1].replace("&amp;", "&"))
    assert (contacts[0] in first, contacts[1] in first) == (True, False)
    assert (contacts[0] in second, contacts[1] in second) == (False, True)
    manager.post("/campaigns/1/unsure/leave")
    with panel.rt.database.write() as session:
        session.get_one(Recipient, still_open.id).state = RecipientState.ACCEPTED
    assert "2 were unsure until Meta settled them." in manager.get("/campaigns/1/")


def test_the_export_is_the_public_file(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    launch_campaign(1)
    answer = manager.client.get("/admin/campaigns/1/export.csv")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    lines = answer.text.splitlines()
    assert lines[0].startswith("phone,name,status,")
    assert len(lines) == 4


def test_a_pause_says_why_and_what_to_do(panel: Panel, manager: Visitor) -> None:
    manager.post("/campaigns/new", **FORM)
    manager.post("/campaigns/1/start", confirmed="1")
    with panel.rt.database.write() as session:
        transition(
            session, 1, "pause", utcnow(), pause_reason="token_refused", paused_at=utcnow(), pause_detail="190: expired"
        )
    page = manager.get("/campaigns/1/")
    assert "Meta refused the access token" in page
    assert "190: expired" in page
    assert "Meta refused the access token" in manager.get("/")


def test_lists_go_on_by_key(panel: Panel, manager: Visitor) -> None:
    now = utcnow()
    with panel.rt.database.write() as session:
        session.add_all(
            Campaign(name=f"Campaign {place}", ends_after_seconds=60, created_at=now, updated_at=now)
            for place in range(60)
        )
    first = manager.get("/campaigns/")
    assert "Campaign 59" in first
    assert ">Campaign 9<" not in first
    following = re.search(r'href="(/admin/campaigns/\?before=\d+)"', first)
    assert following
    assert ">Campaign 9<" in manager.client.get(following[1]).text
