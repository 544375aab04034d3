"""Trying again, by hand and by a campaign's rule."""

from datetime import timedelta

import pytest

from jobs.core.runtime import Runtime
from jobs.tries.again import queue_by_rules, retry_counts, try_again
from models.billing.balance import set_balance
from models.campaigns.end import end_campaign, overdue_campaigns
from models.campaigns.export import COLUMNS, export_rows
from models.campaigns.stats import campaign_stats
from models.clock import utcnow
from models.contacts.consent import opt_out
from models.errors import OperatorError
from models.tables.audit import MONITOR, Audit
from models.tables.billing import RateCard, Spending
from models.tables.campaign import Campaign, CampaignStatus
from models.tables.recipient import Recipient, RecipientState
from models.tables.recipient_try import RecipientTry
from tests.support.retrying import DAY, failed, running

pytestmark = pytest.mark.sqlite_unless_proved


@pytest.fixture
def two_who_failed(rt: Runtime) -> int:
    """One was kept back 25 hours ago, one an hour ago."""
    now = utcnow()
    with rt.database.write() as session:
        campaign = running(session)
        campaign.launched_at = campaign.last_sent_at = now - 2 * DAY
        failed(session, campaign, at=now - timedelta(hours=25))
        failed(session, campaign, at=now - timedelta(hours=1))
        return campaign.id


def statuses(rt: Runtime, campaign_id: int) -> list[str]:
    with rt.database.read() as session:
        rows = session.query(Recipient).filter_by(campaign_id=campaign_id).order_by(Recipient.id)
        return [row.status for row in rows]


def test_an_operator_tries_again_and_reads_what_happened(rt: Runtime, two_who_failed: int) -> None:
    assert retry_counts(rt, two_who_failed) == (1, 1)
    result = try_again(rt, two_who_failed, "ops@example.com")
    assert result.sentences() == ["1 queued once more.", "1 wait: they failed too recently."]
    assert statuses(rt, two_who_failed) == ["queued", "failed"]
    with rt.database.write() as session:
        assert session.query(Audit.action, Audit.actor).one() == ("retry", "ops@example.com")
        assert campaign_stats(session, two_who_failed)["retried"] == 1
        rows = export_rows(session, two_who_failed)
        assert sorted(row.cells[COLUMNS.index("retries")] for row in rows) == [0, 1]
        end_campaign(session, two_who_failed, utcnow())
    # Who waited for another try shows the one that was.
    assert statuses(rt, two_who_failed) == ["failed", "failed"]
    with rt.database.read() as session:
        assert session.query(RecipientTry).count() == 0
    with pytest.raises(OperatorError, match="it is ended; trying again is possible from: active, paused"):
        try_again(rt, two_who_failed, "ops@example.com")
    with pytest.raises(OperatorError, match="it is ended"):
        try_again(rt, two_who_failed, "ops@example.com", only="unsure")


def test_who_opts_out_meanwhile_keeps_the_result_they_had(rt: Runtime, two_who_failed: int) -> None:
    try_again(rt, two_who_failed, "ops@example.com")
    with rt.database.write() as session:
        row = session.query(Recipient).filter_by(campaign_id=two_who_failed, state="queued").one()
        opt_out(session, row.contact_id, utcnow(), "chat")
    assert statuses(rt, two_who_failed) == ["failed", "failed"]
    assert try_again(rt, two_who_failed, "ops@example.com").sentences()[1].startswith("1 may not be written to now")


def test_the_unsure_are_only_tried_when_they_are_asked_for(rt: Runtime, two_who_failed: int) -> None:
    with rt.database.write() as session:
        for row in session.query(Recipient).filter_by(campaign_id=two_who_failed):
            row.state, row.unsure_at, row.wamid, row.accepted_at, row.error_code = (
                RecipientState.UNSURE,
                utcnow(),
                None,
                None,
                None,
            )
            row.failed_at = None
    assert try_again(rt, two_who_failed, "ops@example.com").queued == 0
    assert try_again(rt, two_who_failed, "ops@example.com", only="unsure").queued == 2
    with rt.database.read() as session:
        assert [row.status for row in session.query(RecipientTry)] == ["unsure", "unsure"]


def test_a_rule_tries_again_and_keeps_its_campaign_until_its_time_is_over(rt: Runtime, two_who_failed: int) -> None:
    now = utcnow()
    queue_by_rules(rt, now)
    assert statuses(rt, two_who_failed) == ["failed", "failed"]
    with rt.database.write() as session:
        campaign = session.get_one(Campaign, two_who_failed)
        campaign.retry, campaign.ends_after_seconds = {"for_hours": 72}, 60
    queue_by_rules(rt, now + 2 * DAY)  # the rule is over
    assert statuses(rt, two_who_failed) == ["failed", "failed"]
    with rt.database.read() as session:
        assert overdue_campaigns(session, now) == []
        assert overdue_campaigns(session, now + DAY) == [two_who_failed]
    queue_by_rules(rt, now)
    queue_by_rules(rt, now)
    assert statuses(rt, two_who_failed) == ["queued", "failed"]
    with rt.database.write() as session:
        assert session.query(Audit.action, Audit.actor).one() == ("retry", MONITOR)
        for row in session.query(Recipient).filter_by(campaign_id=two_who_failed):
            row.state, row.failed_at, row.error_code, row.delivered_at = RecipientState.ACCEPTED, None, None, now
        session.flush()
        assert overdue_campaigns(session, now) == [two_who_failed]  # nobody is left to be tried


def test_nothing_is_tried_beyond_the_balance(rt: Runtime, two_who_failed: int) -> None:
    with rt.database.write() as session:
        card = RateCard(currency="EUR", loaded_at=utcnow(), loaded_by="ops", source="test")
        session.add(card)
        session.flush()
        session.add(
            Spending(campaign_id=two_who_failed, card_id=card.id, category="marketing", priced_at=utcnow(), reserved=0)
        )
        set_balance(session, 0, "EUR", utcnow(), "ops")
    with pytest.raises(OperatorError, match="balance"):
        try_again(rt, two_who_failed, "ops@example.com")
    assert statuses(rt, two_who_failed) == ["failed", "failed"]
    with rt.database.read() as session:
        assert session.get_one(Campaign, two_who_failed).status is CampaignStatus.ACTIVE
