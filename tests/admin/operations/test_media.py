"""Media of a campaign."""

import io
from typing import Any

import pytest
from sqlalchemy import select

from admin.operations.campaigns import create_campaign, load_campaign, update_campaign
from jobs.campaigns.start import start_campaign
from jobs.media.library import add_media
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.campaign import CampaignStatus
from models.tables.media import MediaFile
from tests.support.cli_app import ANA, CAMPAIGN, Shell
from tests.support.media import MP4, PNG

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_unless_proved]


def added(shell: Shell, name: str, content: bytes) -> MediaFile:
    return add_media(shell.rt, name, io.BytesIO(content), ANA, utcnow())


def with_header(header: dict[str, Any]) -> dict[str, Any]:
    return CAMPAIGN | {
        "template": {"name": "new_collection", "language": "en"},
        "variables": {"body": {"1": {"source": "name"}}},
        "media": {"header": header},
    }


def test_a_campaign_names_a_file_of_the_library_by_its_id_or_its_content(shell: Shell) -> None:
    picture = added(shell, "C:\\pictures\\spring.png", PNG)
    stored = {"header": {"sha256": picture.sha256, "file": "spring.png"}}
    for reference in ({"media": picture.id}, {"media": str(picture.id)}, {"media": picture.sha256}, stored["header"]):
        created = create_campaign(shell.rt, with_header(reference), ANA)
        assert created.status == "ready"
        assert load_campaign(shell.rt, created.id).media == stored
    assert update_campaign(shell.rt, created.id, with_header(stored["header"]), ANA).status == "ready"


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ({"sha256": "0" * 64}, "media: media 0{64}: there is no such file in the library"),
        ({"media": 77}, "media: media 77: there is no such file in the library"),
        ({"media": "spring"}, "allowed is the id or the SHA-256 of a file of the library"),
        ({"media": True}, "media"),
        ({"file": "/etc/passwd"}, "upload it to the library"),
        ({"media": 1, "link": "https://shop.example.com/a.png"}, "exactly one of media, link, id and file"),
        ({"media": 1}, "film.mp4 is an MP4 video, not a picture: allowed are JPEG and PNG"),
    ],
)
def test_a_medium_that_is_not_there_or_does_not_fit_is_refused(shell: Shell, header: dict[str, Any], line: str) -> None:
    added(shell, "film.mp4", MP4)
    with pytest.raises(OperatorError, match=line):
        create_campaign(shell.rt, with_header(header), ANA)


def test_a_file_that_is_gone_stops_the_start(shell: Shell) -> None:
    picture = added(shell, "spring.png", PNG)
    created = create_campaign(shell.rt, with_header({"media": picture.id}), ANA)
    next((shell.rt.settings.var_dir / "media").glob("*.png")).unlink()
    with pytest.raises(OperatorError, match=r"spring\.png cannot be read: its content is not in .* upload it again"):
        start_campaign(shell.rt, created.id, utcnow(), ANA)
    assert load_campaign(shell.rt, created.id).status is CampaignStatus.READY
    assert added(shell, "again.png", PNG).id == picture.id  # which brings the content back
    start_campaign(shell.rt, created.id, utcnow(), ANA)
    with shell.rt.database.read() as session:
        assert session.scalars(select(MediaFile.name)).all() == ["spring.png"]
