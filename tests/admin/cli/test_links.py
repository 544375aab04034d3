"""`flask links` and what a campaign's page shows of tracked links."""

from typing import Any

import pytest

from models.tables.campaign import CampaignStatus
from models.tables.click import ClickKind
from models.tables.recipient import RecipientState
from tests.support.cli_app import Shell
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.clicks import make_click, make_link
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, bob

pytestmark = pytest.mark.sqlite_only


def test_stats_says_who_opened_the_links_of_a_campaign(shell: Shell) -> None:
    with shell.rt.database.write() as session:
        campaign = make_campaign(session, status=CampaignStatus.ACTIVE)
        link = make_link(session, campaign)
        values: dict[str, Any] = {"state": RecipientState.ACCEPTED, "accepted_at": NOW, "delivered_at": NOW}
        one, two = (make_recipient(session, campaign, person(session), **values) for person in (alice, bob))
        for kind in (ClickKind.PERSON, ClickKind.PERSON, ClickKind.PREVIEW, ClickKind.HEAD):
            make_click(session, link, one, kind)
        make_click(session, link, two, ClickKind.BOT)
    whole = {"people": 1, "clicks": 2, "previews": 1, "bots": 1}
    assert shell.data("links", "stats", str(campaign.id), "--json") == whole
    assert link.url in shell.ok("links", "stats", str(campaign.id))
    stats = shell.data("campaigns", "stats", str(campaign.id))
    assert (stats["clicked"], stats["clicked_pct"], stats["languages"][0]["clicked"]) == (1, 50.0, 1)
    assert "there is no such campaign" in shell.refused("links", "stats", "99")
