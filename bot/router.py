"""Decides which bot flow, case or command handles an inbound message. Pure: facts in, one decision with its reason out.

STOP and START, another responder on the number, chat-ops of staff, an open case, an explicit reference to another campaign, the
live session, the campaign that the message belongs to, keywords, the fallback flow, nothing.

Which campaign a message belongs to is decided when it is stored (models.events.messages.attribution), and the statistics count
it so. Here is only asked whether the campaign's flow may take the person: the message never goes to another campaign's flow.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot.opt_out_words import Word, normalize_text
from models.events.types import NOT_FOR_BOTS
from models.tables.conversation import OPTED_OUT


class Route(StrEnum):
    """The route of a message; stored on the message."""

    STOP = OPTED_OUT
    START = "start"
    CHAT_OPS = "chat_ops"
    CASE = "case"
    IGNORED = "ignored"
    REFERENCE = "reference"
    SESSION = "session"
    CAMPAIGN = "campaign"
    KEYWORD = "keyword"
    FALLBACK = "fallback"
    ELSEWHERE = "elsewhere"
    """Another responder on the number has the conversation (docs/meta.md §7.11)."""
    NOTHING = "nothing"
    FAILED = "failed"
    """Answering raised an error; the message is not tried again, so that it does not block later ones."""


@dataclass(frozen=True, slots=True)
class FlowChoice:
    """A bot flow that may start."""

    flow_id: int
    name: str


@dataclass(frozen=True, slots=True)
class CampaignChoice:
    """The campaign that the message belongs to, with the person's recipient row and the campaign's flow, if it has one."""

    campaign_id: int
    recipient_id: int | None
    flow: FlowChoice | None
    is_ended: bool = False
    has_run: bool = False
    """Whether the flow ran for this recipient already and may not run twice."""


@dataclass(frozen=True, slots=True)
class LiveFlow:
    """The flow session of the conversation that is neither idle nor ended."""

    flow: FlowChoice
    campaign_id: int | None


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """All that the decision depends on. The message's campaign is `referenced` where the message names it, else `answered`."""

    message_type: str = "text"
    word: Word | None = None
    is_staff_command: bool = False
    case_id: int | None = None
    is_elsewhere: bool = False
    referenced: CampaignChoice | None = None
    session: LiveFlow | None = None
    answered: CampaignChoice | None = None
    keyword: FlowChoice | None = None
    fallback: FlowChoice | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The route and its reason. `begins` is the flow to start, for the recipient if there is one; None starts nothing."""

    route: Route
    reason: str
    begins: FlowChoice | None = None
    recipient_id: int | None = None


def route(facts: RoutingFacts) -> Decision:
    """Return the first route that applies."""
    if facts.word is not None:
        return Decision(Route(facts.word), f"the message is a {facts.word.upper()} word")
    if facts.is_elsewhere and facts.case_id is None:
        return Decision(Route.ELSEWHERE, "another responder on the number has the conversation")
    if facts.is_staff_command:
        return Decision(Route.CHAT_OPS, "a command from a staff number")
    if facts.case_id is not None:
        return Decision(Route.CASE, f"case {facts.case_id} is open")
    if facts.message_type in NOT_FOR_BOTS:
        return Decision(Route.IGNORED, f"messages of the type {facts.message_type} ask nothing")
    return _route_to_flow(facts)


def keyword_flow(text: str, rules: Iterable[tuple[FlowChoice, frozenset[str]]]) -> FlowChoice | None:
    """Return the first flow with a keyword (normalized) that is the whole message; None if there is none."""
    folded = normalize_text(text)
    if not folded:
        return None
    return next((flow for flow, keywords in rules if folded in keywords), None)


def _route_to_flow(facts: RoutingFacts) -> Decision:
    notes = []
    referenced, session, answered = facts.referenced, facts.session, facts.answered
    if referenced is not None and (session is None or session.campaign_id != referenced.campaign_id):
        said = f"it refers to campaign {referenced.campaign_id}"
        if referenced.flow is not None and not referenced.has_run:
            return _begin(Route.REFERENCE, said, referenced.flow, referenced.recipient_id)
        notes.append(f"{said}, {_why_not(referenced)}")
    if session is not None:
        if _may_take(session, referenced or answered):
            return Decision(Route.SESSION, _join_reasons(notes, f"the walk through {session.flow.name} goes on"))
        notes.append(f"the walk through {session.flow.name} belongs to campaign {session.campaign_id}")
    if answered is not None:
        said = f"it answers campaign {answered.campaign_id}"
        if answered.flow is not None and not answered.is_ended and not answered.has_run:
            return _begin(Route.CAMPAIGN, _join_reasons(notes, said), answered.flow, answered.recipient_id)
        notes.append(f"{said}, {'which has ended' if answered.is_ended else _why_not(answered)}")
    if facts.keyword is not None:
        return _begin(Route.KEYWORD, _join_reasons(notes, f"a keyword of {facts.keyword.name}"), facts.keyword)
    if session is not None:
        return Decision(
            Route.NOTHING, _join_reasons(notes, "no bot flow is meant, and that walk waits for its own answer")
        )
    if facts.fallback is not None and not _has_run(facts.fallback, referenced, answered):
        return _begin(
            Route.FALLBACK, _join_reasons(notes, f"{facts.fallback.name} takes what belongs nowhere"), facts.fallback
        )
    if facts.fallback is not None:
        return Decision(Route.NOTHING, _join_reasons(notes, f"{facts.fallback.name}, the fallback flow, is that flow"))
    return Decision(Route.NOTHING, _join_reasons(notes, "no bot flow is meant and there is no fallback flow"))


def _why_not(campaign: CampaignChoice) -> str:
    return "which has no bot flow" if campaign.flow is None else f"for which {campaign.flow.name} has run already"


def _has_run(flow: FlowChoice, *campaigns: CampaignChoice | None) -> bool:
    return any(each is not None and each.has_run and each.flow == flow for each in campaigns)


def _may_take(session: LiveFlow, campaign: CampaignChoice | None) -> bool:
    """Whether a live session may take a message of this campaign: its own campaign's, or any if it has none."""
    return campaign is None or session.campaign_id in {None, campaign.campaign_id}


def _begin(route: Route, reason: str, flow: FlowChoice, recipient_id: int | None = None) -> Decision:
    return Decision(route, reason, flow, recipient_id)


def _join_reasons(notes: list[str], reason: str) -> str:
    return "; ".join([*dict.fromkeys(notes), reason])
