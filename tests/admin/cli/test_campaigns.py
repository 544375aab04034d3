"""`flask campaigns`: from a file to the export."""

import csv
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from jobs.campaigns.launch import launch_campaign
from jobs.campaigns.start import start_scheduled, wake_scheduled
from models.clock import utcnow
from models.stored_texts import show_stored
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.media import MediaFile, MediaHandle
from tests.support.cli_app import CAMPAIGN, Shell
from tests.support.media import PNG

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def ready(shell: Shell) -> Shell:
    shell.add_number()
    shell.add_people()
    return shell


def campaign_of(shell: Shell, campaign_id: int) -> Campaign:
    with shell.rt.database.read() as session:
        return session.get_one(Campaign, campaign_id)


def test_a_complete_file_makes_a_ready_campaign(ready: Shell) -> None:
    created = ready.data("campaigns", "create", ready.file("c.json", CAMPAIGN))
    assert created == {"id": 1, "status": "ready"}
    found = ready.data("campaigns", "preflight", "1")
    assert found["blocking"] == []
    assert found["reach"] == {"candidates": 3, "eligible": 2, "not_sent": {"not_subscribed": 1}}


def test_what_is_missing_makes_a_draft_that_says_so(ready: Shell) -> None:
    created = ready.data("campaigns", "create", ready.file("c.json", {"name": "Later"}))
    assert created["status"] == "draft"
    assert created["missing"] == ["number", "template", "audience"]
    half = CAMPAIGN | {"variables": {"body": {"1": {"source": "name"}}}}
    assert ready.data("campaigns", "create", ready.file("c.json", half))["missing"] == [
        "variables: body 2 is not mapped"
    ]
    assert "it is draft; still missing: number, template, audience" in ready.refused("campaigns", "start", "1")
    result = ready.run("campaigns", "preflight", "2")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert '"blocking": [' in result.stdout


BAD: list[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, "colour"),
    ({"name": 7}, "name=7"),
    ({"number": "999"}, "number=999"),
    ({"template": {"name": "spring_sale", "language": "xx"}}, "it is there in en"),
    ({"template": {"name": "nothing", "language": "en"}}, "templates sync"),
    ({"template": "spring"}, "template="),
    ({"audience": {"include": [{"tag": "nobody"}]}}, "nobody"),
    ({"audience": {"include": [{"colour": "red"}]}}, "audience.include[0]"),
    ({"audience": {"include": [{"tag": "vip"}], "only": []}}, "only"),
    ({"variables": {"body": {"9": {"source": "name"}, "1": {"source": "name"}, "2": {"source": "name"}}}}, "body 9"),
    ({"variables": {"body": {"1": {"source": "moon"}}}}, "variables.body.1.source"),
    ({"variables": {"body": {"1": {"source": "tag"}}}}, "needs the field 'tag'"),
    ({"variables": {"body": {"1": {"source": "tag", "tag": "absent"}}}}, "absent"),
    ({"variables": {"foot": {}}}, "variables.foot"),
    ({"media": {"header": {"link": "https://x.test/a.png"}}}, "takes no media"),
    ({"media": {"header": {"link": "http://x.test/a.png"}}}, "https"),
    ({"media": {"header": {"link": "https://x.test/a.png", "id": "1"}}}, "exactly one"),
    ({"flow": "nothing"}, "flow=nothing"),
    ({"flow": "a\x00"}, "flow: holds a character that is no text"),
    ({"audience": {"include": [{"tag": "\ud800"}]}}, "audience.include[0].tag: holds a character that is no text"),
    ({"pace": {"per_second": 0}}, "pace.per_second=0"),
    ({"pace": {"per_second": 2000}}, "1000"),
    ({"pace": {"per_second": 1, "per_hour": 1}}, "exactly one"),
]


@pytest.mark.parametrize(("change", "said"), BAD, ids=[said for _, said in BAD])
def test_bad_files_are_refused_in_one_line_and_make_no_campaign(
    ready: Shell, change: dict[str, Any], said: str
) -> None:
    assert said in ready.refused("campaigns", "create", ready.file("c.json", CAMPAIGN | change))
    with ready.rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Campaign)) == 0


def test_what_is_no_json_is_refused_with_its_line(ready: Shell) -> None:
    assert "line 2" in ready.refused("campaigns", "create", ready.file("c.json", '{"name":\n nothing}'))
    assert "object" in ready.refused("campaigns", "create", ready.file("c.json", "[]"))


def test_a_started_campaign_is_launched_listed_and_exported(ready: Shell) -> None:
    campaign_id = ready.add_campaign()
    assert "active" in ready.ok("campaigns", "start", str(campaign_id))
    assert "it is active" in ready.refused("campaigns", "start", str(campaign_id))
    launch_campaign(campaign_id)
    stats = ready.data("campaigns", "stats", str(campaign_id))
    assert (stats["candidates"], stats["eligible"], stats["queued"]) == (3, 2, 2)
    assert stats["not_sent"] == {"not_subscribed": 1}
    listed = ready.data("campaigns", "list", "--json")
    assert [(row["id"], row["status"]) for row in listed] == [(campaign_id, "active")]
    assert "Spring" in ready.ok("campaigns", "list")
    assert ready.data("campaigns", "list", "--kind", "test", "--json") == []
    output = ready.directory / "out.csv"
    ready.ok("campaigns", "export", str(campaign_id), "--output", str(output))
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["phone"], row["status"], row["error_code"]) for row in rows] == [
        ("+447700900001", "queued", ""),
        ("+447700900002", "not_sent", "not_subscribed"),
        ("+447700900003", "queued", ""),
    ]


def test_an_export_is_plain_utf_8_unless_it_is_for_excel(ready: Shell) -> None:
    campaign_id = ready.add_campaign()
    output = ready.directory / "out.csv"
    for more, begin in (((), b"phone,"), (("--excel",), b"\xef\xbb\xbfphone,")):
        ready.ok("campaigns", "export", str(campaign_id), "--output", str(output), *more)
        assert output.read_bytes().startswith(begin)


def test_an_export_that_cannot_be_written_leaves_nothing(ready: Shell) -> None:
    campaign_id = ready.add_campaign()
    ready.refused("campaigns", "export", str(campaign_id), "--output", "/nowhere/out.csv")
    output = ready.directory / "out.csv"
    assert "no such campaign" in ready.refused("campaigns", "export", "99", "--output", str(output))
    assert not output.exists()


def test_pause_resume_and_end(ready: Shell) -> None:
    campaign_id = ready.add_campaign()
    assert "ready" in ready.refused("campaigns", "pause", str(campaign_id))
    ready.ok("campaigns", "start", str(campaign_id))
    ready.ok("campaigns", "pause", str(campaign_id))
    paused = campaign_of(ready, campaign_id)
    assert (paused.status, paused.pause_reason) == (CampaignStatus.PAUSED, PauseReason.OPERATOR)
    ready.ok("campaigns", "resume", str(campaign_id))
    assert campaign_of(ready, campaign_id).pause_reason is None
    assert ready.ok("campaigns", "retry", str(campaign_id)).strip() == "0 queued once more."
    told = json.loads(ready.ok("campaigns", "retry", str(campaign_id), "--only", "unsure", "--json"))
    assert told == {"id": campaign_id, "queued": 0, "waiting": 0, "left_out": {}}
    ready.ok("campaigns", "end", str(campaign_id))
    assert campaign_of(ready, campaign_id).status is CampaignStatus.ENDED
    assert "it is ended" in ready.refused("campaigns", "end", str(campaign_id))
    assert "trying again is possible from: active, paused" in ready.refused("campaigns", "retry", str(campaign_id))
    for verb in ("start", "pause", "resume", "end", "retry", "stats", "preflight"):
        assert "no such campaign" in ready.refused("campaigns", verb, "99")


def test_a_template_that_meta_paused_meanwhile_blocks_the_start(ready: Shell) -> None:
    campaign_id = ready.add_campaign()
    template = ready.meta.sim.world.find_template("spring_sale", "en")
    assert template is not None
    template.status = "PAUSED"
    assert "PAUSED" in ready.refused("campaigns", "start", str(campaign_id))
    assert campaign_of(ready, campaign_id).status is CampaignStatus.READY


def test_nothing_starts_while_meta_cannot_be_asked(ready: Shell) -> None:
    campaign_id = ready.add_campaign()
    ready.meta.stop()
    assert "could not be asked" in ready.refused("campaigns", "start", str(campaign_id))
    assert campaign_of(ready, campaign_id).status is CampaignStatus.READY


def test_a_schedule_needs_an_offset_and_the_future(ready: Shell) -> None:
    campaign_id = str(ready.add_campaign())
    soon = datetime.now(UTC) + timedelta(hours=1)
    naive = soon.replace(tzinfo=None).isoformat()
    assert "offset" in ready.refused("campaigns", "schedule", campaign_id, "--at", naive)
    assert "to come" in ready.refused("campaigns", "schedule", campaign_id, "--at", "2020-01-01T00:00:00Z")
    assert "at=tomorrow" in ready.refused("campaigns", "schedule", campaign_id, "--at", "tomorrow")
    assert "per-hour" in ready.refused(
        "campaigns", "schedule", campaign_id, "--at", soon.isoformat(), "--per-hour", "0"
    )
    ready.ok("campaigns", "schedule", campaign_id, "--at", soon.isoformat(), "--per-hour", "600")
    scheduled = campaign_of(ready, int(campaign_id))
    assert (scheduled.status, scheduled.pace_per_hour, scheduled.pace_per_second) == (
        CampaignStatus.SCHEDULED,
        600.0,
        None,
    )


def schedule_back(shell: Shell, campaign_id: int, ago: timedelta) -> None:
    shell.ok("campaigns", "schedule", str(campaign_id), "--at", (datetime.now(UTC) + timedelta(hours=1)).isoformat())
    with shell.rt.database.write() as session:
        session.execute(update(Campaign).where(Campaign.id == campaign_id).values(scheduled_at=utcnow() - ago))


@pytest.mark.race
def test_a_scheduled_campaign_starts_once_however_many_schedulers_there_are(ready: Shell) -> None:
    campaign_id = ready.add_campaign()
    schedule_back(ready, campaign_id, timedelta(seconds=3))
    assert wake_scheduled(ready.rt, utcnow()) == 1
    assert wake_scheduled(ready.rt, utcnow()) == 0
    start_scheduled(campaign_id)
    started = campaign_of(ready, campaign_id).started_at
    start_scheduled(campaign_id)
    campaign = campaign_of(ready, campaign_id)
    assert (campaign.status, campaign.started_at) == (CampaignStatus.ACTIVE, started)


def test_a_start_that_is_too_late_goes_back_to_ready_and_says_why(ready: Shell) -> None:
    campaign_id = ready.add_campaign()
    schedule_back(ready, campaign_id, timedelta(minutes=20))
    start_scheduled(campaign_id)
    campaign = campaign_of(ready, campaign_id)
    assert campaign.status is CampaignStatus.READY
    assert "20 minutes" in show_stored(campaign.note)


def test_a_start_that_is_blocked_goes_back_to_ready_and_says_why(ready: Shell) -> None:
    campaign_id = ready.add_campaign()
    schedule_back(ready, campaign_id, timedelta(seconds=3))
    template = ready.meta.sim.world.find_template("spring_sale", "en")
    assert template is not None
    template.status = "DISABLED"
    start_scheduled(campaign_id)
    campaign = campaign_of(ready, campaign_id)
    assert campaign.status is CampaignStatus.READY
    assert "DISABLED" in show_stored(campaign.note)


def test_a_start_waits_for_a_graph_api_that_is_away(ready: Shell) -> None:
    campaign_id = ready.add_campaign()
    schedule_back(ready, campaign_id, timedelta(seconds=3))
    ready.meta.stop()
    start_scheduled(campaign_id)
    assert campaign_of(ready, campaign_id).status is CampaignStatus.SCHEDULED


def test_a_test_goes_to_contacts_alone_and_is_listed_apart(ready: Shell) -> None:
    campaign_id = str(ready.add_campaign())
    assert "no contact" in ready.refused("campaigns", "test", campaign_id, "--to", "+447700900099")
    ready.refused("campaigns", "test", campaign_id, code=2)
    test_id = ready.data("campaigns", "test", campaign_id, "--to", "+447700900001", "--json")["id"]
    launch_campaign(test_id)
    assert ready.data("campaigns", "stats", str(test_id))["queued"] == 1
    assert [row["id"] for row in ready.data("campaigns", "list", "--kind", "test", "--json")] == [test_id]
    assert [row["id"] for row in ready.data("campaigns", "list", "--json")] == [int(campaign_id)]


def test_a_test_that_is_blocked_leaves_nothing_behind(ready: Shell) -> None:
    campaign_id = str(ready.add_campaign())
    assert "subscribed" in ready.refused("campaigns", "test", campaign_id, "--to", "+447700900002")
    assert ready.data("campaigns", "list", "--kind", "test", "--json") == []


def with_picture(shell: Shell, content: bytes, name: str = "picture.png") -> dict[str, Any]:
    (shell.directory / name).write_bytes(content)
    return CAMPAIGN | {
        "template": {"name": "new_collection", "language": "en"},
        "variables": {"body": {"1": {"source": "name"}}},
        "media": {"header": {"file": name}},
    }


def test_a_picture_is_kept_and_uploaded_at_the_start(ready: Shell) -> None:
    created = ready.data("campaigns", "create", ready.file("c.json", with_picture(ready, PNG)))
    assert created["status"] == "ready"
    with ready.rt.database.read() as session:
        picture = session.scalars(select(MediaFile)).one()
        assert session.scalars(select(MediaHandle)).all() == []
    assert (picture.mime_type, picture.name, picture.created_by) == ("image/png", "picture.png", "cli")
    assert (ready.rt.settings.var_dir / "media" / picture.storage_key).read_bytes() == PNG
    ready.ok("campaigns", "start", str(created["id"]))
    with ready.rt.database.read() as session:
        assert session.scalars(select(MediaHandle.media_id)).one()


def test_a_medium_is_told_by_its_content_and_bounded(ready: Shell) -> None:
    for content, said in (
        (b"GIF89a", "a GIF picture: allowed are JPEG and PNG"),
        (b"%PDF-1.4", "is a PDF, not a picture"),
        (PNG + b"\x00" * 5_300_000, "a picture of 5.1 MB: at most 5 MB"),
    ):
        assert said in ready.refused("campaigns", "create", ready.file("c.json", with_picture(ready, content)))
    missing = with_picture(ready, PNG) | {"media": {}}
    assert ready.data("campaigns", "create", ready.file("c.json", missing))["status"] == "draft"
    gone = with_picture(ready, PNG) | {"media": {"header": {"file": "gone.png"}}}
    assert "gone.png" in ready.refused("campaigns", "create", ready.file("c.json", gone))
