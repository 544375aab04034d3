"""The latest order as a template's variable: what stands in the message, and who is left out without one."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.messages.template import TemplateBuilder
from models.campaigns.launch import begin_launch, launch_slice
from models.db.engine import Database
from models.stored_texts import MISSING_ORDER
from models.tables.campaign import CampaignStatus
from models.tables.contact import Contact
from models.tables.recipient import NotSent, Recipient
from models.tables.template import Template
from models.templates.bound_values import bind_variables, missing_variable_sql, source_values_sql
from models.templates.content import MessageContent
from models.templates.order_fields import ORDER_FIELDS
from models.templates.variables import check_mapping
from tests.support.factories.campaigns import make_campaign, make_number, make_template
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice as make_alice
from tests.support.factories.contacts import bob as make_bob
from tests.support.factories.contacts import make_contact, make_order

BODY: list[dict[str, Any]] = [{"type": "BODY", "text": f"{' '.join(f'{{{{{field}}}}}' for field in ORDER_FIELDS)}."}]
ALL = {"body": {field: {"source": "order", "field": field} for field in ORDER_FIELDS}}
COAT = {"title": "Coat", "collection": ["winter", "sale"], "brand": "Nord", "quantity": 1}
HAT = {"title": "Hat", "brand": "Acme"}


def _frozen(session: Session, contact: Contact, variables: dict[str, Any] = ALL) -> tuple[dict[str, Any], str | None]:
    template = Template(name="t", language="en", components=BODY)
    bound = bind_variables(session, template, MessageContent(variables), Contact.__table__)
    query = select(source_values_sql(bound), missing_variable_sql(bound)).where(Contact.id == contact.id)
    values, missing = session.execute(query).one()
    return values.get("body", {}), missing


def test_every_field_is_that_of_the_order_placed_last(session: Session) -> None:
    alice, bob = make_alice(session), make_bob(session)
    make_order(session, alice, number="#1", total=5, now=NOW - timedelta(days=9), items=[HAT])
    make_order(session, alice, number="#2", total=19.9, now=NOW - timedelta(days=1), items=[COAT, HAT])
    make_order(session, alice, number="#3", total=7, now=NOW, cancelled_at=NOW, items=[HAT])
    make_order(session, bob, number="#4", total=8, now=NOW, items=[HAT])
    values, missing = _frozen(session, alice)
    day = (NOW - timedelta(days=1)).date().isoformat()
    assert missing is None
    assert values == {
        "number": "#2",
        "total": "19.90",
        "currency": "EUR",
        "product": "Coat",
        "collection": "winter",
        "brand": "Nord",
        "placed_at": day,
    }


def test_of_two_orders_at_one_moment_the_later_one_counts(session: Session) -> None:
    alice = make_alice(session)
    for number in ("#1", "#2"):
        make_order(session, alice, number=number)
    assert _frozen(session, alice)[0]["number"] == "#2"


@pytest.mark.parametrize(
    ("total", "shown"), [(0, "0.00"), (0.05, "0.05"), (1234567.5, "1234567.50"), (2.125, "2.125"), (7, "7.00")]
)
def test_a_total_is_a_plain_amount(total: float, shown: str, session: Session) -> None:
    alice = make_alice(session)
    make_order(session, alice, total=total)
    assert _frozen(session, alice)[0]["total"] == shown


@pytest.mark.parametrize("items", [[], [{}], [{"title": " "}], [{"title": 7, "collection": [], "brand": {"a": 1}}]])
def test_what_an_order_does_not_say_is_missing(items: list[Any], session: Session) -> None:
    alice = make_alice(session)
    make_order(session, alice, items=items)
    values, missing = _frozen(session, alice)
    assert missing == MISSING_ORDER(field="number").stored()
    assert {name for name, value in values.items() if value is None} == {"number", "product", "collection", "brand"}


def test_a_launch_freezes_the_order_and_leaves_out_who_never_ordered(database: Database) -> None:
    with database.write() as session:
        number = make_number(session)
        body = [{"type": "BODY", "text": "Your {{1}} of {{2}}, {{3}}."}]
        template = make_template(session, number, components=body)
        variables = {
            "body": {
                "1": {"source": "order", "field": "product", "fallback": "order"},
                "2": {"source": "order", "field": "total"},
                "3": {"source": "order", "field": "currency"},
            }
        }
        campaign = make_campaign(session, number, template, status=CampaignStatus.ACTIVE, variables=variables)
        alice, never = make_alice(session), make_contact(session, tags={"vip": None})
        make_order(session, alice, total=19.9)
        token = begin_launch(session, campaign.id, NOW)
        assert token is not None
        assert not launch_slice(session, campaign.id, token, NOW)
    with database.read() as session:
        rows = {row.contact_id: row for row in session.scalars(select(Recipient))}
    left_out = rows[never.id]
    assert (left_out.reason, left_out.detail) == (NotSent.MISSING_VARIABLE, MISSING_ORDER(field="total").stored())
    builder = TemplateBuilder(
        name="t",
        language="en",
        components=body,
        parameter_format="POSITIONAL",
        content=MessageContent(),
        installation="abc",
    )
    values = rows[alice.id].source_values or {}
    message = builder.build(recipient_id=1, attempt=1, phone="+34600000001", bsuid=None, values=values)
    (part,) = message["template"]["components"]
    assert [parameter["text"] for parameter in part["parameters"]] == ["order", "19.90", "EUR"]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ({"source": "order"}, "variables: body 1: field None is not one of number, total, currency"),
        ({"source": "order", "field": "shoe"}, "variables: body 1: field 'shoe' is not one of number, total"),
        ({"source": "name", "field": "number"}, "variables: body 1: 'field' does not belong to a name source"),
        ({"source": "order", "field": "total", "tag": "x"}, "variables: body 1: 'tag' does not belong to an order"),
    ],
)
def test_a_wrong_order_source_says_what_and_where(source: dict[str, Any], line: str) -> None:
    template = Template(name="t", language="en", components=[{"type": "BODY", "text": "Hi {{1}}!"}])
    assert check_mapping(template, MessageContent({"body": {"1": source}}))[0].startswith(line)
