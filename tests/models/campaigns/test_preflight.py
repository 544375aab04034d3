"""What blocks a campaign, what its sender should know, and whom it would reach."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from models.campaigns.preflight import PreflightFacts, preflight
from models.tables.campaign import Campaign, CampaignNotFoundError, CampaignStatus
from models.tables.engagement import LedgerEntry
from models.tables.flow import Flow
from models.tables.number import WabaState
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice, bob, make_contact
from tests.support.message_formats import BY_NAME


@pytest.fixture
def clear_campaign(session: Session) -> Campaign:
    """Nothing blocks it and nothing is to be warned of."""
    flow = Flow(name="spring_replies", version=1, created_at=NOW, updated_at=NOW)
    session.add(flow)
    session.flush()
    made = make_campaign(session, flow_id=flow.id)
    alice(session)
    bob(session)
    return made


def _keys(session: Session, campaign: Campaign, facts: PreflightFacts | None = None) -> tuple[list[str], list[str]]:
    session.flush()
    found = preflight(session, campaign.id, NOW, facts)
    return [check.key for check in found.blocking], [check.key for check in found.warnings]


def test_a_campaign_that_can_be_sent_has_nothing_to_say_but_its_reach(
    session: Session, clear_campaign: Campaign
) -> None:
    found = preflight(session, clear_campaign.id, NOW)
    assert found.is_clear
    assert found.to_json() == {
        "ok": True,
        "blocking": [],
        "warnings": [],
        "reach": {"candidates": 2, "eligible": 1, "not_sent": {"not_subscribed": 1}},
    }


@pytest.mark.parametrize(
    ("part", "values", "blocked"),
    [
        ("template", {"status": "PAUSED"}, ["template_approved"]),
        ("template", {"missing_at": NOW}, ["template_approved"]),
        ("template", {"stale_at": NOW}, ["template_approved"]),
        ("template", {"correct_category": "UTILITY"}, ["category"]),
        ("template", {"correct_category": "marketing"}, []),
        ("number", {"status": "BANNED"}, ["number"]),
        ("number", {"stopped_at": NOW, "stopped_reason": "token refused"}, ["number"]),
        ("campaign", {"variables": {}}, ["variables"]),
        ("campaign", {"variables": {"body": {"1": {"source": "tag", "tag": "gone"}}}}, ["variables"]),
        ("campaign", {"media": {"header": {"id": "1"}}}, ["media"]),
        ("campaign", {"audience": {"include": [{"tag": "gone"}]}}, ["audience"]),
        ("campaign", {"audience": {"include": [{"contact": "+34600000002"}]}}, ["eligible"]),
    ],
)
def test_what_stands_in_the_way_blocks(
    session: Session, clear_campaign: Campaign, part: str, values: dict[str, Any], blocked: list[str]
) -> None:
    target = clear_campaign if part == "campaign" else getattr(clear_campaign, part)
    for name, value in values.items():
        setattr(target, name, value)
    assert _keys(session, clear_campaign)[0] == blocked


def test_an_account_that_meta_restricted_and_a_template_of_another_one_block(
    session: Session, clear_campaign: Campaign
) -> None:
    assert clear_campaign.number is not None
    clear_campaign.number.waba.state = WabaState.RESTRICTED
    clear_campaign.template = make_template(session, make_number(session))
    assert _keys(session, clear_campaign)[0] == ["account", "template"]


def test_an_empty_draft_is_told_all_that_it_lacks(session: Session) -> None:
    draft = Campaign(
        name="",
        status=CampaignStatus.DRAFT,
        audience={},
        variables={},
        media={},
        ends_after_seconds=1,
        created_at=NOW,
        updated_at=NOW,
    )
    session.add(draft)
    assert _keys(session, draft)[0] == ["name", "number", "template", "audience"]
    with pytest.raises(CampaignNotFoundError, match="campaign 99: there is no such campaign"):
        preflight(session, 99, NOW)


def test_the_sender_is_warned_of_what_may_go_wrong(session: Session, clear_campaign: Campaign) -> None:
    assert clear_campaign.template is not None
    assert clear_campaign.number is not None
    clear_campaign.template.components = [{"type": "BODY", "text": "Hello {{1}}, spring is here!"}]
    clear_campaign.template.quality = "RED"
    clear_campaign.number.quality = "RED"
    clear_campaign.flow_id = None
    make_contact(session, "+12015550123", country="US")
    assert _keys(session, clear_campaign, PreflightFacts(is_listening=False)) == (
        [],
        ["number_quality", "template_quality", "opt_out", "us_numbers", "flow", "listening"],
    )
    clear_campaign.template.category = "UTILITY"
    assert _keys(session, clear_campaign)[1] == ["number_quality", "template_quality", "flow"]


@pytest.mark.parametrize("text", ["Reply STOP to leave", "Envía BAJA para salir", "Pour vous désabonner", "Abmelden?"])
def test_an_opt_out_is_recognised_in_a_footer_or_a_button(
    session: Session, clear_campaign: Campaign, text: str
) -> None:
    assert clear_campaign.template is not None
    body = {"type": "BODY", "text": "Hello {{1}}, spring is here!"}
    clear_campaign.template.components = [body, {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": text}]}]
    assert _keys(session, clear_campaign) == ([], [])


def test_a_chosen_button_is_a_way_out_and_must_be_one_of_the_template(
    session: Session, clear_campaign: Campaign
) -> None:
    assert clear_campaign.template is not None
    buttons = [{"type": "QUICK_REPLY", "text": "Not for me"}]
    body = {"type": "BODY", "text": "Hello {{1}}, spring is here!"}
    clear_campaign.template.components = [body, {"type": "BUTTONS", "buttons": buttons}]
    assert _keys(session, clear_campaign) == ([], ["opt_out"])
    clear_campaign.opt_out_buttons = ["0"]
    assert _keys(session, clear_campaign) == ([], [])
    clear_campaign.opt_out_buttons = ["1"]
    assert _keys(session, clear_campaign) == (["opt_out_buttons"], [])


@pytest.mark.parametrize(
    ("language", "warnings"), [("en", ["opt_out"]), ("pt_BR", ["opt_out"]), ("pl", []), ("ar", []), ("zh_HK", [])]
)
def test_a_template_in_a_language_that_cannot_be_judged_is_not_said_to_lack_a_way_out(
    session: Session, clear_campaign: Campaign, language: str, warnings: list[str]
) -> None:
    assert clear_campaign.template is not None
    clear_campaign.template.components = [{"type": "BODY", "text": "Cześć {{1}}, odpisz NIE"}]
    clear_campaign.template.language = language
    assert _keys(session, clear_campaign) == ([], warnings)


def test_an_audience_above_the_limit_is_told_when_it_would_be_done(session: Session, clear_campaign: Campaign) -> None:
    assert clear_campaign.number is not None
    portfolio = clear_campaign.number.waba.portfolio
    portfolio.messaging_limit = 2
    for _ in range(4):
        make_contact(session)
    first_at = NOW - timedelta(hours=4)
    session.add(LedgerEntry(portfolio_id=portfolio.id, person_key="wa:1", first_at=first_at))
    session.flush()
    (warning,) = preflight(session, clear_campaign.id, NOW).warnings
    # Five people: one now, one when the one counted falls out after 20 h, one a day from now, and each of the two places again.
    assert warning.key == "limit"
    assert "5 people and room for 1 more in 24 h (Meta's limit is 2): it would take 2 days" in str(warning.text)
    assert str(warning.text).endswith("until 2026-11-24 10:00 UTC at the latest.")
    in_madrid = preflight(session, clear_campaign.id, NOW, PreflightFacts(time_zone="Europe/Madrid"))
    assert str(in_madrid.warnings[0].text).endswith("until 2026-11-24 11:00 Europe/Madrid at the latest.")
    clear_campaign.pace_per_second = None
    clear_campaign.pace_per_hour = 5
    session.flush()
    (warning,) = preflight(session, clear_campaign.id, NOW).warnings
    assert "until 2026-11-24 11:00 UTC" in str(warning.text), "at this pace, five messages take an hour"
    portfolio.messaging_limit = 6
    assert _keys(session, clear_campaign)[1] == []


def test_who_counts_already_needs_no_room(session: Session, clear_campaign: Campaign) -> None:
    assert clear_campaign.number is not None
    portfolio = clear_campaign.number.waba.portfolio
    portfolio.messaging_limit = 3
    people = [make_contact(session) for _ in range(3)]
    elsewhere = make_number(session).waba.portfolio
    ages = [(portfolio, people[0], 4), (portfolio, people[1], 25), (elsewhere, people[2], 1)]
    for of, person, hours in ages:
        first_at = NOW - timedelta(hours=hours)
        session.add(LedgerEntry(portfolio_id=of.id, person_key=person.person_key, first_at=first_at))
    session.flush()
    (warning,) = preflight(session, clear_campaign.id, NOW).warnings
    # Of the four, one counts: three more, and two places left.
    assert "3 people and room for 2 more in 24 h" in str(warning.text)
    reach = preflight(session, clear_campaign.id, NOW).reach
    assert (reach.eligible, reach.eligible_counted) == (4, 1)
    assert sum((reach.areas or {}).values()) == 4
    portfolio.messaging_limit = 4
    assert _keys(session, clear_campaign)[1] == [], "there is room for all of them"
    portfolio.messaging_limit = -1
    session.flush()
    assert preflight(session, clear_campaign.id, NOW).reach.eligible_counted == 0


def test_an_offer_that_is_over_and_a_format_without_its_data_block(session: Session) -> None:
    number = make_number(session)
    template = make_template(session, number, components=BY_NAME["offer"].components)
    added = BY_NAME["offer"].added
    columns = {"variables": added["variables"], "media": added["media"], "content": {"offer": added["offer"]}}
    campaign = make_campaign(session, number, template, **columns)
    alice(session)
    assert _keys(session, campaign)[0] == []
    campaign.content = {"offer": {**added["offer"], "expires_at": NOW.isoformat()}}
    assert _keys(session, campaign)[0] == ["offer"]
    campaign.content = None
    assert _keys(session, campaign)[0] == ["variables", "offer"]
