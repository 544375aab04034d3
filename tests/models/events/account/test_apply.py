"""What Meta says about templates, numbers, accounts and people's preferences."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.webhooks.parse import parse_payload
from models.campaigns.pause import lift_account
from models.clock import from_unix
from models.db.engine import Database
from models.events.account.apply import HANDLERS, PERSONAL, apply_changes
from models.events.account.numbers import limit_of
from models.events.account.update import ChangeResult
from models.events.types import AccountChange
from models.stored_texts import show_stored
from models.tables.audit import Audit
from models.tables.campaign import Campaign, CampaignStatus, PauseReason
from models.tables.contact import Consent, Contact
from models.tables.conversation import Conversation
from models.tables.number import Number, WabaState
from models.tables.template import Template
from tests.support.factories import NOW, alice, make_campaign, make_number, make_template
from tests.support.paths import WEBHOOKS

TOLD_AT = from_unix(1795341600)


def after(hours: float) -> datetime:
    return TOLD_AT + timedelta(hours=hours)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.write() as opened:
        yield opened


@pytest.fixture
def number(session: Session) -> Number:
    made = make_number(
        session,
        phone_number_id="106540352242922",
        display_phone="+1 555-078-3881",
        messaging_limit=250,
        throughput="STANDARD",
    )
    made.waba.waba_id = "102290129340398"
    made.waba.portfolio.limit_read_at = TOLD_AT - timedelta(days=1)
    session.flush()
    return made


@pytest.fixture
def template(session: Session, number: Number) -> Template:
    return make_template(
        session, number, name="spring", language="en_US", category="UTILITY", meta_id="1689556908129835",
        synced_at=TOLD_AT - timedelta(days=1),
    )  # fmt: skip


@pytest.fixture
def campaign(session: Session, number: Number, template: Template) -> Campaign:
    return make_campaign(session, number, template, status=CampaignStatus.ACTIVE)


def recorded(name: str, at: datetime = TOLD_AT) -> AccountChange:
    [change] = parse_payload((WEBHOOKS / f"{name}.json").read_bytes()).changes
    return replace(change, at=at)


def apply(session: Session, *changes: AccountChange | str) -> ChangeResult:
    session.flush()
    result = apply_changes(session, [recorded(one) if isinstance(one, str) else one for one in changes], NOW)
    session.expire_all()
    return result


def audited(session: Session) -> list[str]:
    return list(session.scalars(select(Audit.action).order_by(Audit.id)))


CHANGES = [
    path.stem
    for path in sorted(WEBHOOKS.glob("*.json"))
    if json.loads(path.read_text())["object"] == "whatsapp_business_account"
    and parse_payload(path.read_bytes()).changes
]


@pytest.mark.parametrize("name", CHANGES)
def test_every_recorded_change_is_applied_once_and_leaves_a_line_in_the_audit(
    session: Session, template: Template, name: str
) -> None:
    first, second = apply(session, name), apply(session, name)
    if name.startswith("personal_"):
        assert (first.ignored, audited(session)) == (1, [])
        return
    assert (first.applied, second.repeated) == (1, 1)
    assert len(audited(session)) >= 1


def test_every_kind_has_a_recorded_payload() -> None:
    assert {recorded(name).field for name in CHANGES} >= set(HANDLERS)


def test_an_account_that_is_not_ours_is_counted(session: Session, template: Template) -> None:
    assert apply(session, replace(recorded("template_paused"), waba_id="someone")).strangers == 1
    assert template.status == "APPROVED"


def test_a_paused_template_pauses_its_campaigns(session: Session, campaign: Campaign, template: Template) -> None:
    other = make_campaign(session, campaign.number, status=CampaignStatus.ACTIVE)
    apply(session, "template_paused")
    assert (template.status, campaign.status, campaign.pause_reason) == (
        "PAUSED", CampaignStatus.PAUSED, PauseReason.TEMPLATE_PAUSED,
    )  # fmt: skip
    assert show_stored(campaign.pause_detail) == "The template was paused for 3 hours for its low quality"
    assert other.status is CampaignStatus.ACTIVE
    assert audited(session) == ["campaign paused", "template status"]


@pytest.mark.parametrize("name", ["template_disabled", "template_rejected"])
def test_a_template_that_is_taken_away_pauses_its_campaigns(session: Session, campaign: Campaign, name: str) -> None:
    apply(session, name)
    assert (campaign.status, campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.TEMPLATE_DISABLED)


def test_nothing_goes_on_because_a_webhook_says_approved(
    session: Session, campaign: Campaign, template: Template
) -> None:
    apply(session, "template_paused")
    result = apply(session, recorded("template_approved", after(3)))
    assert (template.status, campaign.status) == ("PAUSED", CampaignStatus.PAUSED)
    assert result.templates_of == {template.waba_id}


def test_an_older_pause_that_comes_late_undoes_nothing(
    session: Session, campaign: Campaign, template: Template
) -> None:
    apply(session, recorded("template_approved", after(3)))
    apply(session, "template_paused")
    assert (template.status, campaign.status) == ("APPROVED", CampaignStatus.ACTIVE)


@pytest.mark.parametrize(("minutes", "status"), [(-6, "APPROVED"), (-4, "PAUSED")])
def test_a_pause_from_before_the_last_reading_has_meta_asked_and_stops_nothing(
    session: Session, campaign: Campaign, template: Template, minutes: int, status: str
) -> None:
    template.synced_at = after(3.5)
    result = apply(session, recorded("template_paused", after(3.5) + timedelta(minutes=minutes)))
    assert (template.status, campaign.status is CampaignStatus.ACTIVE) == (status, status == "APPROVED")
    assert result.templates_of == {template.waba_id}


@pytest.mark.parametrize("name", ["template_quality", "template_category_done"])
def test_a_quality_or_category_from_before_the_last_reading_has_meta_asked(
    session: Session, template: Template, name: str
) -> None:
    template.synced_at = after(1)
    result = apply(session, name)
    assert (template.quality, template.category, result.templates_of) == ("GREEN", "UTILITY", {template.waba_id})


def test_a_flagged_template_goes_on_being_sent(session: Session, campaign: Campaign, template: Template) -> None:
    apply(session, "template_flagged")
    assert (template.status, campaign.status, audited(session)) == (
        "APPROVED",
        CampaignStatus.ACTIVE,
        ["template notice"],
    )


def test_a_status_that_nobody_knows_changes_nothing_and_asks_meta(session: Session, template: Template) -> None:
    unknown = recorded("template_paused")
    result = apply(session, replace(unknown, value=unknown.value | {"event": "SHINING"}))
    assert (template.status, result.templates_of) == ("APPROVED", {template.waba_id})


@pytest.mark.parametrize(
    ("name", "field", "said"),
    [
        ("template_approved", "message_template_status_update", {"event": "APPROVED"}),
        ("template_quality", "message_template_quality_update", {"new_quality_score": "YELLOW"}),
    ],
)
def test_a_template_that_we_do_not_know_is_read_from_meta_and_noted_on_its_account(
    session: Session, number: Number, name: str, field: str, said: dict[str, str]
) -> None:
    assert apply(session, name).templates_of == {number.waba_id}
    line = session.scalars(select(Audit)).one()
    assert (line.action, line.object_type, line.object_id) == (
        f"unknown template: {field}",
        "waba",
        str(number.waba_id),
    )
    assert line.detail["name"]
    assert said.items() <= line.detail["said"].items()


@pytest.mark.parametrize(
    ("name", "action", "word"),
    [("number_throughput", "number quality", "event"), ("number_name_approved", "number name", "decision")],
)
def test_what_meta_says_of_a_number_that_we_do_not_know_is_noted_on_its_account(
    session: Session, number: Number, name: str, action: str, word: str
) -> None:
    make_number(session).waba_id = number.waba_id
    told = recorded(name)
    apply(session, replace(told, value=told.value | {"display_phone_number": "4915100000000"}))
    [line] = session.scalars(select(Audit).where(Audit.action == action))
    assert (line.object_type, line.object_id) == ("waba", str(number.waba_id))
    assert (line.detail["number"], line.detail[word]) == ("unknown", told.value[word])


@pytest.mark.parametrize(
    "name",
    ["account_offboarded", "account_reconnected", "account_partner_removed", "account_partner_app_uninstalled"],
)
def test_an_account_that_goes_or_comes_back_has_its_numbers_read_again(
    session: Session, number: Number, name: str
) -> None:
    assert apply(session, name).numbers == {number.id}


@pytest.mark.parametrize("name", ["number_name_deferred", "number_name_pending"])
def test_a_name_that_is_not_decided_changes_nothing_and_has_the_number_read(
    session: Session, number: Number, name: str
) -> None:
    before = number.verified_name
    assert apply(session, name).numbers == {number.id}
    assert number.verified_name == before


@pytest.mark.parametrize(
    ("name", "limit"), [("number_upgrade", 100_000), ("number_flagged", 10_000), ("number_onboarding", 250)]
)
def test_older_words_about_a_number_tell_its_limit_and_have_it_read(
    session: Session, number: Number, name: str, limit: int
) -> None:
    assert apply(session, name).numbers == {number.id}
    assert (number.waba.portfolio.messaging_limit, number.throughput) == (limit, "STANDARD")


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("security_pin_reset_request", {"event": "PIN_RESET_REQUEST"}),
        ("security_pin_request_success", {"event": "PIN_REQUEST_SUCCESS"}),
        ("username_reserved", {"said": {"username": "luckyshrub", "status": "reserved"}}),
        ("username_deleted", {"said": {"username": "luckyshrub", "status": "deleted"}}),
    ],
)
def test_what_only_an_operator_needs_to_know_is_a_line_at_the_number(
    session: Session, number: Number, name: str, detail: dict[str, Any]
) -> None:
    apply(session, name)
    line = session.scalars(select(Audit)).one()
    assert (line.object_type, line.object_id) == ("number", str(number.id))
    assert detail.items() <= line.detail.items()
    assert "61555822107539" not in json.dumps(line.detail)


@pytest.mark.parametrize("name", [name for name in CHANGES if name.startswith("personal_")])
def test_what_people_wrote_or_did_elsewhere_leaves_nothing_here(session: Session, number: Number, name: str) -> None:
    assert apply(session, name).ignored == 1
    assert audited(session) == []
    assert session.scalars(select(Contact)).all() == []


def test_every_personal_field_has_a_recorded_payload() -> None:
    fields = {recorded(name).field for name in CHANGES if name.startswith("personal_")}
    assert {part for part in PERSONAL if any(field.startswith(part) for field in fields)} == set(PERSONAL)


def test_a_call_opens_the_window_by_its_own_time_and_is_noted_without_its_content(
    session: Session, number: Number
) -> None:
    person = alice(session)
    apply(session, "calls")
    chat = session.scalars(select(Conversation)).one()
    assert (chat.contact_id, chat.number_id, chat.last_inbound_at) == (person.id, number.id, TOLD_AT)
    line = session.scalars(select(Audit)).one()
    assert (line.action, line.object_type, line.object_id) == ("call received", "contact", str(person.id))
    assert set(line.detail) == {"number", "called_at", "meta_at"}
    chat.last_inbound_at = after(1)
    again = recorded("calls", after(0.5))
    assert apply(session, again).applied == 1
    assert chat.last_inbound_at == after(1)


@pytest.mark.parametrize("name", ["calls_ended", "calls_ours"])
def test_the_end_of_a_call_and_a_call_of_ours_open_nothing(session: Session, number: Number, name: str) -> None:
    apply(session, name)
    assert session.scalars(select(Conversation)).all() == []
    assert audited(session) == ["call notice"]


def test_a_sign_up_inside_whatsapp_is_noted_and_is_no_consent(session: Session, number: Number) -> None:
    person = alice(session, consent=Consent.UNKNOWN)
    apply(session, "preference_signup")
    assert (person.consent, person.marketing_stopped_at) == (Consent.UNKNOWN, None)
    line = session.scalars(select(Audit)).one()
    assert (line.action, line.object_type, line.object_id) == ("marketing signup", "contact", str(person.id))


def test_a_template_is_found_by_name_where_its_id_is_unknown(session: Session, template: Template) -> None:
    template.meta_id = None
    apply(session, "template_quality")
    assert template.quality == "YELLOW"


def test_quality_is_known_by_its_key_and_applies_only_if_newer(session: Session, template: Template) -> None:
    apply(session, recorded("template_quality_in_status_field", after(1)))
    apply(session, recorded("template_quality", after(0)))
    assert (template.quality, template.status) == ("RED", "APPROVED")


def test_a_changed_text_stops_the_template_until_it_was_read_again(
    session: Session, campaign: Campaign, template: Template
) -> None:
    result = apply(session, "template_components")
    assert (template.stale_at, campaign.pause_reason) == (TOLD_AT, PauseReason.TEMPLATE_CHANGED)
    assert result.templates_of == {template.waba_id}


def test_a_changed_text_that_was_read_already_stops_nothing(
    session: Session, campaign: Campaign, template: Template
) -> None:
    template.synced_at = after(1)
    apply(session, "template_components")
    assert (template.stale_at, campaign.status) == (None, CampaignStatus.ACTIVE)


def test_an_announced_category_is_shown_and_a_changed_one_pauses(
    session: Session, campaign: Campaign, template: Template
) -> None:
    apply(session, "template_category_coming")
    assert (template.category, template.correct_category, campaign.status) == (
        "UTILITY",
        "MARKETING",
        CampaignStatus.ACTIVE,
    )
    apply(session, recorded("template_category_done", after(24)))
    assert (template.category, template.correct_category, campaign.pause_reason) == (
        "MARKETING", None, PauseReason.TEMPLATE_CHANGED,
    )  # fmt: skip


def test_a_number_learns_its_throughput_and_its_name(session: Session, number: Number) -> None:
    result = apply(session, "number_throughput", "number_name_approved")
    assert (number.throughput, number.verified_name, result.numbers) == ("HIGH", "Lucky Shrub", {number.id})
    assert number.waba.portfolio.messaging_limit == -1
    apply(session, recorded("number_name_rejected", after(1)))
    assert number.verified_name == "Lucky Shrub"


def test_the_messaging_limit_follows_the_newest_word(session: Session, number: Number) -> None:
    portfolio = number.waba.portfolio
    apply(session, recorded("capability_number", after(2)))
    apply(session, recorded("capability_tier", after(1)))
    assert portfolio.messaging_limit == 10_000
    apply(session, recorded("capability_old", after(3)))
    assert portfolio.messaging_limit == -1
    apply(session, recorded("number_downgrade", after(4)))
    assert portfolio.messaging_limit == 10_000


@pytest.mark.parametrize(
    ("value", "limit"),
    [
        ("TIER_250", 250), ("TIER_2K", 2000), ("TIER_100K", 100_000), ("TIER_UNLIMITED", -1), (2000, 2000), (-1, -1),
        ("TIER_MOON", None), (0, None), (True, None), (None, None),
    ],
)  # fmt: skip
def test_a_limit_comes_as_a_tier_or_a_figure(value: Any, limit: int | None) -> None:
    assert limit_of(value) == limit


def test_an_unknown_tier_is_asked_for(session: Session, number: Number) -> None:
    unknown = recorded("capability_tier")
    result = apply(session, replace(unknown, value={"max_daily_conversations_per_business": "TIER_MOON"}))
    assert (number.waba.portfolio.messaging_limit, result.numbers) == (250, {number.id})


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("account_violation", WabaState.RESTRICTED), ("account_restriction", WabaState.RESTRICTED),
        ("account_disable", WabaState.DISABLED), ("account_disable_scheduled", WabaState.RESTRICTED),
        ("account_deleted", WabaState.DISABLED), ("account_review_rejected", WabaState.RESTRICTED),
    ],
)  # fmt: skip
def test_an_account_that_is_taken_away_stops_its_numbers_and_campaigns(
    session: Session, number: Number, campaign: Campaign, name: str, state: WabaState
) -> None:
    apply(session, name)
    assert (number.waba.state, number.stopped_at) == (state, NOW)
    assert number.stopped_reason == number.waba.state_reason
    assert (campaign.status, campaign.pause_reason) == (CampaignStatus.PAUSED, PauseReason.NUMBER_RESTRICTED)


@pytest.mark.parametrize(
    "name",
    sorted(
        {name for name in CHANGES if name.startswith("account_")}
        - {
            "account_violation", "account_restriction", "account_disable", "account_disable_scheduled", "account_deleted",
            "account_review_rejected",
        }
    ),
)  # fmt: skip
def test_other_words_about_an_account_stop_nothing(
    session: Session, number: Number, campaign: Campaign, name: str
) -> None:
    apply(session, name)
    assert (number.waba.state, number.stopped_at, campaign.status) == (WabaState.OK, None, CampaignStatus.ACTIVE)


@pytest.mark.parametrize(
    "restriction",
    [
        {"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"},
        {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1641330498},
    ],
)
def test_a_restriction_that_is_over_or_touches_no_messages_stops_nothing(
    session: Session, number: Number, restriction: dict[str, Any]
) -> None:
    told = recorded("account_restriction")
    apply(session, replace(told, value=told.value | {"restriction_info": [restriction]}))
    assert (number.waba.state, number.stopped_at) == (WabaState.OK, None)


def test_a_reinstated_account_is_read_from_meta_and_nothing_resumes(
    session: Session, number: Number, campaign: Campaign
) -> None:
    apply(session, "account_disable")
    result = apply(session, recorded("account_reinstate", after(5)))
    assert (number.waba.state, number.stopped_at, campaign.status) == (WabaState.DISABLED, NOW, CampaignStatus.PAUSED)
    assert (result.numbers, result.templates_of) == ({number.id}, {number.waba_id})
    number.waba.state = WabaState.OK  # a GET confirmed it
    apply(session, recorded("account_disable", after(4)))
    assert number.waba.state is WabaState.OK


def test_an_account_goes_on_once_meta_was_asked_and_its_campaigns_wait_for_the_operator(
    session: Session, number: Number, campaign: Campaign
) -> None:
    other = make_number(session)
    other.waba_id, other.stopped_at, other.stopped_reason = number.waba_id, NOW, "The access token was refused."
    assert not lift_account(session, number.waba, NOW, NOW)
    apply(session, "account_restriction")
    assert lift_account(session, number.waba, NOW, NOW)
    session.flush()
    session.expire_all()
    assert (number.waba.state, number.stopped_at, other.stopped_at) == (WabaState.OK, None, NOW)
    assert campaign.status is CampaignStatus.PAUSED
    apply(session, recorded("account_violation", TOLD_AT - timedelta(hours=1)))
    assert number.waba.state is WabaState.OK


def test_a_second_restriction_takes_over_the_numbers_of_the_first_and_its_end_frees_them(
    session: Session, number: Number
) -> None:
    other = make_number(session)
    other.waba_id, other.stopped_at, other.stopped_reason = number.waba_id, NOW, "The access token was refused."
    apply(session, "account_violation")
    apply(session, recorded("account_restriction", after(1)))
    assert (number.stopped_at, number.stopped_reason) == (NOW, number.waba.state_reason)
    assert other.stopped_reason == "The access token was refused."
    assert lift_account(session, number.waba, after(2), NOW)
    session.flush()
    session.expire_all()
    assert (number.waba.state, number.stopped_at, number.stopped_reason) == (WabaState.OK, None, None)
    assert other.stopped_at == NOW


def test_what_meta_said_of_an_account_after_the_question_outlives_the_answer(session: Session, number: Number) -> None:
    apply(session, "account_restriction")
    assert not lift_account(session, number.waba, TOLD_AT - timedelta(seconds=1), NOW)
    assert (number.waba.state, number.stopped_at) == (WabaState.RESTRICTED, NOW)


@pytest.mark.parametrize(("minutes", "state"), [(-6, WabaState.OK), (-4, WabaState.RESTRICTED)])
def test_a_restriction_from_before_a_reading_that_says_available_stops_nothing(
    session: Session, number: Number, campaign: Campaign, minutes: int, state: WabaState
) -> None:
    assert not lift_account(session, number.waba, after(2), NOW)
    result = apply(session, recorded("account_violation", after(2) + timedelta(minutes=minutes)))
    assert (number.waba.state, campaign.status is CampaignStatus.ACTIVE) == (state, state is WabaState.OK)
    assert result.numbers == ({number.id} if state is WabaState.OK else set())


def test_a_marketing_stop_suppresses_and_a_resume_lifts_it_whatever_comes_first(
    session: Session, number: Number
) -> None:
    person = alice(session)
    apply(session, "preference_resume")
    apply(session, "preference_stop")
    assert not person.marketing_stopped_at
    newer = recorded("preference_stop", after(1))
    newer.value["user_preferences"][0]["timestamp"] = int(after(1).timestamp())
    apply(session, newer)
    assert (person.marketing_stopped_at, person.consent) == (after(1), Consent.SUBSCRIBED)


def test_a_marketing_stop_of_somebody_new_is_kept_for_when_they_come(session: Session, number: Number) -> None:
    apply(session, "preference_stop")
    person = session.scalars(select(Contact)).one()
    assert (person.phone, person.consent, person.marketing_stopped_at) == ("+34600000001", Consent.UNKNOWN, TOLD_AT)


def test_a_field_that_nobody_knows_is_kept_without_what_people_wrote(session: Session, number: Number) -> None:
    told = replace(recorded("unknown_field"), value={"event": "STARTED", "text": "my secret is 4711", "action": "GO"})
    apply(session, told)
    line = session.scalars(select(Audit)).one()
    assert (line.action, line.actor, line.object_id) == ("webhook teleportation_update", "meta", str(number.waba_id))
    assert line.detail["said"] == {"event": "STARTED", "action": "GO"}
    assert "4711" not in json.dumps(line.detail)


def test_changes_of_one_batch_are_applied_in_the_order_of_metas_time(
    session: Session, campaign: Campaign, template: Template
) -> None:
    apply(session, recorded("template_disabled", after(2)), recorded("template_approved", after(1)), "template_paused")
    assert (template.status, template.status_at, campaign.pause_reason) == (
        "DISABLED",
        after(2),
        PauseReason.TEMPLATE_PAUSED,
    )


def test_nonsense_in_a_known_field_changes_nothing(session: Session, number: Number, template: Template) -> None:
    values: list[dict[str, Any]] = [
        {},
        {"event": 7},
        {"user_preferences": "x"},
        {"restriction_info": 3, "event": "ACCOUNT"},
    ]
    changes = [AccountChange(name, number.waba.waba_id, TOLD_AT, value) for name in HANDLERS for value in values]
    assert apply(session, *changes).applied == len(changes)
    assert (template.status, number.waba.state) == ("APPROVED", WabaState.OK)
    assert session.scalar(select(func.count()).select_from(Contact)) == 0
