"""Checks a campaign before it is sent: blocking problems, warnings, and the people whom it would reach.

It runs at the estimate, before the start and at the scheduled time; its result is not stored. It reads the database only, so a
caller that needs Meta's current state syncs template and number first.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy.orm import Session

from models.audience.audience import AudienceError
from models.audience.filling_lists import lists_being_filled
from models.audience.reach import Reach, estimate_reach
from models.billing.expected_replies import FlowMessages
from models.campaigns.balance_checks import balance_checks
from models.campaigns.link_checks import link_problems
from models.campaigns.message_problems import message_problems
from models.campaigns.missing import missing_choices
from models.campaigns.preflight_check import PreflightCheck
from models.campaigns.replacement import category_at_start
from models.campaigns.template_warnings import template_warnings
from models.clock import zoned
from models.config import Settings
from models.conversions.goals import goals_of
from models.conversions.order_value import has_orders
from models.sending.cohorts import message_parts
from models.sending.messaging_limit import all_sent_at, used_people
from models.sending.number_rate import number_rate
from models.stored_texts import read_text
from models.tables.campaign import DEFAULT_PER_SECOND, Campaign, get_campaign
from models.tables.number import UNLIMITED, Number, WabaState
from models.tables.recipient import NOT_SENT_TEXT, NotSent
from models.tables.template import Template
from models.templates.content_problems import MappingProblem
from models.templates.language_parts import LanguagePart, language_problems, part_problems
from models.templates.opt_out_buttons import opt_out_buttons_problem
from models.templates.sendable import template_problems
from models.templates.variables import unknown_names
from models.text import Text

CONNECTED = "CONNECTED"
ONE_DAY = (
    "{people} people and room for {room} more in 24 h (Meta's limit is {limit}): "
    "it would take 1 day, until {until} at the latest."
)
SOME_DAYS = (
    "{people} people and room for {room} more in 24 h (Meta's limit is {limit}): "
    "it would take {days} days, until {until} at the latest."
)


@dataclass(frozen=True, slots=True)
class Preflight:
    """The result of all checks of a campaign."""

    blocking: list[PreflightCheck]
    warnings: list[PreflightCheck]
    reach: Reach

    @property
    def is_clear(self) -> bool:
        """Whether nothing blocks the campaign."""
        return not self.blocking

    def to_json(self) -> dict[str, Any]:
        """The public JSON."""
        return {
            "ok": self.is_clear,
            "blocking": [_check_json(check) for check in self.blocking],
            "warnings": [_check_json(check) for check in self.warnings],
            "reach": self.reach.to_json(),
        }


@dataclass(frozen=True, slots=True)
class PreflightFacts:
    """What is not in the database. A fact that is None is unknown, and yields no warning."""

    is_listening: bool | None = None
    """Whether a consumer of webhook events is alive."""
    time_zone: str = "UTC"
    """The installation's zone, in which times are shown."""
    link_base: str | None = None
    """The address before `/l/` in tracked links (LINK_URL). Without it they are not checked."""
    is_simulated: bool = False
    """Whether Meta is simulated on this machine."""
    flow_messages: FlowMessages | None = None
    """How many messages the campaign's bot flow sends to somebody who replies."""

    @classmethod
    def of(cls, settings: Settings, *, is_listening: bool | None, flow_messages: FlowMessages | None = None) -> Self:
        """What the settings say, whether a consumer is alive, and what the campaign's bot flow sends."""
        return cls(is_listening, settings.time_zone, settings.link_base, settings.is_simulated, flow_messages)


def preflight(session: Session, campaign_id: int, now: datetime, facts: PreflightFacts | None = None) -> Preflight:
    """Run every check of a campaign. Raises CampaignNotFoundError if there is no such campaign."""
    campaign = get_campaign(session, campaign_id)
    blocking = list(_missing_parts(campaign))
    number, template, reach = campaign.number, campaign.template, Reach()
    if number is not None:
        blocking += _number_blocks(number)
    if template is not None:
        blocking += _message_blocks(session, campaign, template, now)
    if number is not None and template is not None and campaign.audience.get("include"):
        blocking += _list_blocks(session, campaign)
        try:
            reach = estimate_reach(session, campaign, now)
        except AudienceError as error:
            blocking.append(PreflightCheck("audience", error.text, "Correct the audience."))
        else:
            # Without a mapping nobody has the values; the check of the variables reports that already.
            blocking += [] if any(check.key == "variables" for check in blocking) else _reach_blocks(reach)
    facts = facts or PreflightFacts()
    if facts.link_base is not None:
        parts = message_parts(session, campaign)
        problems = link_problems(parts, facts.link_base, is_simulated=facts.is_simulated)
        blocking += [PreflightCheck(*problem) for problem in problems]
    warnings = list(_warnings(session, campaign, reach, now, facts))
    if number is not None and template is not None:
        for problem in message_problems(session, campaign, number, now):
            check = PreflightCheck(problem.key, problem.text, problem.remedy)
            (blocking if problem.is_blocking else warnings).append(check)
    if template is not None:
        budget_blocks, budget_warnings = balance_checks(session, campaign, template, reach, now, facts.flow_messages)
        blocking += budget_blocks
        warnings += budget_warnings
    return Preflight(blocking, warnings, reach)


def _check_json(check: PreflightCheck) -> dict[str, str]:
    return {"key": check.key, "text": str(check.text), "remedy": check.remedy}


def _missing_parts(campaign: Campaign) -> Iterator[PreflightCheck]:
    for part in missing_choices(campaign):
        yield PreflightCheck(
            part, Text("The campaign has no {part}.", {"part": part}), f"Choose the campaign's {part}."
        )


def _number_blocks(number: Number) -> Iterator[PreflightCheck]:
    if number.stopped_at is not None:
        yield PreflightCheck(
            "number",
            Text("Number {name} is stopped: {why}.", {"name": number.name, "why": read_text(number.stopped_reason)}),
            "Mend the cause and start it.",
        )
    elif number.status.upper() != CONNECTED:
        yield PreflightCheck(
            "number",
            Text("Number {name} is {status} at Meta.", {"name": number.name, "status": number.status}),
            "Connect it in WhatsApp Manager.",
        )
    if number.waba.state is not WabaState.OK:
        text = Text("The number's WhatsApp Business Account is {state}.", {"state": number.waba.state.value})
        yield PreflightCheck("account", text, "See Business Support Home at Meta.")


def _template_blocks(template: Template, number: Number | None) -> Iterator[PreflightCheck]:
    if number is not None and template.waba_id != number.waba_id:
        named = {"name": template.name, "language": template.language}
        yield PreflightCheck(
            "template",
            Text("Template {name} ({language}) belongs to another account than the number.", named),
            "Choose one of the number's account.",
        )
    yield from (PreflightCheck(*problem[:3]) for problem in template_problems(template))


def _message_blocks(session: Session, campaign: Campaign, first: Template, now: datetime) -> Iterator[PreflightCheck]:
    parts = message_parts(session, campaign)
    for part in parts:
        if part.template is not None:
            yield from _template_blocks(part.template, campaign.number)
            yield from _mapping_blocks(session, campaign, part, now)
    category = category_at_start(session, campaign) if campaign.languages else first.category
    yield from (PreflightCheck(*problem[:3]) for problem in language_problems(parts, first, category))


def _mapping_blocks(
    session: Session, campaign: Campaign, part: LanguagePart, now: datetime
) -> Iterator[PreflightCheck]:
    unknown = map(MappingProblem, unknown_names(session, part.content))
    for problem in [*part_problems(part, campaign, now), *unknown]:
        yield PreflightCheck(problem.part, Text(problem.line), problem.remedy)
    components = part.template.components if part.template is not None else []
    if why := opt_out_buttons_problem(components, campaign.opt_out_buttons or ()):
        remedy = "Choose again which buttons of the template opt out."
        yield PreflightCheck("opt_out_buttons", Text("{problem}", {"problem": why}), remedy)


def _list_blocks(session: Session, campaign: Campaign) -> Iterator[PreflightCheck]:
    for name in lists_being_filled(session, campaign.audience):
        text = Text("The list “{name}” is still being filled.", {"name": name})
        yield PreflightCheck("list_being_filled", text, "Wait until everybody is on it; its page says how far it is.")


def _reach_blocks(reach: Reach) -> Iterator[PreflightCheck]:
    if reach.eligible == 0:
        most = max(reach.not_sent or {}, key=lambda reason: (reach.not_sent or {})[reason], default=None)
        people = {"candidates": reach.candidates}
        text = Text("Nobody of {candidates} can be written to.", people)
        if most:
            because = "Nobody of {candidates} can be written to. Most are left out because: {why}"
            text = Text(because, people | {"why": Text(NOT_SENT_TEXT[NotSent(most)])})
        yield PreflightCheck("eligible", text, "Widen the audience, or see the reasons.")


def _warnings(
    session: Session, campaign: Campaign, reach: Reach, now: datetime, facts: PreflightFacts
) -> Iterator[PreflightCheck]:
    if campaign.number is not None and reach.eligible:
        yield from _limit_warning(session, campaign, campaign.number, reach, now, facts.time_zone)
        if campaign.number.quality.upper() == "RED":
            yield PreflightCheck(
                "number_quality", Text("The number's quality is red."), "Send less, and to people who expect it."
            )
    for part in message_parts(session, campaign):
        if part.template is not None:
            warnings = template_warnings(campaign, part.template, reach.eligible_in_us)
            yield from (PreflightCheck(*problem[:3]) for problem in warnings)
    if campaign.flow_id is None:
        yield PreflightCheck(
            "flow", Text("No bot flow answers the replies."), "Choose a bot flow, or have agents watch the inbox."
        )
    if goals_of(session, [campaign.id]) and not has_orders(session):
        yield PreflightCheck(
            "goals",
            Text("The campaign has a goal, and no order is known: nothing would be counted."),
            "Import orders, or connect the shop.",
        )
    if facts.is_listening is False:
        text = Text("Nobody reads Meta's events: statuses and opt-outs would not be seen, and sending is held.")
        yield PreflightCheck("listening", text, "Start the ingest process (flask up does).")


def _limit_warning(
    session: Session, campaign: Campaign, number: Number, reach: Reach, now: datetime, time_zone: str
) -> Iterator[PreflightCheck]:
    """Warn if the messaging limit (docs/meta.md §4.3) delays the campaign.

    People who count already are left out. People in an open window use no room either, but may not be in one when it is their
    turn, so the time named is the latest possible.
    """
    portfolio = number.waba.portfolio
    limit = portfolio.messaging_limit
    if limit is None or limit == UNLIMITED:
        return
    people = reach.eligible - reach.eligible_counted
    room = max(0, limit - used_people(session, portfolio.id, now))
    if people <= room:
        return
    sending = timedelta(minutes=reach.eligible / _per_second(campaign, number) // 60)
    done_at = all_sent_at(session, portfolio.id, people - room, now) + sending
    days = max(1, math.ceil((done_at - now) / timedelta(days=1)))
    sentence = ONE_DAY if days == 1 else SOME_DAYS
    until = zoned(done_at, time_zone)
    text = Text(sentence, {"people": people, "room": room, "limit": limit, "days": days, "until": until})
    yield PreflightCheck("limit", text, "Plan for it, or send to fewer people.")


def _per_second(campaign: Campaign, number: Number) -> float:
    per_hour = campaign.pace_per_hour
    return min(per_hour / 3600 if per_hour else campaign.pace_per_second or DEFAULT_PER_SECOND, number_rate(number))
