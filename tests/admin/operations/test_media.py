"""Media of a campaign."""

import pytest
from sqlalchemy import select

from admin.operations.campaigns import (
    create_campaign,
    load_campaign,
    update_campaign,
)
from admin.operations.media import store_media
from jobs.campaigns.start import start_campaign
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.campaign import CampaignStatus
from models.tables.number import Number
from models.tables.template import MediaHandle
from tests.support.cli_app import ANA, CAMPAIGN, Shell
from tests.support.media import MP4, PNG

pytestmark = pytest.mark.usefixtures("number_and_people_added")


def test_an_upload_is_named_by_its_content_and_belongs_to_its_number(shell: Shell) -> None:
    with shell.rt.database.read() as session:
        number_id = session.scalars(select(Number.id)).one()
    checksum = store_media(shell.rt, number_id, "C:\\pictures\\spring.png", PNG, "IMAGE", utcnow())
    assert store_media(shell.rt, number_id, "again.png", PNG, "IMAGE", utcnow()) == checksum
    with shell.rt.database.read() as session:
        assert session.scalars(select(MediaHandle.file_name)).one() == "spring.png"
    with_picture = CAMPAIGN | {
        "template": {"name": "new_collection", "language": "en"},
        "variables": {"body": {"1": {"source": "name"}}},
        "media": {"header": {"sha256": checksum}},
    }
    created = create_campaign(shell.rt, with_picture, ANA)
    assert created.status == "ready"
    kept = load_campaign(shell.rt, created.id).media
    assert kept == {"header": {"sha256": checksum, "file": "spring.png"}}
    assert update_campaign(shell.rt, created.id, with_picture | {"media": kept}, ANA).status == "ready"
    with pytest.raises(OperatorError, match="no such upload"):
        create_campaign(shell.rt, with_picture | {"media": {"header": {"sha256": "0" * 64}}}, ANA)
    with pytest.raises(OperatorError, match="upload the file"):
        create_campaign(shell.rt, with_picture | {"media": {"header": {"file": "/etc/passwd"}}}, ANA)
    with pytest.raises(OperatorError, match="video/mp4"):
        store_media(shell.rt, number_id, "film.png", MP4, "IMAGE", utcnow())


def test_a_file_that_is_gone_stops_the_start(shell: Shell) -> None:
    with shell.rt.database.read() as session:
        number_id = session.scalars(select(Number.id)).one()
    checksum = store_media(shell.rt, number_id, "spring.png", PNG, "IMAGE", utcnow())
    created = create_campaign(
        shell.rt,
        CAMPAIGN
        | {
            "template": {"name": "new_collection", "language": "en"},
            "variables": {"body": {"1": {"source": "name"}}},
            "media": {"header": {"sha256": checksum}},
        },
        ANA,
    )
    next((shell.rt.settings.var_dir / "media").glob("*.png")).unlink()
    with pytest.raises(OperatorError, match="upload it again"):
        start_campaign(shell.rt, created.id, utcnow(), ANA)
    assert load_campaign(shell.rt, created.id).status is CampaignStatus.READY
