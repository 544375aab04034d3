"""Where a message goes: the order of the router, one rule at a time."""

from dataclasses import replace

import pytest

from bot.router import CampaignChoice, FlowChoice, LiveFlow, Route, RoutingFacts, keyword_flow, route
from models.events.types import NOT_FOR_BOTS

SPRING = FlowChoice(1, "spring_replies")
WINTER = FlowChoice(2, "winter_replies")
HOURS = FlowChoice(3, "opening_hours")
HELLO = FlowChoice(4, "hello")

EVERYTHING = RoutingFacts(
    word="stop",
    is_staff_command=True,
    case_id=7,
    referenced=CampaignChoice(12, 120, WINTER),
    session=LiveFlow(SPRING, 11),
    answered=CampaignChoice(11, 110, SPRING),
    keyword=HOURS,
    fallback=HELLO,
)
NOTHING = RoutingFacts()


def test_the_first_rule_that_applies_wins_and_a_stop_word_comes_first() -> None:
    facts = EVERYTHING
    order = []
    for taken_away in (
        {"word": None},
        {"is_staff_command": False},
        {"case_id": None},
        {"referenced": None},
        {"session": None},
        {"answered": None},
        {"keyword": None},
        {"fallback": None},
        {},
    ):
        order.append(route(facts).route)
        facts = replace(facts, **taken_away)
    assert order == [
        Route.STOP,
        Route.CHAT_OPS,
        Route.CASE,
        Route.REFERENCE,
        Route.SESSION,
        Route.CAMPAIGN,
        Route.KEYWORD,
        Route.FALLBACK,
        Route.NOTHING,
    ]


def test_a_start_word_goes_before_everything_too() -> None:
    assert route(replace(EVERYTHING, word="start")).route is Route.START


def test_a_reference_to_the_session_s_own_campaign_leaves_the_session_alone() -> None:
    facts = replace(NOTHING, session=LiveFlow(SPRING, 12), referenced=CampaignChoice(12, 120, WINTER))
    assert route(facts).route is Route.SESSION


def test_a_reference_without_a_session_begins_the_campaign_s_flow_for_its_recipient() -> None:
    decision = route(replace(NOTHING, referenced=CampaignChoice(12, 120, WINTER)))
    assert (decision.route, decision.begins, decision.recipient_id) == (Route.REFERENCE, WINTER, 120)
    assert "campaign 12" in decision.reason


def test_a_reference_to_a_campaign_without_a_flow_is_looked_past_and_said() -> None:
    decision = route(replace(NOTHING, referenced=CampaignChoice(12, 120, None), fallback=HELLO))
    assert decision.route is Route.FALLBACK
    assert "campaign 12, which has no bot flow" in decision.reason


def test_an_engaging_campaign_without_a_flow_leaves_it_to_keywords_and_fallback() -> None:
    decision = route(replace(NOTHING, answered=CampaignChoice(11, 110, None), keyword=HOURS))
    assert decision.route is Route.KEYWORD
    assert decision.recipient_id is None


def test_a_campaign_that_has_ended_takes_nobody_who_does_not_refer_to_it() -> None:
    ended = CampaignChoice(12, 120, WINTER, is_ended=True)
    decision = route(replace(NOTHING, answered=ended, fallback=HELLO))
    assert (decision.route, decision.recipient_id) == (Route.FALLBACK, None)
    assert "campaign 12, which has ended" in decision.reason
    assert route(replace(NOTHING, referenced=ended)).begins is WINTER


def test_a_message_of_another_campaign_leaves_the_session_for_that_campaign_s_flow() -> None:
    decision = route(replace(NOTHING, session=LiveFlow(SPRING, 11), answered=CampaignChoice(12, 120, WINTER)))
    assert (decision.route, decision.begins, decision.recipient_id) == (Route.CAMPAIGN, WINTER, 120)


def test_a_session_of_no_campaign_takes_whatever_refers_to_no_other() -> None:
    facts = replace(NOTHING, session=LiveFlow(HOURS, None), answered=CampaignChoice(12, 120, WINTER))
    assert route(facts).route is Route.SESSION


@pytest.mark.parametrize("names_it", [True, False])
def test_a_message_of_a_campaign_without_a_flow_moves_no_other_campaign_s_session_and_no_fallback_ends_it(
    names_it: bool,
) -> None:
    campaign = CampaignChoice(12, 120, None)
    facts = replace(NOTHING, session=LiveFlow(SPRING, 11), fallback=HELLO)
    facts = replace(facts, referenced=campaign) if names_it else replace(facts, answered=campaign)
    assert (route(facts).route, route(facts).begins) == (Route.NOTHING, None)
    assert route(replace(facts, keyword=HOURS)).begins is HOURS


@pytest.mark.parametrize("names_it", [True, False])
def test_a_flow_that_has_run_for_the_recipient_gives_way_to_keyword_fallback_and_inbox(names_it: bool) -> None:
    campaign = CampaignChoice(12, 120, WINTER, has_run=True)
    facts = replace(NOTHING, referenced=campaign) if names_it else replace(NOTHING, answered=campaign)
    assert route(facts).begins is None
    assert "winter_replies has run already" in route(facts).reason
    assert route(replace(facts, fallback=HELLO)).begins is HELLO
    assert route(replace(facts, keyword=HOURS, fallback=HELLO)).begins is HOURS
    assert route(replace(facts, fallback=WINTER)).begins is None


@pytest.mark.parametrize("kind", sorted(NOT_FOR_BOTS))
def test_what_asks_nothing_starts_no_bot(kind: str) -> None:
    decision = route(RoutingFacts(message_type=kind, fallback=HELLO))
    assert decision.route is Route.IGNORED
    assert decision.begins is None


def test_what_asks_nothing_still_belongs_to_an_open_case() -> None:
    assert route(RoutingFacts(message_type="reaction", case_id=3)).route is Route.CASE


def test_every_decision_has_a_reason() -> None:
    assert all(route(facts).reason for facts in (EVERYTHING, NOTHING))


def test_a_keyword_is_the_whole_message_however_it_is_written() -> None:
    rules = [(HOURS, frozenset({"opening hours", "horario"})), (HELLO, frozenset({"hello"}))]
    assert keyword_flow("  Opening HOURS!", rules) is HOURS
    assert keyword_flow("Horário?", rules) is HOURS
    assert keyword_flow("what are your opening hours", rules) is None
    assert keyword_flow("🙂", rules) is None
