"""Checks a campaign before it is sent: blocking problems, warnings, and the people whom it would reach.

It runs at the estimate, before the start and at the scheduled time; its result is not stored. It reads the database only, so a
caller that needs Meta's current state syncs template and number first.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from models.audience.audience import AudienceError
from models.audience.eligibility import MARKETING
from models.audience.reach import Reach, estimate_reach
from models.billing.balance import is_covered, read_balance
from models.billing.estimate import estimate_cost
from models.campaigns.marketing_checks import MarketingProblem, marketing_problems
from models.campaigns.missing import missing_choices
from models.catalog.problems import ProductProblem, catalog_problems, needs_catalog
from models.clock import zoned
from models.sending.messaging_limit import all_sent_at, used_people
from models.sending.number_rate import number_rate
from models.stored_texts import read_text
from models.tables.campaign import DEFAULT_PER_SECOND, Campaign, get_campaign
from models.tables.number import UNLIMITED, Number, WabaState
from models.tables.recipient import NOT_SENT_TEXT, NotSent
from models.tables.template import Template
from models.templates.content import content_of
from models.templates.opt_out_buttons import opt_out_buttons_problem
from models.templates.sendable import template_problems
from models.templates.variables import check_mapping, unknown_names
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
_OPT_OUT = re.compile(
    r"\b(stop|unsubscribe|opt[ -]?out|baja|parar|sair|cancelar|stopper|arr[eê]t|desinscri\w*|d[eé]sinscri\w*|d[eé]sabonn\w*"
    r"|abmelden|abbestellen|cancella\w*|disiscri\w*)\b",
    re.IGNORECASE,
)
_OPT_OUT_LANGUAGES = frozenset({"en", "es", "pt", "fr", "de", "it"})
"""The languages of those words. Of a template in another one nobody can say that the way out is missing."""


@dataclass(frozen=True, slots=True)
class PreflightCheck:
    """A problem or warning: a stable key, the sentence for the operator, and what to do about it."""

    key: str
    text: Text
    remedy: str


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


def preflight(session: Session, campaign_id: int, now: datetime, facts: PreflightFacts | None = None) -> Preflight:
    """Run every check of a campaign. Raises CampaignNotFoundError if there is no such campaign."""
    campaign = get_campaign(session, campaign_id)
    blocking = list(_missing_parts(campaign))
    number, template, reach = campaign.number, campaign.template, Reach()
    if number is not None:
        blocking += _number_blocks(number)
    if template is not None:
        blocking += _template_blocks(template, number)
        blocking += _mapping_blocks(session, campaign, template, now)
    if number is not None and template is not None and campaign.audience.get("include"):
        try:
            reach = estimate_reach(session, campaign, now)
        except AudienceError as error:
            blocking.append(PreflightCheck("audience", error.text, "Correct the audience."))
        else:
            # Without a mapping nobody has the values; the check of the variables reports that already.
            blocking += [] if any(check.key == "variables" for check in blocking) else _reach_blocks(reach)
    warnings = list(_warnings(session, campaign, reach, now, facts or PreflightFacts()))
    if number is not None and template is not None:
        for problem in _route_problems(session, campaign, number, template, now):
            check = PreflightCheck(problem.key, problem.text, problem.remedy)
            (blocking if problem.is_blocking else warnings).append(check)
    if template is not None:
        budget_blocks, budget_warnings = _budget_checks(session, campaign, template, reach, now)
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
    for problem in template_problems(template):
        yield PreflightCheck(problem.key, problem.text, problem.remedy)


def _mapping_blocks(
    session: Session, campaign: Campaign, template: Template, now: datetime
) -> Iterator[PreflightCheck]:
    content = content_of(campaign)
    lines = check_mapping(template, content, now) + unknown_names(session, content)
    for line in lines:
        if line.startswith("media"):
            yield PreflightCheck("media", Text(line), "Give the header the medium that the template needs.")
        else:
            yield PreflightCheck("variables", Text(line), "Map every variable of the template, and nothing else.")
    if problem := opt_out_buttons_problem(template.components, campaign.opt_out_buttons or ()):
        remedy = "Choose again which buttons of the template opt out."
        yield PreflightCheck("opt_out_buttons", Text("{problem}", {"problem": problem}), remedy)


def _route_problems(
    session: Session, campaign: Campaign, number: Number, template: Template, now: datetime
) -> Iterator[ProductProblem | MarketingProblem]:
    """What is wrong with the products that the messages name, and with the way that they go."""
    yield from marketing_problems(campaign, number, template)
    if needs_catalog(template.components):
        yield from catalog_problems(session, number.waba_id, (), None, now)


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
    if campaign.template is not None:
        yield from _template_warnings(campaign, campaign.template, reach)
    if campaign.flow_id is None:
        yield PreflightCheck(
            "flow", Text("No bot flow answers the replies."), "Choose a bot flow, or have agents watch the inbox."
        )
    if facts.is_listening is False:
        text = Text("Nobody reads Meta's events: statuses and opt-outs would not be seen, and sending is held.")
        yield PreflightCheck("listening", text, "Start the ingest process (flask up does).")


def _budget_checks(
    session: Session, campaign: Campaign, template: Template, reach: Reach, now: datetime
) -> tuple[list[PreflightCheck], list[PreflightCheck]]:
    """(blocking, warnings) about the balance; both are empty if no balance is set."""
    cost = estimate_cost(session, template.category, reach.areas or {}, now)
    short, close = is_covered(session, campaign.id, cost.high)
    blocking = (
        [PreflightCheck("budget", short, "Raise the balance (flask budget set), or send to fewer people.")]
        if short
        else []
    )
    warnings = [PreflightCheck("budget", close, "Raise the balance before it is used up.")] if close else []
    if cost.unknown_people and read_balance(session) is not None:
        text = Text(
            "The price of {people} of them is unknown: the balance does not guard them.",
            {"people": cost.unknown_people},
        )
        warnings.append(
            PreflightCheck("price_unknown", text, "Load a rate card that names their countries (flask rates load).")
        )
    return blocking, warnings


def _template_warnings(campaign: Campaign, template: Template, reach: Reach) -> Iterator[PreflightCheck]:
    named = {"name": template.name, "language": template.language}
    if template.quality.upper() in {"RED", "YELLOW"}:
        text = Text(
            "Template {name} ({language}) has {quality} quality.", named | {"quality": template.quality.lower()}
        )
        yield PreflightCheck(
            "template_quality", text, "Meta pauses templates of red quality; think of another text or audience."
        )
    if template.category.upper() != MARKETING:
        return
    is_judged = template.language.partition("_")[0].lower() in _OPT_OUT_LANGUAGES
    chosen = campaign.opt_out_buttons
    has_button = bool(template.opt_out_buttons if chosen is None else chosen)
    if is_judged and not has_button and not _OPT_OUT.search(_texts(template)):
        text = Text("Template {name} ({language}) is marketing and does not say how to opt out.", named)
        yield PreflightCheck("opt_out", text, "Add a footer such as “Reply STOP to leave”, or a button.")
    if reach.eligible_in_us:
        text = Text(
            "{people} of them have US numbers, to which Meta delivers no marketing.", {"people": reach.eligible_in_us}
        )
        yield PreflightCheck("us_numbers", text, "Exclude the country US.")


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


def _texts(template: Template) -> str:
    texts = []
    for component in template.components:
        texts.append(str(component.get("text", "")))
        texts += [str(button.get("text", "")) for button in component.get("buttons", []) or []]
    return "\n".join(texts)
