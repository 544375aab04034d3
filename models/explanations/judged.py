"""Explains a campaign that was not started yet for one person: every rule is asked now, as the launch would ask it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.audience.audience import AudienceError, parse_audience
from models.audience.eligibility import CONTACT, CampaignTerms, load_campaign_terms
from models.audience.example_person import example_values
from models.audience.judge_one import Judgement, judge_contact, matches_side
from models.explanations.steps import Explanation, RuleResult, RuleStep
from models.stored_texts import read_text
from models.tables.campaign import Campaign
from models.tables.contact import ConsentEvent, Contact
from models.tables.conversation import Case
from models.tables.engagement import Engagement
from models.tables.recipient import NOT_SENT_TEXT, NotSent
from models.tables.tag import ContactTag
from models.templates.bound_values import missing_variable_sql
from models.templates.language_parts import LanguagePart, language_parts
from models.text import Text

Fact = tuple[Text, datetime | None]
_AFTER = (NotSent.OPERATOR, NotSent.CAMPAIGN_ENDED)
"""Nothing that can be asked before a campaign was started."""


def explain_judged(
    session: Session, campaign: Campaign, contact: Contact, now: datetime, time_zone: str
) -> Explanation:
    """Judge the contact as of now. `time_zone`: for days in values."""
    if campaign.template_id is None or campaign.number_id is None or not campaign.audience.get("include"):
        text = Text("The draft lacks its number, its template or its audience: nobody can be judged by it yet.")
        return Explanation(True, now, text, ())
    try:
        terms = load_campaign_terms(session, campaign, now)
    except AudienceError as error:
        return Explanation(True, now, Text("The audience cannot be read: {why}", {"why": error.text}), ())
    judgement = judge_contact(session, terms, contact.id)
    facts = _Facts(session, campaign, contact, terms, judgement, time_zone)
    rules = list(_rules(facts))
    if not judgement.is_included:
        return Explanation(True, now, Text("The audience does not include this contact."), rules)
    decided = next((step.reason for step in rules if step.result is RuleResult.LEFT_OUT), None)
    if decided is None:
        text = Text("Would get it if the campaign started now.")
        return Explanation(True, now, text, rules, is_written_to=True)
    return Explanation(True, now, Text("Would be left out: {why}", {"why": Text(NOT_SENT_TEXT[decided])}), rules)


def _rules(facts: "_Facts") -> Iterator[RuleStep]:
    judgement = facts.judgement
    included = RuleResult.PASSED if judgement.is_included else RuleResult.LEFT_OUT
    yield RuleStep(None, included, facts.included(), None)
    holds: dict[NotSent, bool] = {**judgement.holds, **facts.values_hold()}
    is_decided = not judgement.is_included
    for reason in NotSent:
        if reason in _AFTER:
            continue
        fact, at = facts.of(reason)
        if reason not in holds:
            yield RuleStep(reason, RuleResult.NOT_ASKED, fact, at)
            continue
        if not holds[reason]:
            yield RuleStep(reason, RuleResult.PASSED, fact, at)
            continue
        yield RuleStep(reason, RuleResult.ALSO if is_decided else RuleResult.LEFT_OUT, fact, at)
        is_decided = True


@dataclass(frozen=True, slots=True)
class _Facts:
    session: Session
    campaign: Campaign
    contact: Contact
    terms: CampaignTerms
    judgement: Judgement
    time_zone: str

    def included(self) -> Text:
        names = self._matching("include")
        if names:
            return Text("In the audience by {items}.", {"items": ", ".join(names)})
        return Text("None of the audience’s tags, lists, segments and contacts fits.")

    def of(self, reason: NotSent) -> Fact:
        """By what the rule is judged, and since when that is so."""
        return _FACTS[reason](self)

    def values_hold(self) -> dict[NotSent, bool]:
        """What is asked of the values right before sending, by the same rules: a value that Meta refuses, an offer that is over."""
        part = self.part()
        if part is None or part.template is None:
            return {}
        ends = part.content.offer_ends_at
        holds = {NotSent.EXPIRED: ends <= self.terms.now} if ends is not None else {}
        if self.judgement.holds.get(NotSent.MISSING_VARIABLE):
            return holds  # without the value there is none that could be bad
        values = example_values(self.session, part.template, part.content, self.contact.id, self.time_zone)
        return holds if values is None else holds | {NotSent.BAD_VALUE: values.problem is not None}

    def part(self) -> LanguagePart | None:
        """What this contact would get; None if the campaign has no language for them."""
        parts = language_parts(self.session, self.campaign)
        place = self._column(self.terms.position())
        return next((part for part in parts if part.position == place), None)

    def _column(self, expression: Any) -> Any:
        return self.session.scalar(select(expression).select_from(CONTACT).where(CONTACT.c.id == self.contact.id))

    def _matching(self, side: str) -> list[str]:
        """The items of a side that the contact itself fits, in words."""
        names = []
        for item in self.campaign.audience.get(side) or ():
            part = parse_audience(self.session, {"include": [item]}).include
            if matches_side(self.session, part, self.terms, self.contact.id):
                names.append(_item_words(item))
        return names

    def excluded(self) -> Fact:
        if not self.campaign.audience.get("exclude"):
            return Text("The audience excludes nobody."), None
        names = self._matching("exclude")
        if names:
            return Text("Excluded by {items}.", {"items": ", ".join(names)}), None
        if self.judgement.holds.get(NotSent.EXCLUDED):
            return Text("Another record of the same person is excluded."), None
        return Text("Nothing that the audience excludes fits."), None

    def duplicate(self) -> Fact:
        if not self.judgement.is_shared:
            return Text("It is the only record of this person."), None
        if self.judgement.holds.get(NotSent.DUPLICATE):
            return Text("The person is in the audience by an older record."), None
        return Text("The person has other records; this is the one that counts."), None

    def tagged(self) -> Fact:
        if NotSent.NO_TAGS not in self.judgement.holds:
            return Text("Not asked: the setting allows contacts without tags, or the audience is of tags alone."), None
        count = select(func.count()).select_from(ContactTag).where(ContactTag.contact_id == self.contact.id)
        return Text("Tags: {number}.", {"number": self.session.scalar(count) or 0}), None

    def phone(self) -> Fact:
        contact = self.contact
        problem = str(contact.phone_problem or "none").replace("_", " ")
        number = contact.phone or contact.raw_phone or "none"
        return Text("The number is {number}; its problem: {problem}.", {"number": number, "problem": problem}), None

    def on_whatsapp(self) -> Fact:
        return Text("WhatsApp refused the number {times} times.", {"times": self.contact.undeliverable_count}), None

    def consent(self) -> Fact:
        event = self.session.scalar(
            select(ConsentEvent)
            .where(ConsentEvent.contact_id == self.contact.id)
            .order_by(ConsentEvent.id.desc())
            .limit(1)
        )
        state = self.contact.consent.value.replace("_", " ")
        if event is None:
            return Text("Consent is {state}; the ledger has no entry.", {"state": state}), self.contact.consent_at
        about = {"state": state, "source": event.source or "–"}
        return Text("Consent is {state}, by {source}.", about), event.at

    def stopped(self) -> Fact:
        if not self.terms.is_marketing:
            return Text("Not asked: it is no marketing message."), None
        at = self.contact.marketing_stopped_at
        return Text("Marketing messages are {word}.", {"word": "stopped" if at else "allowed"}), at

    def case(self) -> Fact:
        query = select(Case).where(Case.contact_id == self.contact.id, Case.closed_at.is_(None))
        case = self.session.scalar(query)
        if case is not None:
            return Text("A case is open with {agent}.", {"agent": case.agent or "nobody yet"}), case.opened_at
        if self.judgement.holds.get(NotSent.OPEN_CASE):
            return Text("A case of another record of the person is open."), None
        return Text("No case is open."), None

    def engaged(self) -> Fact:
        query = select(Campaign.name, Engagement.created_at).join(Campaign, Campaign.id == Engagement.campaign_id)
        row = self.session.execute(query.where(Engagement.person_key == self.contact.person_key)).first()
        if row is None:
            return Text("In no other campaign."), None
        return Text("In the campaign {name}.", {"name": row.name}), row.created_at

    def variable(self) -> Fact:
        if NotSent.MISSING_VARIABLE not in self.judgement.holds:
            return Text("Not asked: no value of the template can be missing."), None
        if self.judgement.holds[NotSent.MISSING_VARIABLE]:
            missing = read_text(self._column(self.terms.by_language(missing_variable_sql)))
            return Text("Missing: {name}.", {"name": missing or "a value"}), None
        return Text("Every value that the template needs is there."), None

    def cap(self) -> Fact:
        if NotSent.FREQUENCY_CAP not in self.judgement.holds:
            return Text("Not asked: there is no cap, or it is no marketing message."), None
        about = {
            "number": self.judgement.recent_messages,
            "days": self.terms.cap_days,
            "most": self.terms.cap_messages,
        }
        return Text("Marketing messages in the last {days} days: {number}, of at most {most}.", about), None

    def value(self) -> Fact:
        part = self.part()
        if part is None or part.template is None or self.judgement.holds.get(NotSent.MISSING_VARIABLE):
            return Text("Not asked: there are no values to look at."), None
        values = example_values(self.session, part.template, part.content, self.contact.id, self.time_zone)
        if values is None or values.problem is None:
            return Text("WhatsApp takes every value."), None
        return Text("{why}", {"why": values.problem}), None

    def language(self) -> Fact:
        if self.terms.choice is None:
            return Text("Not asked: everybody gets the same language."), None
        part = self.part()
        about = {"own": self.contact.language or "none", "chosen": part.language if part is not None else "none"}
        return Text("The contact’s language is {own}; the campaign’s for it is {chosen}.", about), None

    def max_price(self) -> Fact:
        if NotSent.NO_PHONE_FOR_MAX_PRICE not in self.judgement.holds:
            return Text("Not asked: the template has no maximum price."), None
        return Text("The number is {number}.", {"number": self.contact.phone or "not known"}), None

    def expired(self) -> Fact:
        part = self.part()
        ends = part.content.offer_ends_at if part is not None else None
        if ends is None:
            return Text("Not asked: the message has no end."), None
        return Text("The offer in the message ends."), ends


def _item_words(item: Mapping[str, Any]) -> str:
    kind = next(iter(key for key in ("tag", "list", "segment", "contact") if key in item), "")
    value = f" = {item['value']}" if item.get("value") is not None else ""
    return f"the {kind} “{item.get(kind)}{value}”"


_FACTS: Mapping[NotSent, Callable[[_Facts], Fact]] = {
    NotSent.EXCLUDED: _Facts.excluded,
    NotSent.DUPLICATE: _Facts.duplicate,
    NotSent.NO_TAGS: _Facts.tagged,
    NotSent.INVALID_PHONE: _Facts.phone,
    NotSent.UNCLEAR_PHONE: _Facts.phone,
    NotSent.MISSING_CALLING_CODE: _Facts.phone,
    NotSent.NOT_ON_WHATSAPP: _Facts.on_whatsapp,
    NotSent.NOT_SUBSCRIBED: _Facts.consent,
    NotSent.MARKETING_STOPPED: _Facts.stopped,
    NotSent.OPEN_CASE: _Facts.case,
    NotSent.ENGAGED: _Facts.engaged,
    NotSent.MISSING_VARIABLE: _Facts.variable,
    NotSent.FREQUENCY_CAP: _Facts.cap,
    NotSent.BAD_VALUE: _Facts.value,
    NotSent.NO_LANGUAGE: _Facts.language,
    NotSent.NO_PHONE_FOR_MAX_PRICE: _Facts.max_price,
    NotSent.EXPIRED: _Facts.expired,
}
