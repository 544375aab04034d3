"""A template's variables: its places, what a campaign maps them to, and the values frozen at launch."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.stored_texts import MISSING_ATTRIBUTE, MISSING_FIRST_NAME
from models.tables.contact import Contact
from models.tables.template import Template
from models.templates.bound_values import bind_variables, missing_variable_sql, source_values_sql
from models.templates.content import MessageContent
from models.templates.content_problems import MappingProblem
from models.templates.slots import TemplateSlot, template_slots
from models.templates.variables import check_mapping, mapping_problems, media_format, unknown_names
from tests.support.factories.contacts import alice as make_alice
from tests.support.factories.contacts import make_attribute, make_contact

POSITIONAL: list[dict[str, Any]] = [
    {"type": "HEADER", "format": "TEXT", "text": "Our {{1}} is on!"},
    {"type": "BODY", "text": "Use {{2}} until {{1}}, {{ 10 }} times. {{1}} again."},
    {"type": "FOOTER", "text": "Reply STOP to leave"},
    {
        "type": "BUTTONS",
        "buttons": [
            {"type": "QUICK_REPLY", "text": "Stop promos"},
            {"type": "URL", "text": "Shop", "url": "https://x.test/p?c={{1}}"},
            {"type": "URL", "text": "Home", "url": "https://x.test/"},
            {"type": "COPY_CODE", "example": "250FF"},
            {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "15550051310"},
        ],
    },
]
NAMED: list[dict[str, Any]] = [
    {"type": "header", "format": "image", "example": {"header_handle": ["4::aW"]}},
    {"type": "body", "text": "Hi {{first_name}}, order {{order_number}} of {{first_name}}"},
]
OTP: list[dict[str, Any]] = [
    {"type": "BODY", "add_security_recommendation": True},
    {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]},
]


def _template(components: list[dict[str, Any]]) -> Template:
    return Template(name="spring", language="en", components=components)


def _frozen(session: Session, variables: dict[str, Any], components: list[dict[str, Any]], contact: Contact) -> Any:
    bound = bind_variables(session, _template(components), MessageContent(variables), Contact.__table__)
    query = select(source_values_sql(bound), missing_variable_sql(bound)).where(Contact.id == contact.id)
    return tuple(session.execute(query).one())


def test_the_places_of_a_template_are_found_in_the_order_of_the_message() -> None:
    assert template_slots(_template(POSITIONAL)) == [
        TemplateSlot("header", "1"),
        TemplateSlot("body", "1"),
        TemplateSlot("body", "2"),
        TemplateSlot("body", "10"),
        TemplateSlot("buttons", "1", "url"),
        TemplateSlot("buttons", "3", "coupon_code"),
    ]
    assert template_slots(_template(NAMED)) == [
        TemplateSlot("body", "first_name"),
        TemplateSlot("body", "order_number"),
    ]
    assert template_slots(_template(OTP)) == [TemplateSlot("body", "1"), TemplateSlot("buttons", "0", "url")]
    assert (media_format(_template(NAMED)), media_format(_template(POSITIONAL))) == ("IMAGE", None)


def test_a_complete_mapping_has_no_problems() -> None:
    mapping = {
        "header": {"1": {"source": "text", "text": "sale"}},
        "body": {
            "1": {"source": "name", "fallback": "friend"},
            "2": {"source": "tag", "tag": "customer_id"},
            "10": {"source": "first_name"},
        },
        "buttons": {"1": {"source": "attribute", "attribute": "shop"}, "3": {"source": "text", "text": "CARIBE25"}},
    }
    assert check_mapping(_template(POSITIONAL), MessageContent(mapping, {})) == []
    assert check_mapping(_template(NAMED[:1]), MessageContent({}, {"header": {"link": "https://x.test/a.jpg"}})) == []


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({}, "variables: body 1 is not mapped"),
        ({"body": {"1": {"source": "name"}, "2": {"source": "name"}}}, "variables: body 2 is not in the template"),
        ({"body": {"1": {"source": "shoe"}}}, "variables: body 1: source 'shoe' is not one of name, first_name"),
        ({"body": {"1": {"source": "tag"}}}, "variables: body 1: tag is missing"),
        (
            {"body": {"1": {"source": "text", "text": "a\nb"}}},
            "variables: body 1: text: it holds a line break or a tab",
        ),
        ({"body": {"1": {"source": "name", "fallback": 7}}}, "variables: body 1: fallback: must be text"),
        (
            {"body": {"1": {"source": "name", "tag": "vip"}}},
            "variables: body 1: 'tag' does not belong to a name source",
        ),
        ({"body": {"1": "Maria"}}, "variables: body 1: must be an object"),
        ({"footer": {}}, "variables: 'footer' must be one of header, body, buttons"),
        ([], "variables: must be an object with header, body and buttons"),
    ],
)
def test_a_wrong_mapping_says_what_and_where(variables: Any, line: str) -> None:
    template = _template([{"type": "BODY", "text": "Hello {{1}}!"}])
    assert check_mapping(template, MessageContent(variables, {}))[0].startswith(line)


def test_media_is_asked_for_where_the_header_needs_it_and_refused_where_it_does_not() -> None:
    image, text = _template(NAMED[:1]), _template([{"type": "BODY", "text": "Hello!"}])
    assert check_mapping(image, MessageContent({}, {})) == [
        "media: the template's header needs one image (link, id or file)"
    ]
    assert check_mapping(text, MessageContent({}, {"header": {"id": "1"}})) == [
        "media: the template's header takes no media"
    ]


def test_parts_that_a_campaign_cannot_fill_are_named() -> None:
    components: list[dict[str, Any]] = [
        {"type": "HEADER", "format": "HOLOGRAM"},
        {"type": "BODY", "text": "Hello!"},
        {"type": "CAROUSEL", "cards": []},
        {"type": "POLL"},
        {"type": "BUTTONS", "buttons": [{"type": "GAME", "text": "Play"}]},
    ]
    assert check_mapping(_template(components), MessageContent({}, {})) == [
        "template spring: a carousel without cards cannot be sent by a campaign",
        "template spring: a poll cannot be sent by a campaign",
        "template spring: a hologram header cannot be sent by a campaign",
        "template spring: a game button cannot be sent by a campaign",
    ]


def test_values_come_from_every_kind_of_source(session: Session) -> None:
    make_attribute(session, "shop", default="our shop")
    alice = make_alice(
        session, name=" Alice Liddell ", tags={"customer_id": "4711"}, attributes={"shop": "Madrid", "points": 12}
    )
    variables = {
        "header": {"1": {"source": "text", "text": "sale"}},
        "body": {
            "1": {"source": "name"},
            "2": {"source": "tag", "tag": "customer_id"},
            "10": {"source": "first_name"},
        },
        "buttons": {
            "1": {"source": "attribute", "attribute": "shop"},
            "3": {"source": "attribute", "attribute": "points"},
        },
    }
    values, missing = _frozen(session, variables, POSITIONAL, alice)
    assert values == {
        "header": {"1": "sale"},
        "body": {"1": "Alice Liddell", "2": "4711", "10": "Alice"},
        "buttons": {"1": "Madrid", "3": "12"},
    }
    assert missing is None


def test_the_mapping_s_own_fallback_goes_before_the_attribute_s_default(session: Session) -> None:
    make_attribute(session, "shop", default="the default")
    nobody = make_contact(session, name="", tags={"customer_id": ""})
    body = [{"type": "BODY", "text": "{{a}} {{b}} {{c}} {{d}} {{e}}."}]
    variables = {
        "body": {
            "a": {"source": "attribute", "attribute": "shop", "fallback": "ours"},
            "b": {"source": "attribute", "attribute": "shop"},
            "c": {"source": "name", "fallback": "friend"},
            "d": {"source": "tag", "tag": "customer_id", "fallback": "none"},
            "e": {"source": "attribute", "attribute": "country"},
        }
    }
    values, missing = _frozen(session, variables, body, nobody)
    assert values == {"body": {"a": "ours", "b": "the default", "c": "friend", "d": "none", "e": None}}
    assert missing == MISSING_ATTRIBUTE(name="country").stored()


def test_a_name_alone_and_a_blank_first_name_make_a_first_name(session: Session) -> None:
    body = [{"type": "BODY", "text": "Hi {{1}}!"}]
    first = {"body": {"1": {"source": "first_name"}}}
    for name, first_name, expected in (("Alice", " ", "Alice"), ("Bob B.", "Robert", "Robert"), (" ", None, None)):
        contact = make_contact(session, name=name, first_name=first_name)
        values, missing = _frozen(session, first, body, contact)
        assert (values["body"]["1"], missing) == (expected, None if expected else MISSING_FIRST_NAME().stored())


def test_a_first_and_a_last_name_make_a_name(session: Session) -> None:
    mapping = {"body": {"1": {"source": "name"}, "2": {"source": "first_name"}}}
    contact = make_contact(session, name="", first_name="Ana", last_name="Ruiz")
    values, missing = _frozen(session, mapping, [{"type": "BODY", "text": "{{1}}, {{2}}."}], contact)
    assert (values, missing) == ({"body": {"1": "Ana Ruiz", "2": "Ana"}}, None)


@pytest.mark.parametrize("name", ["N/A", "*|FNAME|*", "\U0001f600", "."])
def test_what_is_no_name_gets_the_fallback_and_without_one_is_missing(session: Session, name: str) -> None:
    contact = make_contact(session, name=name)
    body = [{"type": "BODY", "text": "Hi {{1}}."}]
    for source in ("name", "first_name"):
        mapping = {"body": {"1": {"source": source, "fallback": "friend"}}}
        assert _frozen(session, mapping, body, contact) == ({"body": {"1": "friend"}}, None)
        _, missing = _frozen(session, {"body": {"1": {"source": source}}}, body, contact)
        assert missing is not None


def test_a_template_without_variables_freezes_an_empty_object(session: Session) -> None:
    assert _frozen(session, {}, [{"type": "BODY", "text": "Hello!"}], make_alice(session)) == ({}, None)


def test_values_are_kept_as_they_are_whatever_they_hold(session: Session) -> None:
    evil = "'\"} --; é 😀 \\"
    alice = make_alice(session, tags={"note": evil})
    variables = {"body": {"1": {"source": "tag", "tag": "note"}, "2": {"source": "text", "text": evil}}}
    values, _ = _frozen(session, variables, [{"type": "BODY", "text": "{{1}} and {{2}}."}], alice)
    assert values == {"body": {"1": evil, "2": evil.strip()}}


def test_tags_and_attributes_that_do_not_exist_are_named(session: Session) -> None:
    make_alice(session)
    variables = {
        "body": {
            "1": {"source": "tag", "tag": "vip"},
            "2": {"source": "tag", "tag": "none"},
            "3": {"source": "attribute", "attribute": "email"},
            "4": {"source": "attribute", "attribute": "nope"},
            "5": {"source": "attribute"},
            "6": {"source": "tag", "tag": " "},
        }
    }
    assert unknown_names(session, MessageContent(variables)) == [
        "variables: body 2: there is no tag 'none'",
        "variables: body 4: there is no attribute 'nope'",
    ]


def test_only_what_a_draft_may_lack_is_a_gap_whatever_its_words_are() -> None:
    variables = {"body": {"9": {"source": "text", "text": "that is not mapped"}}, "footer": {}}
    problems = mapping_problems(_template(POSITIONAL), MessageContent(variables, {"header": {"id": "1"}}))
    assert {problem.line.split(":")[0] for problem in problems if not problem.is_gap} == {"variables", "media"}
    assert MappingProblem("variables: body 1 is not mapped", is_gap=True) in problems
    image = [{"type": "HEADER", "format": "IMAGE"}, {"type": "CAROUSEL"}]
    assert [problem.is_gap for problem in mapping_problems(_template(image), MessageContent({}, {}))] == [True, True]
