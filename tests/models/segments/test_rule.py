"""Segment rules: read with care, and the SQL agrees with the plain evaluator on whatever rule and people."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.segments.compile import compile_rule
from models.segments.count import SAMPLE, begin_count, count_slice, load_sample
from models.segments.operators import BY_TYPE, DAYS_SINCE, MONEY, NUMERIC, OPERATORS, SPANS, RuleError
from models.segments.rule import SegmentRule, parse_rule
from models.segments.store import read_segment, save_segment
from models.tables.campaign import CampaignStatus
from models.tables.contact import Consent, Contact
from models.tables.conversation import Direction, Message, MessageState
from models.tables.recipient import RecipientState
from models.tables.segment import Segment
from models.tables.tag import AttributeType
from tests.models.segments.oracle import Facts, Ordered, Sent, matches
from tests.support import factories
from tests.support.counting import count_matching, counted, sample_matching
from tests.support.factories import NOW

pytestmark = pytest.mark.time_zone("America/New_York")

TAG_NAMES = ("vip", "city", "it's; --")
LIST_NAMES = ("members", 'quo"te')
TEXTS = ("Madrid", "madrid", "Ma%", "a_b", "é", "'; DROP TABLE contact; --", "1", "ES", "en", "$.x")
NUMERALS = ("100", "7", "-3.5", "7.0", "007", "1e2", "0.00001", "100000000000000", "1" * 17, "-", "7.", " 7", "NaN")
NUMBERS = (-3.5, 0.0, 0.00001, 7.0, 100.0, 1e14)
DATES = tuple((NOW.date() + timedelta(days=days)).isoformat() for days in (-400, -30, -1, 0, 5))
ATTRIBUTES = {
    "shop": AttributeType.TEXT,
    "spent": AttributeType.NUMBER,
    "birthday": AttributeType.DATE,
    "member": AttributeType.BOOLEAN,
    "$.odd name'": AttributeType.TEXT,
    "country": AttributeType.TEXT,
    "email": AttributeType.TEXT,
}
POOLS: dict[AttributeType, tuple[Any, ...]] = {
    AttributeType.TEXT: TEXTS,
    AttributeType.NUMBER: NUMBERS,
    AttributeType.DATE: DATES,
    AttributeType.BOOLEAN: ("true", "false"),
}
AMOUNTS = (0, 10, 19.99, 20, 33.333, 100, 0.0004, 1e12)
COLLECTIONS, BRANDS = ("summer", "Summer", "it's; --"), ("Acme", "Ma%", "é")
MOMENTS = tuple(NOW - timedelta(days=days, hours=hours) for days in (0, 1, 30, 400) for hours in (0, 1))
WRITTEN = (*(moment.isoformat() for moment in MOMENTS), *DATES)


class People:
    """Random contacts in the database, and what is known of each by its id."""

    def __init__(self, session: Session, number: int) -> None:
        self.session = session
        self.random = random.Random(7)
        self.facts: dict[int, Facts] = {}
        for name, kind in ATTRIBUTES.items():
            if name not in {"country", "email"}:
                factories.make_attribute(session, name, type=kind)
        factories.make_contact(session, tags=dict.fromkeys(TAG_NAMES), merged_into_id=None)
        self.lists = [factories.make_list(session, name) for name in LIST_NAMES]
        ours = factories.make_number(session)
        self.campaigns = [
            factories.make_campaign(session, ours, status=CampaignStatus.ENDED, name=f"Past {place}")
            for place in (1, 2)
        ]
        self.number = ours
        for _ in range(number):
            self._add()
        for campaign in self.campaigns:  # a rule names only campaigns that were launched
            contact = self._add()
            self._send(contact, campaign.id)

    def _maybe(self, pool: tuple[Any, ...]) -> Any:
        return self.random.choice(pool) if self.random.random() < 0.6 else None

    def _add(self) -> Contact:
        custom = {name: self._maybe(POOLS[kind]) for name, kind in ATTRIBUTES.items()}
        country, email = custom.pop("country"), custom.pop("email")
        attributes = {name: value for name, value in custom.items() if value is not None}
        tags = {name: self._maybe((*TEXTS, *NUMERALS, "")) for name in TAG_NAMES if self.random.random() < 0.5}
        consent = self.random.choice([item for item in Consent if item is not Consent.REDACTED])
        language, last = self._maybe(("en", "es", "")), self._maybe(MOMENTS)
        contact = factories.make_contact(
            self.session,
            consent=consent,
            tags=tags,
            country=country[:2] if country else None,
            email=email,
            language=language,
            last_inbound_at=last,
            attributes=attributes,
        )
        lists = [item for item in self.lists if self.random.random() < 0.5]
        for item in lists:
            factories.join_list(self.session, item, contact)
        fields = attributes | {
            "country": contact.country,
            "email": email,
            "language": language,
            "phone": contact.phone,
        }
        self.facts[contact.id] = Facts(
            consent=consent.value,
            fields=fields,
            tags=tags,
            lists=frozenset(item.name for item in lists),
            last_inbound_at=last,
            orders=tuple(self._order(contact) for _ in range(self.random.choice((0, 0, 1, 2, 3)))),
        )
        for campaign in self.campaigns:
            if self.random.random() < 0.6:
                self._send(contact, campaign.id)
        return contact

    def _send(self, contact: Contact, campaign_id: int) -> None:
        facts = self.facts[contact.id]
        if any(row.campaign_id == campaign_id for row in facts.campaigns):
            return
        state = self.random.choice([RecipientState.ACCEPTED, RecipientState.ACCEPTED, RecipientState.REFUSED])
        moment = self.random.choice(MOMENTS)
        is_accepted = state is RecipientState.ACCEPTED
        times: dict[str, Any] = {
            name: moment if is_accepted and self.random.random() < 0.4 else None
            for name in ("delivered_at", "read_at", "failed_at")
        }
        times["accepted_at"] = moment if is_accepted else None
        times["replied_at"] = moment if is_accepted and self.random.random() < 0.3 else None
        code = self.random.choice((131026, 131049, None)) if times["failed_at"] or not is_accepted else None
        campaign = next(item for item in self.campaigns if item.id == campaign_id)
        row = factories.make_recipient(
            self.session, campaign, contact, state=state, claimed_at=moment, error_code=code, **times
        )
        has_failed = not is_accepted or (
            times["failed_at"] is not None and not times["read_at"] and not times["delivered_at"]
        )
        clicked = is_accepted and self.random.random() < 0.3
        if clicked:
            self._click(contact, row.id)
        sent = Sent(
            campaign_id,
            times["accepted_at"],
            moment,
            times["delivered_at"],
            times["read_at"],
            times["replied_at"],
            has_failed,
            code,
            clicked,
        )
        self.facts[contact.id] = replace(facts, campaigns=(*facts.campaigns, sent))

    def _order(self, contact: Contact) -> Ordered:
        pick = self.random.choice
        total = Decimal(pick(("0", "10", "19.99", "20", "33.333", "100")))
        collections, brands = self.random.sample(COLLECTIONS, pick((0, 1, 2))), self.random.sample(BRANDS, pick((0, 1)))
        moment = pick(MOMENTS) + timedelta(minutes=pick((-1, 0, 0, 1)))
        order = Ordered(
            total, pick(("EUR", "MXN")), moment, self.random.random() < 0.2, frozenset(collections), frozenset(brands)
        )
        factories.make_order(
            self.session,
            contact,
            total=total,
            currency=order.currency,
            placed_at=moment,
            cancelled_at=NOW if order.is_cancelled else None,
            collections=collections,
            brands=brands,
        )
        return order

    def _click(self, contact: Contact, recipient_id: int) -> None:
        conversation = factories.find_conversation(self.session, contact, self.number)
        self.session.add(
            Message(
                conversation_id=conversation.id,
                direction=Direction.IN,
                state=MessageState.RECEIVED,
                type="button",
                at=NOW,
                recipient_id=recipient_id,
                button_payload="c1:more",
            )
        )
        self.session.flush()


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
        {"on": st.just("campaign"), "op": st.sampled_from(OPERATORS["campaign"])},
        optional=in_campaign,
    )
    codes = st.fixed_dictionaries(
        {"on": st.just("campaign"), "op": st.just("failed"), "code": st.sampled_from([131026, 131049])},
        optional=in_campaign,
    )
    return st.one_of(
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


@pytest.fixture
def people(session: Session) -> People:
    people = People(session, 60)
    inner = {
        "any": [
            {"all": [{"on": "consent", "op": "is", "value": "subscribed"}]},
            {"all": [{"on": "language", "op": "known"}]},
        ]
    }
    save_segment(session, "inner", inner, NOW)
    return people


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
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


def test_one_pass_in_slices_counts_each_condition_each_group_and_all_of_it(people: People) -> None:
    data = [
        [{"on": "last_engaged", "op": "not_last_days", "value": 30}, {"on": "tag", "name": "vip", "op": "has"}],
        [{"on": "campaign", "op": "not_read"}, {"on": "segment", "name": "inner", "op": "has"}],
        [{"on": "orders_count", "op": "more", "value": 1}],
    ]
    known = people.facts
    merged = update(Contact).where(Contact.id.not_in(known)).values(merged_into_id=min(known))
    people.session.execute(merged)  # a record that was merged is nobody
    rule = parse_rule(people.session, {"any": [{"all": group} for group in data]})

    def count(some: SegmentRule) -> int:
        return sum(matches(some, facts, NOW) for facts in known.values())

    tally = begin_count(people.session, rule)
    assert (tally.is_done, tally.share) == (False, 0)
    for size in (7, 20, 1000):
        tally = count_slice(people.session, rule, tally, NOW, size)
    assert (tally.is_done, tally.share) == (True, 1)
    assert tally.each == tuple(tuple(count(SegmentRule(((item,),))) for item in group) for group in rule.groups)
    assert tally.groups == tuple(count(SegmentRule((group,))) for group in rule.groups)
    assert tally.total == count(rule)
    first = [contact_id for contact_id in sorted(known) if matches(rule, known[contact_id], NOW)]
    assert [contact.id for contact in load_sample(people.session, tally)] == first[:SAMPLE]


def test_the_rules_that_are_compared_are_all_there_are() -> None:
    seen: set[tuple[str, str]] = set()

    @settings(max_examples=3000, database=None)
    @given(condition=_conditions())
    def look(condition: dict[str, Any]) -> None:
        seen.add((condition["on"], condition["op"]))

    look()
    assert seen == {(on, op) for on, ops in OPERATORS.items() for op in ops}


def test_a_segment_inside_a_segment_counts_as_its_rule(session: Session) -> None:
    alice, bob = factories.alice(session, language="es"), factories.bob(session, language="es")
    save_segment(session, "spanish", {"all": [{"on": "language", "op": "is", "value": "es"}]}, NOW)
    save_segment(session, "reachable", {"all": [{"on": "consent", "op": "is", "value": "subscribed"}]}, NOW)
    both = {
        "all": [
            {"on": "segment", "name": "spanish", "op": "has"},
            {"on": "segment", "name": "reachable", "op": "has_not"},
        ]
    }
    save_segment(session, "both", both, NOW)
    rule = read_segment(session, "both")
    assert [contact.id for contact in sample_matching(session, rule, NOW)] == [bob.id]
    assert count_matching(session, rule, NOW) == 1
    assert counted(session, rule, NOW).each == ((2, 1),)
    assert alice.id != bob.id


def test_a_segment_that_includes_itself_is_refused(session: Session) -> None:
    factories.alice(session)
    with pytest.raises(RuleError, match=r"segment 'a' includes itself \(a → a\)"):
        save_segment(session, "a", {"all": [{"on": "segment", "name": "a", "op": "has"}]}, NOW)
    save_segment(session, "a", {"all": [{"on": "tag", "name": "vip", "op": "has"}]}, NOW)
    save_segment(session, "b", {"all": [{"on": "segment", "name": "a", "op": "has"}]}, NOW)
    with pytest.raises(RuleError, match=r"segment 'a' includes itself \(a → b → a\)"):
        save_segment(session, "a", {"all": [{"on": "segment", "name": "b", "op": "has"}]}, NOW)
    assert session.scalar(select(Segment.rule).where(Segment.name == "a")) == {
        "all": [{"on": "tag", "name": "vip", "op": "has"}]
    }


def test_a_segment_that_is_changed_keeps_its_place_and_one_without_a_name_is_refused(session: Session) -> None:
    factories.alice(session)
    rule = {"all": [{"on": "tag", "name": "vip", "op": "has"}]}
    first = save_segment(session, " fans ", rule, NOW)
    assert save_segment(session, "fans", {"any": [rule, rule]}, NOW + timedelta(days=1)) == first
    assert len(read_segment(session, "fans").groups) == 2
    with pytest.raises(RuleError, match="segment: name must be text of 1 to 200 characters"):
        save_segment(session, " ", rule, NOW)
    with pytest.raises(RuleError, match="there is no segment 'none'"):
        read_segment(session, "none")
    for depth in range(6):
        data = rule if depth == 0 else {"all": [{"on": "segment", "name": f"s{depth - 1}", "op": "has"}]}
        if depth < 5:
            save_segment(session, f"s{depth}", data, NOW)
        else:
            with pytest.raises(RuleError, match="segments stand inside each other more than 5 deep"):
                save_segment(session, f"s{depth}", data, NOW)


def test_a_date_that_yaml_read_is_stored_as_it_was_written(session: Session) -> None:
    factories.make_attribute(session, "birthday", type=AttributeType.DATE)
    contact = factories.make_contact(session, attributes={"birthday": "2026-11-20"}, last_inbound_at=NOW)
    conditions = [
        {"on": "attribute", "name": "birthday", "op": "after", "value": date(2026, 11, 19)},
        {"on": "last_inbound", "op": "after", "value": datetime(2026, 11, 22, tzinfo=UTC)},
    ]
    save_segment(session, "recent", {"all": conditions}, NOW)
    assert [item.id for item in sample_matching(session, read_segment(session, "recent"), NOW)] == [contact.id]


@pytest.mark.parametrize(
    ("op", "value", "matching"),
    [
        ("before", "2026-11-22", {"the evening before"}),
        ("after", "2026-11-22", {"the day after"}),
        ("between", ["2026-11-22", "2026-11-22"], {"its first moment", "its last hour"}),
        ("between", ["2026-11-21", "2026-11-22T05:00:00"], {"the evening before", "its first moment"}),
        ("after", "2026-11-22T05:00:00+00:00", {"its last hour", "the day after"}),
    ],
)
def test_a_day_is_all_of_it_in_the_business_s_time_zone(
    session: Session, op: str, value: Any, matching: set[str]
) -> None:
    hours = {"the evening before": -1, "its first moment": 0, "its last hour": 23, "the day after": 24}
    midnight = datetime(2026, 11, 22, 5, tzinfo=UTC)  # in New York
    for name, hour in hours.items():
        factories.make_contact(session, name=name, last_inbound_at=midnight + timedelta(hours=hour))
    factories.make_contact(session, name="silent")
    for on in ("last_inbound", "last_engaged"):
        rule = parse_rule(session, {"all": [{"on": on, "op": op, "value": value}]})
        assert {contact.name for contact in sample_matching(session, rule, NOW)} == matching


def test_what_day_it_is_now_is_the_business_s_own(session: Session) -> None:
    factories.make_attribute(session, "birthday", type=AttributeType.DATE)
    for day in ("2026-11-20", "2026-11-21", "2026-11-22"):
        factories.make_contact(session, name=day, attributes={"birthday": day})
    rule = parse_rule(session, {"all": [{"on": "attribute", "name": "birthday", "op": "last_days", "value": 1}]})
    late_in_new_york = datetime(2026, 11, 22, 3, tzinfo=UTC)
    assert [contact.name for contact in sample_matching(session, rule, late_in_new_york)] == [
        "2026-11-20",
        "2026-11-21",
    ]


def test_who_read_and_never_wrote_is_engaged_and_who_did_neither_never_was(session: Session) -> None:
    campaign = factories.make_campaign(session, status=CampaignStatus.ENDED)
    people = {name: factories.make_contact(session, name=name) for name in ("read", "wrote", "silent")}
    people["wrote"].last_inbound_at = NOW - timedelta(days=9)
    for name, contact in people.items():
        read_at = NOW - timedelta(days=3) if name == "read" else None
        state = RecipientState.ACCEPTED
        factories.make_recipient(session, campaign, contact, state=state, accepted_at=NOW, read_at=read_at)

    def who(op: str, **value: Any) -> set[str]:
        rule = parse_rule(session, {"all": [{"on": "last_engaged", "op": op, **value}]})
        return {contact.name for contact in sample_matching(session, rule, NOW)}

    assert who("last_days", value=3) == {"read"}
    assert who("not_last_days", value=3) == {"wrote", "silent"}
    assert who("known") == {"read", "wrote"}
    assert who("unknown") == {"silent"}


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ([], "a rule must be an object with any (a list of groups) or all (a list of conditions)"),
        ({"any": []}, "any: must be a list of at least one group"),
        ({"any": [{"all": []}]}, "any[0].all: must be a list of at least one condition"),
        ({"all": [{"on": "shoe", "op": "is"}]}, "all[0]: on 'shoe' is not one of tag, attribute"),
        ({"all": [{"on": "consent", "op": "has"}]}, "all[0]: op 'has' is not one of is, is_not, in, not_in"),
        ({"all": [{"on": "consent", "op": "is", "value": "yes"}]}, "all[0]: value 'yes' is not one of subscribed"),
        ({"all": [{"on": "tag", "name": "no", "op": "has"}]}, "all[0]: there is no tag 'no'"),
        ({"all": [{"on": "tag", "op": "has"}]}, "all[0]: name must be text"),
        (
            {"all": [{"on": "tag", "name": "vip", "op": "has", "value": 1}]},
            "all[0]: 'value' does not belong to tag has",
        ),
        ({"all": [{"on": "list", "name": "no", "op": "has"}]}, "all[0]: there is no list 'no'"),
        ({"all": [{"on": "segment", "name": "no", "op": "has"}]}, "all[0]: there is no segment 'no'"),
        ({"all": [{"on": "attribute", "name": "no", "op": "known"}]}, "all[0]: there is no attribute 'no'"),
        (
            {"all": [{"on": "attribute", "name": "spent", "op": "contains", "value": "1"}]},
            "all[0]: spent is a number: op 'contains' is not one of known, unknown, equal",
        ),
        (
            {"all": [{"on": "attribute", "name": "spent", "op": "more", "value": "1"}]},
            "all[0]: value must be a number",
        ),
        (
            {"all": [{"on": "attribute", "name": "spent", "op": "between", "value": [1]}]},
            "all[0]: value must be a list of two",
        ),
        (
            {"all": [{"on": "last_inbound", "op": "before", "value": "soon"}]},
            "all[0]: value 'soon' must be a date such as 2026-11-22",
        ),
        ({"all": [{"on": "last_inbound", "op": "last_days", "value": 0}]}, "all[0]: value must be a whole number"),
        ({"all": [{"on": "campaign", "op": "read", "campaign": 99}]}, "all[0]: there is no launched campaign 99"),
        ({"all": [{"on": "campaign", "op": "read", "code": 1}]}, "all[0]: 'code' does not belong to campaign read"),
        ({"all": [{"on": "campaign", "op": "failed", "code": "x"}]}, "all[0]: code must be a whole number above 0"),
        ({"all": [{"on": "language", "op": "is", "value": "a\x00"}]}, "all[0]: value must be text"),
        ({"all": [{"on": "orders_count", "op": "is", "value": 1}]}, "all[0]: op 'is' is not one of equal, less"),
        ({"all": [{"on": "orders_count", "op": "less", "value": True}]}, "all[0]: value must be a number"),
        (
            {"all": [{"on": "orders_count", "op": "less", "value": 1, "currency": "EUR"}]},
            "all[0]: 'currency' does not belong to orders_count less",
        ),
        ({"all": [{"on": "total_spent", "op": "less", "value": 1e13}]}, "all[0]: value must be a number up to 10000"),
        (
            {"all": [{"on": "total_spent", "op": "less", "value": 1, "currency": "euro"}]},
            "all[0]: currency must be a code such as EUR",
        ),
        (
            {"all": [{"on": "days_since_last_order", "op": "more", "value": 1.5}]},
            "all[0]: value must be a whole number of days from 0 to 36500",
        ),
        (
            {"all": [{"on": "orders_count", "op": "between", "value": [5, 2]}]},
            "all[0]: between 5 and 2 is nothing; the lower one comes first",
        ),
        (
            {"all": [{"on": "last_order", "op": "between", "value": ["2026-11-02", "2026-11-01T23:00:00+00:00"]}]},
            "all[0]: between 2026-11-02 and 2026-11-01T23:00:00+00:00 is nothing; the lower one comes first",
        ),
        ({"all": [{"on": "country", "op": "in", "value": []}]}, "all[0]: value must be a list of 1 to 1000"),
        (
            {"all": [{"on": "days_since_last_order", "op": "less", "value": -1}]},
            "all[0]: value must be a whole number of days from 0 to 36500",
        ),
        ({"all": [{"on": "last_inbound", "op": "last_days", "value": -3}]}, "all[0]: value must be a whole number"),
        ({"all": [{"on": "campaign", "op": "read", "days": -1}]}, "all[0]: days must be a whole number above 0"),
        ({"all": [{"on": "campaign", "op": "failed", "code": 10**30}]}, "all[0]: code must be at most 2147483647"),
        ({"all": [{"on": "campaign", "op": "read", "campaign": 10**30}]}, "all[0]: campaign must be at most"),
        (
            {"all": [{"on": "last_inbound", "op": "after", "value": "0001-01-01T00:00:00+14:00"}]},
            "all[0]: value '0001-01-01T00:00:00+14:00' must be a date",
        ),
        ({"all": [{"on": "tag", "name": "vip\x00", "op": "has"}]}, "all[0]: name must be text"),
        ({"all": [{"on": "language", "op": "is", "value": "\ud800"}]}, "all[0]: value must be text"),
        ({"all": [{"on": "language", "op": "is", "value": "e" * 2001}]}, "all[0]: value must be text of at most 2000"),
        ({"all": [{"on": "tag", "name": "v" * 201, "op": "has"}]}, "all[0]: name must be text of at most 200"),
        ({"all": [{"on": "language", "op": "is", "value": 10**5000}]}, "all[0]: value must be text"),
        ({"all": [{"on": "tag", "name": "vip", "op": "has"}] * 101}, "it has more than 100 conditions"),
    ],
)
def test_an_impossible_rule_is_refused_with_one_line(session: Session, data: Any, line: str) -> None:
    factories.alice(session)
    factories.make_attribute(session, "spent", type=AttributeType.NUMBER)
    with pytest.raises(RuleError) as refused:
        save_segment(session, "impossible", data, NOW)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)
    assert session.scalar(select(Segment.id)) is None
