"""`flask tags`."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from admin.operations.campaign_lifecycle import unschedule_campaign
from models.clock import utcnow
from models.tables.audit import Audit, AuditAction
from models.tables.tag import Tag
from tests.support.cli_app import ANA, Shell
from tests.support.factories.common import NOW

pytestmark = pytest.mark.sqlite_unless_proved


def _add_duplicate(shell: Shell) -> None:
    shell.add_people()
    with shell.rt.database.write() as session:
        session.add(Tag(name="VIP", description="", created_at=NOW))


def test_one_name_in_two_spellings_is_shown_and_merged(shell: Shell) -> None:
    _add_duplicate(shell)
    assert shell.ok("tags", "duplicates").splitlines() == ["vip (3), VIP (0)"]
    assert shell.data("tags", "duplicates", "--json") == [
        [{"name": "vip", "contacts": 3}, {"name": "VIP", "contacts": 0}]
    ]
    assert "--yes" in shell.refused("tags", "merge", "VIP", "vip", code=2)
    assert shell.data("tags", "merge", "VIP", "vip", "--yes", "--json") == {
        "kept": "VIP",
        "merged": "vip",
        "named_by": "",
    }
    assert shell.ok("tags", "duplicates") == ""
    assert shell.data("contacts", "show", "+447700900001", "--json")["tags"] == {"VIP": None, "city": "Madrid"}
    with shell.rt.database.read() as session:
        entry = session.scalars(select(Audit).where(Audit.action == AuditAction.MERGE)).one()
    assert (entry.object_type, entry.detail) == ("tag", {"name": "VIP", "merged": "vip"})


def test_the_tag_of_a_scheduled_campaign_is_not_merged(shell: Shell) -> None:
    shell.add_number()
    _add_duplicate(shell)
    campaign_id = shell.add_campaign()
    shell.ok("campaigns", "schedule", str(campaign_id), "--at", (utcnow() + timedelta(hours=1)).isoformat())
    assert "would change who gets the campaign “Spring”" in shell.refused("tags", "merge", "vip", "VIP", "--yes")
    assert "no such tag" in shell.refused("tags", "merge", "vip", "gold", "--yes")
    unschedule_campaign(shell.rt, campaign_id, ANA)
    assert "vip is a part of VIP; VIP stands in the campaign “Spring” now" in shell.ok(
        "tags", "merge", "VIP", "vip", "--yes"
    )
