"""What operators do with campaigns, whichever way they came in."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from admin.operations import campaign_lifecycle as campaign_life
from admin.operations.campaigns import (
    create_campaign,
    delete_campaign,
    duplicate_campaign,
    list_campaigns,
    load_campaign,
    update_campaign,
)
from jobs.campaigns.lifecycle import end_campaign, pause_campaign, resume_campaign
from jobs.campaigns.start import fresh_preflight, start_campaign
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.audit import Audit
from models.tables.campaign import Campaign, CampaignKind, CampaignStatus, TransitionError
from models.tables.template import Template
from tests.support.cli_app import ANA, CAMPAIGN, Shell

pytestmark = [pytest.mark.usefixtures("number_and_people_added"), pytest.mark.sqlite_unless_proved]


def test_a_draft_becomes_ready_when_it_is_completed(shell: Shell) -> None:
    created = create_campaign(shell.rt, {"name": "Spring"}, ANA)
    assert created.status == "draft"
    assert update_campaign(shell.rt, created.id, CAMPAIGN, ANA).status == "ready"
    assert update_campaign(shell.rt, created.id, {"name": "Spring"}, ANA).status == "draft"


def test_changing_a_scheduled_campaign_takes_it_back_to_ready(shell: Shell) -> None:
    created = create_campaign(shell.rt, CAMPAIGN, ANA)
    campaign_life.schedule_campaign(shell.rt, created.id, datetime.now(UTC) + timedelta(hours=1), None, ANA)
    assert update_campaign(shell.rt, created.id, CAMPAIGN | {"name": "Summer"}, ANA).status == "ready"
    campaign = load_campaign(shell.rt, created.id)
    assert (campaign.name, campaign.status, campaign.scheduled_at) == ("Summer", CampaignStatus.READY, None)


def test_a_schedule_can_be_taken_back(shell: Shell) -> None:
    created = create_campaign(shell.rt, CAMPAIGN, ANA)
    campaign_life.schedule_campaign(shell.rt, created.id, datetime.now(UTC) + timedelta(hours=1), None, ANA)
    campaign_life.unschedule_campaign(shell.rt, created.id, ANA)
    assert load_campaign(shell.rt, created.id).status is CampaignStatus.READY


def test_a_started_campaign_cannot_be_changed_or_deleted(shell: Shell) -> None:
    created = create_campaign(shell.rt, CAMPAIGN, ANA)
    start_campaign(shell.rt, created.id, utcnow(), ANA)
    with pytest.raises(OperatorError, match="draft, ready, scheduled"):
        update_campaign(shell.rt, created.id, CAMPAIGN, ANA)
    with pytest.raises(OperatorError, match="end it before"):
        delete_campaign(shell.rt, created.id, ANA)
    end_campaign(shell.rt, created.id, utcnow(), ANA)
    delete_campaign(shell.rt, created.id, ANA)
    with pytest.raises(OperatorError, match="no such campaign"):
        load_campaign(shell.rt, created.id)
    assert list_campaigns(shell.rt, CampaignKind.REAL) == []


def test_what_is_not_there_is_refused_everywhere(shell: Shell) -> None:
    assert campaign_life.tests_of(shell.rt, 99) == []
    with pytest.raises(OperatorError, match="no such campaign"):
        load_campaign(shell.rt, 99)
    with pytest.raises(OperatorError, match="no such campaign"):
        fresh_preflight(shell.rt, 99, utcnow())
    for change in (duplicate_campaign, delete_campaign):
        with pytest.raises(OperatorError, match="no such campaign"):
            change(shell.rt, 99, ANA)
    for operation in (start_campaign, pause_campaign, resume_campaign, end_campaign):
        with pytest.raises(OperatorError, match="no such campaign"):
            operation(shell.rt, 99, utcnow(), ANA)
    with pytest.raises(OperatorError, match="no such campaign"):
        update_campaign(shell.rt, 99, CAMPAIGN, ANA)
    with pytest.raises(OperatorError, match="no such campaign"):
        campaign_life.change_end(shell.rt, 99, 3600, ANA)
    with pytest.raises(OperatorError, match="no such campaign"):
        campaign_life.send_test(shell.rt, 99, ["+447700900001"], ANA)


def test_a_start_stores_the_type_and_a_later_change_of_the_template_leaves_it(shell: Shell) -> None:
    created = create_campaign(shell.rt, CAMPAIGN, ANA)
    assert list_campaigns(shell.rt, CampaignKind.REAL)[0]["type"] == "promotional"
    start_campaign(shell.rt, created.id, utcnow(), ANA)
    with shell.rt.database.write() as session:
        for template in session.scalars(select(Template).where(Template.name == "spring_sale")):
            template.category = "UTILITY"
    assert list_campaigns(shell.rt, CampaignKind.REAL)[0]["type"] == "promotional"


def test_a_copy_says_the_same_and_starts_by_itself(shell: Shell) -> None:
    created = create_campaign(shell.rt, CAMPAIGN, ANA)
    start_campaign(shell.rt, created.id, utcnow(), ANA)
    copied = duplicate_campaign(shell.rt, created.id, ANA)
    campaign = load_campaign(shell.rt, copied.id)
    assert (campaign.name, copied.status, campaign.started_at, campaign.outcome) == (
        "Spring (copy)",
        "ready",
        None,
        None,
    )
    assert campaign.variables == load_campaign(shell.rt, created.id).variables


def test_tests_that_run_are_found_and_end_later_if_one_says_so(shell: Shell) -> None:
    created = create_campaign(shell.rt, CAMPAIGN, ANA)
    test_id = campaign_life.send_test(shell.rt, created.id, ["+447700900001"], ANA)
    assert campaign_life.tests_of(shell.rt, created.id) == [test_id]
    campaign_life.change_end(shell.rt, test_id, 3600, ANA)
    assert load_campaign(shell.rt, test_id).ends_after_seconds == 3600
    with pytest.raises(OperatorError, match="allowed"):
        campaign_life.change_end(shell.rt, test_id, 1, ANA)
    end_campaign(shell.rt, test_id, utcnow(), ANA)
    assert campaign_life.tests_of(shell.rt, created.id) == []
    with pytest.raises(TransitionError, match="has ended"):
        campaign_life.change_end(shell.rt, test_id, 3600, ANA)


def test_a_pause_that_meta_s_record_forbids_to_lift_stays(shell: Shell) -> None:
    created = create_campaign(shell.rt, CAMPAIGN, ANA)
    start_campaign(shell.rt, created.id, utcnow(), ANA)
    pause_campaign(shell.rt, created.id, utcnow(), ANA)
    theirs = shell.meta.sim.world.find_template("spring_sale", "en")
    assert theirs is not None
    theirs.status = "PAUSED"
    with pytest.raises(OperatorError, match="PAUSED"):
        resume_campaign(shell.rt, created.id, utcnow(), ANA)
    assert load_campaign(shell.rt, created.id).status is CampaignStatus.PAUSED


def test_everything_is_audited_with_who_did_it(shell: Shell) -> None:
    created = create_campaign(shell.rt, CAMPAIGN, ANA)
    start_campaign(shell.rt, created.id, utcnow(), ANA)
    pause_campaign(shell.rt, created.id, utcnow(), ANA)
    resume_campaign(shell.rt, created.id, utcnow(), ANA)
    end_campaign(shell.rt, created.id, utcnow(), ANA)
    with shell.rt.database.read() as session:
        lines = session.execute(
            select(Audit.action, Audit.actor).where(Audit.object_type == "campaign").order_by(Audit.id)
        ).all()
        assert session.scalars(select(Campaign.created_by)).all() == [ANA]
    assert [tuple(line) for line in lines] == [(verb, ANA) for verb in ("create", "start", "pause", "resume", "end")]


def test_a_maximum_price_is_kept_copied_and_taken_away(shell: Shell) -> None:
    with shell.rt.database.write() as session:
        for template in session.scalars(select(Template).where(Template.name == "spring_sale")):
            template.optimization_spec = {"bid_strategy": "LOWEST_COST_WITH_BID_CAP", "bid_amount": 5000}
    price = {"max_price": {"amount": "0.045", "currency": "EUR"}}
    created = create_campaign(shell.rt, CAMPAIGN | price, ANA)
    copy = duplicate_campaign(shell.rt, created.id, ANA)
    for campaign in (load_campaign(shell.rt, created.id), load_campaign(shell.rt, copy.id)):
        assert (campaign.max_price, campaign.max_price_currency) == (45_000, "EUR")
    update_campaign(shell.rt, created.id, CAMPAIGN, ANA)
    assert load_campaign(shell.rt, created.id).max_price is None


@pytest.mark.parametrize(
    ("price", "said"),
    [
        ({"amount": "0.045", "currency": "EUR"}, "template spring_sale has no maximum price"),
        ({"amount": 0.045, "currency": "EUR"}, "max_price.amount=0.045"),
        ({"amount": "0", "currency": "EUR"}, "max_price: allowed is an amount above 0"),
        ({"amount": "0,045", "currency": "EUR"}, 'max_price.amount="0,045": allowed is a text such as 0.045'),
        ({"amount": "1e3", "currency": "EUR"}, "allowed is a text such as 0.045"),
        ({"amount": "0.1234567", "currency": "EUR"}, "allowed is a text such as 0.045"),
        ({"amount": "1", "currency": "euro"}, "allowed is a code of three letters, such as EUR"),
        ({"amount": "1"}, "max_price.currency is missing"),
        ({"amount": "1", "currency": "EUR", "unit": 1}, "allowed are amount, currency"),
        ("0.045", "max_price="),
    ],
)
def test_a_maximum_price_of_another_form_is_one_line(shell: Shell, price: object, said: str) -> None:
    with pytest.raises(OperatorError) as refused:
        create_campaign(shell.rt, CAMPAIGN | {"max_price": price}, ANA)
    assert said in str(refused.value)


def test_a_maximum_price_in_another_currency_than_the_account_s_is_refused(shell: Shell) -> None:
    with shell.rt.database.write() as session:
        for template in session.scalars(select(Template).where(Template.name == "spring_sale")):
            template.optimization_spec = {"bid_strategy": "LOWEST_COST_WITH_BID_CAP", "bid_amount": 5000}
            template.waba.currency = "USD"
    with pytest.raises(OperatorError, match="allowed is USD, in which Meta bills the account"):
        create_campaign(shell.rt, CAMPAIGN | {"max_price": {"amount": "1", "currency": "EUR"}}, ANA)
