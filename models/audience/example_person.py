"""Finds a person of an audience as an example, and the values that a message has for them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, func, not_, or_, select
from sqlalchemy.orm import Session

from models.audience.eligibility import CONTACT, CampaignTerms, candidates_with_reason, load_campaign_terms
from models.tables.campaign import Campaign
from models.tables.contact import Contact
from models.tables.recipient import NotSent
from models.tables.template import Template
from models.templates.bound_values import bind_variables, missing_variable_sql, source_values_sql
from models.templates.content import MessageContent
from models.templates.parameters import as_text
from models.templates.sent_values import SentValues
from models.text import Text

CHUNK = 5_000
MAX_CHUNKS = 20
"""So many ranges of contact ids are looked through from a chosen place on; only then the whole audience is."""


_FACTOR, _PRIME = 7_919, 50_021
_FOR_NOW = (NotSent.OPEN_CASE, NotSent.ENGAGED, NotSent.FREQUENCY_CAP)
"""Reasons that are over some day: who is left out for one is an example all the same."""


class ExampleKind(StrEnum):
    """Whom the example shows."""

    ANYBODY = "anybody"
    LONGEST_NAME = "longest_name"
    """The longest among the first candidates that are found."""
    MISSING_VALUE = "missing_value"
    OTHER_LANGUAGE = "other_language"
    """Somebody whose language is not the template's."""


@dataclass(frozen=True, slots=True)
class ExampleValues:
    """What the message has for one contact. `values`: place → key → text as it is sent, None where it is missing.

    `wanted` says where each value comes from, by place and key, of the variables that are mapped. `problem` is why nothing would
    be sent, None if it would: with `lacks_value` the name of what is missing.
    """

    contact: Contact
    values: Mapping[str, Mapping[str, str | None]]
    wanted: Mapping[tuple[str, str], Text]
    problem: Text | None
    lacks_value: bool


def find_example(
    session: Session, campaign: Campaign, kind: ExampleKind, place: float, now: datetime, *, besides: int = 0
) -> int | None:
    """The id of a contact to whom the campaign would be sent, now or another day, or who lacks a value; None if there is nobody.

    The search begins at `place` (0 to 1) of all contacts and shuffles those that it finds there; the contact `besides` comes only
    if there is nobody else. Raises AudienceError if the audience is invalid.
    """
    terms = load_campaign_terms(session, campaign, now)
    last = session.scalar(select(func.max(CONTACT.c.id))) or 0
    template = session.get_one(Template, campaign.template_id)
    shown_before = None
    start = min(max(int(last * place), 0), last) if last > CHUNK else 0
    for after, until in _ranges(start, last):
        candidates = _search(terms, kind, template.language, after, until)
        order = (CONTACT.c.id == besides, *_order(kind, place))
        found = session.scalar(candidates.order_by(*order).limit(1))
        if found is not None and found != besides:
            return int(found)
        shown_before = shown_before or found
    return shown_before


def _ranges(start: int, last: int) -> Iterator[tuple[int, int | None]]:
    """Ranges of contact ids (after the first, up to the second) from `start` to the last and on from the first; then all of them
    where those were not all.
    """
    ranges = (
        (after, min(after + CHUNK, end))
        for begin, end in ((start, last), (0, start))
        for after in range(begin, end, CHUNK)
    )
    yield from islice(ranges, MAX_CHUNKS)
    if next(ranges, None) is not None:
        yield 0, None


def _search(terms: CampaignTerms, kind: ExampleKind, language: str, after: int, until: int | None) -> Select[Any]:
    judged = candidates_with_reason(terms, after_id=after, until_id=until).subquery("judged")
    lacks_value = terms.by_language(missing_variable_sql).is_not(None)
    reasons = [*_FOR_NOW, NotSent.MISSING_VARIABLE] if kind is ExampleKind.MISSING_VALUE else _FOR_NOW
    allowed = or_(judged.c.reason.is_(None), judged.c.reason.in_([reason.value for reason in reasons]))
    query = select(judged.c.id).join(CONTACT, CONTACT.c.id == judged.c.id).where(allowed)
    query = query.where(lacks_value if kind is ExampleKind.MISSING_VALUE else not_(lacks_value))
    if kind is ExampleKind.OTHER_LANGUAGE:
        own = func.lower(func.substr(CONTACT.c.language, 1, 2))
        query = query.where(own != language[:2].lower())
    return query


def _order(kind: ExampleKind, place: float) -> list[ColumnElement[Any]]:
    """Shuffled, the same for the same place: ids in a list that was imported at once stand side by side, in its order."""
    shuffled = (CONTACT.c.id * _FACTOR + int(place * _PRIME) * (CONTACT.c.id % 97 + 1)) % _PRIME
    is_longest = kind is ExampleKind.LONGEST_NAME
    longest = [func.coalesce(func.length(CONTACT.c.name), 0).desc()] if is_longest else []
    return [*longest, shuffled, CONTACT.c.id]


def example_values(
    session: Session, template: Template, content: MessageContent, contact_id: int, time_zone: str
) -> ExampleValues | None:
    """The values that the message would have for a contact now; None if there is no such contact. `time_zone`: for days."""
    contact = session.get(Contact, contact_id)
    if contact is None or contact.merged_into_id is not None:
        return None
    bound = bind_variables(session, template, content, CONTACT)
    frozen = session.scalar(select(source_values_sql(bound)).where(CONTACT.c.id == contact_id)) or {}
    values, problem = SentValues(template, content, time_zone).read(frozen)
    shown = {
        place: {key: as_text(value) if value is not None else None for key, value in entries.items()}
        for place, entries in values.items()
    }
    mapped = [item for item in bound if content.sources(item.slot.component, item.slot.card).get(item.slot.key)]
    wanted = {(item.slot.place, item.slot.key): item.wanted for item in mapped}
    lacking = [text for (place, key), text in wanted.items() if not (frozen.get(place) or {}).get(key)]
    if lacking or len(mapped) < len(bound):  # what is not mapped yet is a problem of the campaign, not of the person
        problem = lacking[0] if lacking else None
    return ExampleValues(contact, shown, wanted, problem, bool(lacking))
