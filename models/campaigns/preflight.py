"""The preflight: what keeps a campaign from being sent, what its sender should know, and whom it would reach.

Asked at the estimate, before the start and at the scheduled instant; never stored. It reads our rows alone: whoever needs
Meta's word of this moment syncs template and number first.
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
from models.sending.messaging_limit import SPAN, limit_lifts_at, used_people
from models.tables.campaign import Campaign, get_campaign
from models.tables.number import UNLIMITED, Number, WabaState
from models.tables.recipient import NOT_SENT_TEXT, NotSent
from models.tables.template import Template
from models.templates.variables import check_mapping, unknown_names

CONNECTED = "CONNECTED"
APPROVED = "APPROVED"
_OPT_OUT = re.compile(
    r"\b(stop|unsubscribe|opt[ -]?out|baja|parar|sair|cancelar|stopper|arr[eê]t|desinscri\w*|d[eé]sinscri\w*|d[eé]sabonn\w*"
    r"|abmelden|abbestellen|cancella\w*|disiscri\w*)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PreflightCheck:
    """Something found: a stable key, the sentence an operator reads, and what to do about it."""

    key: str
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """What blocks, what to know, whom it would reach."""

    blocking: list[PreflightCheck]
    warnings: list[PreflightCheck]
    reach: Reach

    @property
    def is_clear(self) -> bool:
        """Nothing blocks."""
        return not self.blocking

    def to_json(self) -> dict[str, Any]:
        """The public form."""
        return {
            "ok": self.is_clear,
            "blocking": [_shown(check) for check in self.blocking],
            "warnings": [_shown(check) for check in self.warnings],
            "reach": self.reach.to_json(),
        }


@dataclass(frozen=True, slots=True)
class PreflightFacts:
    """What the database does not know. None: not known, and then not complained about."""

    is_listening: bool | None = None
    """A consumer of the webhook's events is alive."""


def preflight(session: Session, campaign_id: int, now: datetime, facts: PreflightFacts | None = None) -> Preflight:
    """Run every check of a campaign. NotFound if there is none."""
    campaign = get_campaign(session, campaign_id)
    blocking = list(_incomplete(campaign))
    number, template, reach = campaign.number, campaign.template, Reach()
    if number is not None:
        blocking += _number_blocks(number)
    if template is not None:
        blocking += _template_blocks(template, number)
        blocking += _mapping_blocks(session, campaign, template)
    if number is not None and template is not None and campaign.audience.get("include"):
        try:
            reach = estimate_reach(session, campaign, now)
        except AudienceError as error:
            blocking.append(PreflightCheck("audience", str(error), "Correct the audience."))
        else:
            # What is not mapped everybody lacks: that was said already.
            blocking += [] if any(check.key == "variables" for check in blocking) else _reach_blocks(reach)
    warnings = list(_warnings(session, campaign, reach, now, facts or PreflightFacts()))
    if template is not None:
        short, close = _budget_checks(session, campaign, template, reach, now)
        blocking += short
        warnings += close
    return Preflight(blocking, warnings, reach)


def _shown(check: PreflightCheck) -> dict[str, str]:
    return {"key": check.key, "text": check.text, "remedy": check.remedy}


def _incomplete(campaign: Campaign) -> Iterator[PreflightCheck]:
    given = {
        "number": campaign.number_id,
        "template": campaign.template_id,
        "audience": campaign.audience.get("include"),
    }
    for name, value in given.items():
        if not value:
            yield PreflightCheck(name, f"The campaign has no {name}.", f"Choose the campaign's {name}.")


def _number_blocks(number: Number) -> Iterator[PreflightCheck]:
    if number.stopped_at is not None:
        yield PreflightCheck(
            "number", f"Number {number.name} is stopped: {number.stopped_reason}.", "Mend the cause and start it."
        )
    elif number.status.upper() != CONNECTED:
        yield PreflightCheck(
            "number", f"Number {number.name} is {number.status} at Meta.", "Connect it in WhatsApp Manager."
        )
    if number.waba.state is not WabaState.OK:
        text = f"The number's WhatsApp Business Account is {number.waba.state}."
        yield PreflightCheck("account", text, "See Business Support Home at Meta.")


def _template_blocks(template: Template, number: Number | None) -> Iterator[PreflightCheck]:
    name = f"Template {template.name} ({template.language})"
    if number is not None and template.waba_id != number.waba_id:
        yield PreflightCheck(
            "template", f"{name} belongs to another account than the number.", "Choose one of the number's account."
        )
    if template.missing_at is not None:
        yield PreflightCheck("template_approved", f"{name} is no longer at Meta.", "Choose another template.")
    elif template.status.upper() != APPROVED:
        yield PreflightCheck(
            "template_approved", f"{name} is {template.status} at Meta.", "Wait for Meta's approval or choose another."
        )
    elif template.stale_at is not None:
        yield PreflightCheck(
            "template_approved", f"{name} was changed at Meta.", "Sync the templates and look at its text."
        )
    correct = (template.correct_category or "").upper()
    if correct and correct != template.category.upper():
        text = f"{name} is {template.category} and Meta says that it is {correct}."
        yield PreflightCheck("category", text, "Accept Meta's category or have it reviewed, then sync the templates.")


def _mapping_blocks(session: Session, campaign: Campaign, template: Template) -> Iterator[PreflightCheck]:
    lines = check_mapping(template, campaign.variables, campaign.media) + unknown_names(session, campaign.variables)
    for line in lines:
        if line.startswith("media"):
            yield PreflightCheck("media", line, "Give the header the medium that the template needs.")
        else:
            yield PreflightCheck("variables", line, "Map every variable of the template, and nothing else.")


def _reach_blocks(reach: Reach) -> Iterator[PreflightCheck]:
    if reach.eligible == 0:
        most = max(reach.not_sent or {}, key=lambda reason: (reach.not_sent or {})[reason], default=None)
        why = f" Most are left out because: {NOT_SENT_TEXT[NotSent(most)]}" if most else ""
        text = f"Nobody of {reach.candidates} can be written to.{why}"
        yield PreflightCheck("eligible", text, "Widen the audience, or see the reasons.")


def _warnings(
    session: Session, campaign: Campaign, reach: Reach, now: datetime, facts: PreflightFacts
) -> Iterator[PreflightCheck]:
    if campaign.number is not None and reach.eligible:
        yield from _limit_warning(session, campaign.number, reach.eligible, now)
        if campaign.number.quality.upper() == "RED":
            yield PreflightCheck(
                "number_quality", "The number's quality is red.", "Send less, and to people who expect it."
            )
    if campaign.template is not None:
        yield from _template_warnings(campaign.template, reach)
    if campaign.flow_id is None:
        yield PreflightCheck(
            "flow", "No bot flow answers the replies.", "Choose a bot flow, or have agents watch the inbox."
        )
    if facts.is_listening is False:
        text = "Nobody reads Meta's events: statuses and opt-outs would not be seen, and sending is held."
        yield PreflightCheck("listening", text, "Start the ingest process (flask up does).")


def _budget_checks(
    session: Session, campaign: Campaign, template: Template, reach: Reach, now: datetime
) -> tuple[list[PreflightCheck], list[PreflightCheck]]:
    """Blocking and warning; nothing where no balance is set."""
    cost = estimate_cost(session, template.category, reach.areas or {}, now)
    short, close = is_covered(session, campaign.id, cost.high)
    blocking = (
        [PreflightCheck("budget", short, "Raise the balance (flask budget set), or send to fewer people.")]
        if short
        else []
    )
    warnings = [PreflightCheck("budget", close, "Raise the balance before it is used up.")] if close else []
    if cost.unknown_people and read_balance(session) is not None:
        text = f"The price of {cost.unknown_people} of them is unknown: the balance does not guard them."
        warnings.append(
            PreflightCheck("price_unknown", text, "Load a rate card that names their countries (flask rates load).")
        )
    return blocking, warnings


def _template_warnings(template: Template, reach: Reach) -> Iterator[PreflightCheck]:
    name = f"Template {template.name} ({template.language})"
    if template.quality.upper() in {"RED", "YELLOW"}:
        text = f"{name} has {template.quality.lower()} quality."
        yield PreflightCheck(
            "template_quality", text, "Meta pauses templates of red quality; think of another text or audience."
        )
    if template.category.upper() != MARKETING:
        return
    if not _OPT_OUT.search(_texts(template)):
        text = f"{name} is marketing and does not say how to opt out."
        yield PreflightCheck("opt_out", text, "Add a footer such as “Reply STOP to leave”, or a button.")
    if reach.eligible_in_us:
        text = f"{reach.eligible_in_us} of them have US numbers, to which Meta delivers no marketing."
        yield PreflightCheck("us_numbers", text, "Exclude the country US.")


def _limit_warning(session: Session, number: Number, eligible: int, now: datetime) -> Iterator[PreflightCheck]:
    """Open windows and people counted already cost nothing, so this is the latest that it can be."""
    portfolio = number.waba.portfolio
    limit = portfolio.messaging_limit
    if limit is None or limit == UNLIMITED:
        return
    room = max(0, limit - used_people(session, portfolio.id, now))
    if eligible <= room:
        return
    rounds = math.ceil((eligible - room) / limit) if limit else 0
    done_at = limit_lifts_at(session, portfolio.id, now) + SPAN * (rounds - 1) if room < limit else now + SPAN * rounds
    days = max(1, math.ceil((done_at - now) / timedelta(days=1)))
    text = (
        f"{eligible} people and room for {room} more in 24 h (Meta's limit is {limit}): it would take {days} "
        f"{'day' if days == 1 else 'days'}, until {done_at:%Y-%m-%d %H:%M} UTC."
    )
    yield PreflightCheck("limit", text, "Plan for it, or send to fewer people.")


def _texts(template: Template) -> str:
    found = []
    for component in template.components:
        found.append(str(component.get("text", "")))
        found += [str(button.get("text", "")) for button in component.get("buttons", []) or []]
    return "\n".join(found)
