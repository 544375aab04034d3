"""The SQL of a rule agrees with the plain evaluator on whatever rule and people."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.segments.compile import compile_rule
from models.segments.operators import BY_TYPE, DAYS_SINCE, MONEY, NUMERIC, OPERATORS, SPANS
from models.segments.rule import FIGURE_OPS, parse_rule
from models.tables.campaign import CampaignStatus
from models.tables.contact import Consent, Contact
from models.tables.recipient import RecipientState
from tests.models.segments.oracle import FIGURES, matches
from tests.models.segments.people import (
    ATTRIBUTES,
    BRANDS,
    COLLECTIONS,
    DATES,
    LIST_NAMES,
    MOMENTS,
    NUMBERS,
    POOLS,
    TAG_NAMES,
    TEXTS,
    People,
)
from tests.support.counting import sample_matching
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.proof import rounds

pytestmark = pytest.mark.time_zone("America/New_York")
AMOUNTS = (0, 10, 19.99, 20, 33.333, 100, 0.0004, 1e12)
WRITTEN = (*(moment.isoformat() for moment in MOMENTS), *DATES)


def _value_of(op: str, pool: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if op in SPANS:
        return st.sampled_from([1, 29, 30, 31, 400])
    one = st.sampled_from(pool)
    if op in {"in", "not_in"}:
        return st.lists(one, min_size=1, max_size=3)
    return st.lists(one, min_size=2, max_size=2).map(sorted) if op == "between" else one


def _with_value(condition: dict[str, Any], pool: tuple[Any, ...]) -> st.SearchStrategy[dict[str, Any]]:
    if condition["op"] in {"has", "has_not", "known", "unknown"}:
        return st.just(condition)
    return _value_of(condition["op"], pool).map(lambda value: condition | {"value": value})


def _conditions() -> st.SearchStrategy[dict[str, Any]]:
    def named(on: str, names: tuple[str, ...], pool: tuple[Any, ...]) -> st.SearchStrategy[dict[str, Any]]:
        choices = st.tuples(st.sampled_from(names), st.sampled_from(OPERATORS[on]))
        return choices.flatmap(
            lambda pair: _with_value(
                {"on": on, "name": pair[0], "op": pair[1]}, NUMBERS if pair[1] in NUMERIC else pool
            )
        )

    def plain(on: str, pool: tuple[Any, ...]) -> st.SearchStrategy[dict[str, Any]]:
        return st.sampled_from(OPERATORS[on]).flatmap(lambda op: _with_value({"on": on, "op": op}, pool))

    def money(on: str) -> st.SearchStrategy[dict[str, Any]]:
        currency = st.sampled_from([{}, {"currency": "EUR"}, {"currency": "JPY"}])
        return st.tuples(plain(on, AMOUNTS), currency).map(lambda pair: pair[0] | pair[1])

    attributes = [
        _with_value({"on": "attribute", "name": name, "op": op}, POOLS[kind])
        for name, kind in ATTRIBUTES.items()
        for op in BY_TYPE[kind]
    ]
    in_campaign = {"days": st.sampled_from([1, 31, 500]), "campaign": st.sampled_from([1, 2])}
    behaviour = st.fixed_dictionaries(
        {"on": st.just("campaign"), "op": st.sampled_from(sorted({*OPERATORS["campaign"]} - FIGURE_OPS))},
        optional=in_campaign,
    )
    codes = st.fixed_dictionaries(
        {"on": st.just("campaign"), "op": st.just("failed"), "code": st.sampled_from([131026, 131049])},
        optional=in_campaign,
    )
    figures = st.fixed_dictionaries(
        {
            "on": st.just("campaign"),
            "op": st.sampled_from(sorted(FIGURE_OPS)),
            "value": st.sampled_from(sorted(FIGURES)),
        },
        optional={"campaign": st.sampled_from([1, 2])},
    )
    return st.one_of(
        figures,
        named("tag", TAG_NAMES, TEXTS),
        named("list", LIST_NAMES, ()),
        named("segment", ("inner",), ()),
        st.one_of(attributes),
        plain("consent", tuple(Consent)),
        plain("language", ("en", "es", "EN")),
        plain("country", ("ES", "Ma", "'; ")),
        plain("phone", tuple(f"+34600{serial:06d}" for serial in range(20)) + TEXTS),
        st.one_of([plain(on, WRITTEN) for on in ("last_inbound", "last_engaged")]),
        behaviour,
        codes,
        st.one_of(plain("orders_count", (0, 1, 2, 2.5)), *(money(on) for on in sorted(MONEY))),
        st.one_of([plain(on, (0, 1, 29, 30, 31, 400)) for on in sorted(DAYS_SINCE)]),
        st.one_of([plain(on, WRITTEN) for on in ("first_order", "last_order")]),
        st.one_of(plain("bought_collection", COLLECTIONS), plain("bought_brand", BRANDS)),
    )


RULES = st.lists(st.lists(_conditions(), min_size=1, max_size=3), min_size=1, max_size=3).map(
    lambda groups: {"any": [{"all": group} for group in groups]}
)


@settings(
    max_examples=rounds(250, 7500),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(data={"all": [{"on": "attribute", "name": "spent", "op": "at_least", "value": 0.00001}]})
@given(data=RULES)
def test_the_statement_and_the_plain_evaluator_agree(people: People, data: dict[str, Any]) -> None:
    rule = parse_rule(people.session, data)
    condition = compile_rule(rule, NOW, Contact.__table__)
    known = list(people.facts)
    found = set(people.session.scalars(select(Contact.id).where(condition, Contact.id.in_(known))))
    assert found == {contact_id for contact_id, facts in people.facts.items() if matches(rule, facts, NOW)}
    missed = set(people.session.scalars(select(Contact.id).where(~condition, Contact.id.in_(known))))
    assert found | missed == set(known), "a condition is never unknown"


def test_the_rules_that_are_compared_are_all_there_are() -> None:
    seen: set[tuple[str, str]] = set()

    @settings(max_examples=4000, database=None, derandomize=True)  # by chance it would miss one now and then
    @given(condition=_conditions())
    def look(condition: dict[str, Any]) -> None:
        seen.add((condition["on"], condition["op"]))

    look()
    assert seen == {(on, op) for on, ops in OPERATORS.items() for op in ops}


def test_who_read_and_never_wrote_is_engaged_and_who_did_neither_never_was(session: Session) -> None:
    campaign = make_campaign(session, status=CampaignStatus.ENDED)
    people = {name: make_contact(session, name=name) for name in ("read", "wrote", "silent")}
    people["wrote"].last_inbound_at = NOW - timedelta(days=9)
    for name, contact in people.items():
        read_at = NOW - timedelta(days=3) if name == "read" else None
        state = RecipientState.ACCEPTED
        make_recipient(session, campaign, contact, state=state, accepted_at=NOW, read_at=read_at)

    def who(op: str, **value: Any) -> set[str]:
        rule = parse_rule(session, {"all": [{"on": "last_engaged", "op": op, **value}]})
        return {contact.name for contact in sample_matching(session, rule, NOW)}

    assert who("last_days", value=3) == {"read"}
    assert who("not_last_days", value=3) == {"wrote", "silent"}
    assert who("known") == {"read", "wrote"}
    assert who("unknown") == {"silent"}
