"""Decides which candidates of an audience can be sent to: one ordered waterfall of reasons, compiled to SQL.

The reach estimate, the preflight, the launch and the claim use the same waterfall, so they cannot disagree. Each candidate
is counted under the first reason that applies (the order of `NotSent`). A person may have several records before they are
merged; exclusion, an opt-out, a marketing stop and an open case of any of them apply to the person.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.selectable import FromClause

from models.audience.audience import Audience, parse_audience
from models.db.dialect import literal_word
from models.db.functions import IsIn, Probe
from models.tables.campaign import Campaign
from models.tables.contact import Consent, Contact, ContactIdentity, PhoneProblem
from models.tables.conversation import Case
from models.tables.engagement import Engagement
from models.tables.number import Number, Waba
from models.tables.recipient import WRITTEN_TO, NotSent, Recipient
from models.tables.setting import read_setting
from models.tables.tag import ContactTag
from models.tables.template import Template
from models.templates.bound_values import BoundSlot, bind_variables, missing_variable_sql
from models.templates.language_parts import language_choice, language_parts
from models.templates.languages import LanguageChoice

UNDELIVERABLE_TIMES = 2
"""So many errors 131026 of Meta, and a number counts as not on WhatsApp."""
MARKETING = "MARKETING"
MAX_CAP_DAYS = 3650
"""Older rows are purged, so that more days make no difference; the limit keeps dates within the calendar."""
CONTACT: FromClause = Contact.__table__
Branch = tuple[NotSent, ColumnElement[bool]]


@dataclass(frozen=True)
class CampaignTerms:
    """Everything that a campaign's waterfall depends on, loaded once."""

    campaign_id: int
    portfolio_id: Any
    is_marketing: bool
    audience: Audience
    bound: Sequence[Sequence[BoundSlot]]
    """The variables of each language, in the order of the campaign's languages."""
    allow_untagged: bool
    cap_messages: int
    cap_days: int
    now: datetime
    phone_needed: Sequence[int] = ()
    """The places of the languages whose template has a maximum price: Meta takes it with a phone number alone."""
    choice: LanguageChoice | None = None
    """The languages among which a contact's own chooses; None: all get the same."""

    def position(self) -> ColumnElement[Any]:
        """Return the place of a contact's language among the campaign's; NULL if there is none for it."""
        return literal(0) if self.choice is None else self.choice.position_sql(CONTACT.c.language)

    def by_language(self, of: Callable[[Sequence[BoundSlot]], ColumnElement[Any]]) -> ColumnElement[Any]:
        """Return `of` the variables of a contact's language; NULL if the campaign has none for it."""
        if self.choice is None:
            return of(self.bound[0])
        position = self.position()
        return case(*((position == place, of(bound)) for place, bound in enumerate(self.bound)), else_=null())

    def lacks_phone(self) -> ColumnElement[bool]:
        """Return whether a contact has no phone and the template of its language has a maximum price."""
        lacks = CONTACT.c.phone.is_(None)
        return lacks if self.choice is None else and_(lacks, self.position().in_(self.phone_needed))


def load_campaign_terms(session: Session, campaign: Campaign, now: datetime) -> CampaignTerms:
    """Load the terms of a complete campaign. Raises AudienceError if its audience names something that does not exist."""
    template = session.get_one(Template, campaign.template_id)
    parts = language_parts(session, campaign)
    return CampaignTerms(
        campaign_id=campaign.id,
        portfolio_id=portfolio_of(session, campaign),
        is_marketing=template.category.upper() == MARKETING,
        audience=parse_audience(session, campaign.audience),
        bound=[
            bind_variables(session, part.template, part.content, CONTACT) if part.template is not None else ()
            for part in parts
        ],
        allow_untagged=bool(read_setting(session, "allow_untagged")),
        cap_messages=int(read_setting(session, "frequency_cap_messages") or 0),
        cap_days=min(int(read_setting(session, "frequency_cap_days") or 0), MAX_CAP_DAYS),
        now=now,
        choice=language_choice(campaign),
        phone_needed=[part.position for part in parts if part.template is not None and part.template.optimization_spec],
    )


def candidates_with_reason(
    terms: CampaignTerms, *, after_id: int = 0, until_id: int | None = None, duplicate_keys: Sequence[str] | None = None
) -> Select[Any]:
    """Select every candidate in a range of contact ids (`after_id` exclusive) once: `id` and `reason` (NULL: eligible).

    `duplicate_keys`: the keys of people with several records (`duplicate_person_keys`), for queries over many contacts; without
    them each row is looked up in the index of person keys.
    """
    is_shared = (
        has_twin(terms)
        if duplicate_keys is None
        else IsIn(CONTACT.c.person_key, literal(json.dumps(list(duplicate_keys))))
    )
    query = select(CONTACT.c.id, _waterfall(terms, is_shared).label("reason")).select_from(CONTACT)
    query = query.where(CONTACT.c.merged_into_id.is_(None), terms.audience.include.matches(CONTACT, terms.now))
    query = query.where(CONTACT.c.id > after_id) if after_id else query
    return query.where(CONTACT.c.id <= until_id) if until_id is not None else query


def duplicate_person_keys(session: Session) -> Sequence[str]:
    """Return the keys of people with several records. They are few; a look-up for each of a million contacts would be slow."""
    key = CONTACT.c.person_key
    return session.scalars(select(key).group_by(key).having(func.count() > 1)).all()


def has_twin(terms: CampaignTerms) -> ColumnElement[bool]:
    """Return whether the person has another record, or is a recipient already: then all records count."""
    twin = aliased(Contact)
    same_person = and_(twin.person_key == CONTACT.c.person_key, twin.id != CONTACT.c.id, twin.merged_into_id.is_(None))
    # A record that changed between two slices may be of the same person as an existing recipient.
    return or_(Probe().where(same_person), _is_recipient(terms))


def _waterfall(terms: CampaignTerms, is_shared: ColumnElement[bool]) -> ColumnElement[Any]:
    """Return the first reason that applies to a row of the contact table, NULL if it is eligible."""
    return case((is_shared, first_reason(branches(terms, True))), else_=first_reason(branches(terms, False)))


def reason_detail(terms: CampaignTerms, reason: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the detail of a reason for a row of the contact table: the consent, the missing variable or the other campaign."""
    is_subscribed = CONTACT.c.consent == Consent.SUBSCRIBED
    consent = case((is_subscribed, literal(Consent.UNSUBSCRIBED.value)), else_=cast(CONTACT.c.consent, String))
    return case(
        (reason == literal(NotSent.NOT_SUBSCRIBED.value), consent),
        (reason == literal(NotSent.MISSING_VARIABLE.value), terms.by_language(missing_variable_sql)),
        (reason == literal(NotSent.ENGAGED.value), engaged_by(CONTACT.c.person_key)),
        else_=null(),
    )


def engaged_by(person_key: ColumnElement[str]) -> ColumnElement[Any]:
    """Return the name of the campaign in which the person is engaged; NULL if there is none."""
    query = select(Campaign.name).join(Engagement, Engagement.campaign_id == Campaign.id)
    return query.where(Engagement.person_key == person_key).scalar_subquery()


def branches(terms: CampaignTerms, is_shared: bool) -> Iterator[Branch]:
    """Yield (reason, condition) in the order of the waterfall. `is_shared`: the person has other records too."""
    contact = CONTACT.c
    reachable = or_(contact.phone.is_not(None), _has_identity(terms))
    is_unclear = func.coalesce(contact.phone_problem == PhoneProblem.UNCLEAR_PHONE, literal(False))
    lacks_code = func.coalesce(contact.phone_problem == PhoneProblem.MISSING_CALLING_CODE, literal(False))
    if terms.audience.exclude:
        yield NotSent.EXCLUDED, _of_person(lambda row: terms.audience.exclude.matches(row, terms.now), is_shared)
    if is_shared:
        yield NotSent.DUPLICATE, _is_duplicate(terms)
    if not terms.allow_untagged and not terms.audience.include.is_tags_alone:
        tagged = aliased(ContactTag)
        yield NotSent.NO_TAGS, ~Probe().where(tagged.contact_id == contact.id)
    yield NotSent.INVALID_PHONE, and_(~reachable, ~lacks_code, ~is_unclear)
    yield NotSent.UNCLEAR_PHONE, and_(~reachable, is_unclear)
    yield NotSent.MISSING_CALLING_CODE, ~reachable
    yield NotSent.NOT_ON_WHATSAPP, contact.undeliverable_count >= UNDELIVERABLE_TIMES
    yield NotSent.NOT_SUBSCRIBED, _not_subscribed(is_shared)
    if terms.is_marketing:
        yield NotSent.MARKETING_STOPPED, _of_person(lambda row: row.c.marketing_stopped_at.is_not(None), is_shared)
    yield NotSent.OPEN_CASE, _of_person(_has_open_case, is_shared)
    lock = aliased(Engagement)
    yield NotSent.ENGAGED, Probe().where(lock.person_key == contact.person_key, lock.campaign_id != terms.campaign_id)
    if any(item.may_miss for bound in terms.bound for item in bound):
        yield NotSent.MISSING_VARIABLE, terms.by_language(missing_variable_sql).is_not(None)
    if terms.is_marketing and terms.cap_messages > 0:
        yield NotSent.FREQUENCY_CAP, recent_messages(terms, is_shared) >= terms.cap_messages
    if terms.choice is not None and terms.choice.fallback is None:
        yield NotSent.NO_LANGUAGE, terms.position().is_(None)
    if terms.phone_needed:
        yield NotSent.NO_PHONE_FOR_MAX_PRICE, terms.lacks_phone()


def first_reason(found: Iterable[Branch]) -> ColumnElement[Any]:
    """Return the reason of the first branch whose condition holds, NULL for none."""
    return case(*((condition, literal_word(reason)) for reason, condition in found), else_=null())


def _of_person(condition: Callable[[FromClause], ColumnElement[bool]], is_shared: bool) -> ColumnElement[bool]:
    """Apply the condition to the record itself, or with `is_shared` to any record of the person."""
    if not is_shared:
        return condition(CONTACT)
    record = Contact.__table__.alias()
    same_person = and_(record.c.person_key == CONTACT.c.person_key, record.c.merged_into_id.is_(None))
    return Probe().where(same_person, condition(record))


def _not_subscribed(is_shared: bool) -> ColumnElement[bool]:
    is_not_subscribed: ColumnElement[bool] = CONTACT.c.consent != Consent.SUBSCRIBED
    if not is_shared:
        return is_not_subscribed
    return or_(
        is_not_subscribed, _of_person(lambda row: row.c.consent.in_([Consent.UNSUBSCRIBED, Consent.REDACTED]), True)
    )


def _is_duplicate(terms: CampaignTerms) -> ColumnElement[bool]:
    """Return whether it is not the person's record with the lowest id, or the person is a recipient already."""
    earlier = Contact.__table__.alias()
    included = and_(earlier.c.merged_into_id.is_(None), terms.audience.include.matches(earlier, terms.now))
    first = Probe().where(earlier.c.person_key == CONTACT.c.person_key, earlier.c.id < CONTACT.c.id, included)
    return or_(first, _is_recipient(terms))


def _is_recipient(terms: CampaignTerms) -> ColumnElement[bool]:
    row = aliased(Recipient)
    return Probe().where(row.campaign_id == terms.campaign_id, row.person_key == CONTACT.c.person_key)


def _has_identity(terms: CampaignTerms) -> ColumnElement[bool]:
    """Return whether the contact has a BSUID in the sending portfolio, which is the address if there is no phone."""
    identity = aliased(ContactIdentity)
    return Probe().where(identity.contact_id == CONTACT.c.id, identity.portfolio_id == terms.portfolio_id)


def _has_open_case(contact: FromClause) -> ColumnElement[bool]:
    open_case = aliased(Case)
    return Probe().where(open_case.contact_id == contact.c.id, open_case.closed_at.is_(None))


def recent_messages(terms: CampaignTerms, is_shared: bool) -> ColumnElement[int]:
    """Count the person's marketing messages of all campaigns in the days of the cap, including those that may have arrived."""
    row = aliased(Recipient)
    record = Contact.__table__.alias()
    records = select(record.c.id).where(record.c.person_key == CONTACT.c.person_key).correlate(CONTACT)
    since = literal(terms.now - timedelta(days=terms.cap_days), Recipient.accepted_at.type)
    query = (
        select(func.count())
        .select_from(row)
        .join(Campaign, Campaign.id == row.campaign_id)
        .join(Template, Template.id == Campaign.template_id)
        .where(
            row.contact_id.in_(records) if is_shared else row.contact_id == CONTACT.c.id,
            row.state.in_(WRITTEN_TO),
            row.status != "failed",
            func.coalesce(row.accepted_at, row.claimed_at) >= since,
            Template.category == MARKETING,
        )
    )
    return query.scalar_subquery()


def portfolio_of(session: Session, campaign: Campaign) -> int:
    """Return the portfolio of the campaign's number; 0 without a number."""
    query = select(Waba.portfolio_id).join(Number, Number.waba_id == Waba.id).where(Number.id == campaign.number_id)
    return session.scalar(query) or 0
