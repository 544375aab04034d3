"""What a lane does with a campaign whose media are not at Meta."""

import logging
from datetime import timedelta

import pytest

from jobs.media.library import add_media
from jobs.media.renewal import renew_for_number
from jobs.sending.campaign_feed import CampaignFeed, load_number
from models.clock import utcnow
from tests.support.media import PNG
from tests.support.sending_rig import Sending, phones


def test_a_campaign_waits_for_its_media_and_holds_up_no_other(
    sending: Sending, caplog: pytest.LogCaptureFixture
) -> None:
    now = utcnow()
    row = add_media(sending.rt, "spring.png", [PNG], "ana@example.com", now)
    waiting = sending.campaign(phones(1), media={"header": {"sha256": row.sha256, "file": row.name}})
    other = sending.campaign(phones(1, 1))
    number = load_number(sending.rt, sending.number_id)
    assert number is not None
    feed, later = CampaignFeed(sending.rt, number), now + timedelta(seconds=1)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert [served.id for served in feed.due(later)] == [other]
    assert [f"campaign {waiting} waits for its media" in message for message in caplog.messages] == [True]
    renew_for_number(sending.rt, sending.number_id, now)
    assert [served.id for served in feed.due(later)] == [waiting, other]
