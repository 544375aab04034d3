"""Values of every kind of source, frozen at the launch and shown at the claim."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.catalog.store import put_catalogs, put_products
from models.db.engine import Database
from models.sending.claim import Claim, claim_recipients
from models.sending.lease import open_lane
from models.stored_texts import MISSING_PRODUCT, MISSING_PROFILE, MISSING_SHOP, read_text
from models.tables.campaign import CampaignStatus
from models.tables.contact import Contact
from models.tables.number import Number
from models.tables.recipient import NotSent, Recipient
from models.tables.setting import write_setting
from models.tables.template import Template
from models.templates.bound_values import bind_variables, missing_variable_sql, source_values_sql
from models.templates.content import MessageContent
from models.templates.variables import unknown_names
from tests.support.factories.campaigns import make_campaign, make_number, make_recipient, make_template
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice as make_alice
from tests.support.factories.contacts import make_contact, make_order
from tests.support.message_formats import BY_NAME


def _frozen(session: Session, template: Template, content: MessageContent, contact: Contact) -> Any:
    bound = bind_variables(session, template, content, Contact.__table__)
    query = select(source_values_sql(bound), missing_variable_sql(bound)).where(Contact.id == contact.id)
    return tuple(session.execute(query).one())


def _body(count: int) -> list[dict[str, Any]]:
    return [{"type": "BODY", "text": "Hi " + ", ".join(f"{{{{{place}}}}}" for place in range(1, count + 1)) + "."}]


def _variables(*sources: dict[str, Any]) -> dict[str, Any]:
    return {"body": {str(place): source for place, source in enumerate(sources, 1)}}


def test_profile_fields_and_the_shop_s_name_are_sources(session: Session) -> None:
    template = make_template(session, make_number(session), components=_body(6))
    content = MessageContent(
        _variables(*({"source": name} for name in ("last_name", "phone", "email", "language", "country", "shop")))
    )
    alice = make_alice(session, last_name="Liddell", email="a@x.test", language="en", country="GB")
    assert unknown_names(session, content) == ["variables: body 6: the setting shop_name is empty"]
    assert _frozen(session, template, content, alice)[1] == MISSING_SHOP().stored()
    write_setting(session, "shop_name", "Blue Elf", NOW)
    assert unknown_names(session, content) == []
    values = {"1": "Liddell", "2": alice.phone, "3": "a@x.test", "4": "en", "5": "GB", "6": "Blue Elf"}
    assert _frozen(session, template, content, alice) == ({"body": values}, None)
    nobody = make_contact(session, last_name=" ")
    assert _frozen(session, template, content, nobody)[1] == MISSING_PROFILE(field="last name").stored()


def test_a_product_s_data_are_those_of_the_card(session: Session) -> None:
    number = make_number(session)
    (catalog,) = put_catalogs(session, number.waba_id, [{"id": "1"}], NOW)
    put_products(session, catalog, [{"retailer_id": "a", "name": "Blue", "price": "12.90 EUR", "currency": "EUR"}], NOW)
    card = {"components": [{"type": "HEADER", "format": "PRODUCT"}, {"type": "BODY", "text": "{{1}} for {{2}} now"}]}
    components = [{"type": "BODY", "text": "Look"}, {"type": "CAROUSEL", "cards": [card, card]}]
    template = make_template(session, number, components=components)
    sources = _variables(
        {"source": "product", "field": "name"}, {"source": "product", "field": "price", "format": "money"}
    )
    content = MessageContent(cards=[{"product": {"sku": sku}, "variables": sources} for sku in ("a", "gone")])
    values, missing = _frozen(session, template, content, make_alice(session))
    assert values["cards.0.body"] == {"1": "Blue", "2": "12.90 EUR"}
    assert values["cards.1.body"] == {"1": None, "2": None}
    assert missing == MISSING_PRODUCT(field="name", sku="gone").stored()


def test_an_order_is_frozen_as_its_format_needs_it(session: Session) -> None:
    alice = make_alice(session)
    make_order(session, alice, total=19.9, currency="EUR", placed_at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    template = make_template(session, make_number(session), components=_body(4))
    total, day = {"source": "order", "field": "total"}, {"source": "order", "field": "placed_at"}
    content = MessageContent(_variables(total, total | {"format": "money"}, day, day | {"format": "date"}))
    values, _ = _frozen(session, template, content, alice)
    assert values["body"] == {"1": "19.90", "2": "19.90 EUR", "3": "2026-03-01", "4": "2026-03-01T23:30:00+00:00"}


def _claimed(
    database: Database, values: dict[str, Any], *, zone: str = "UTC", **changes: Any
) -> tuple[Claim, Recipient]:
    """The claim of one recipient with these frozen values."""
    with database.write() as session:
        number = session.scalars(select(Number)).first() or make_number(session)
        components = changes.pop("components", _body(1))
        template = make_template(session, number, components=components, language="de")
        campaign = make_campaign(session, number, template, status=CampaignStatus.ACTIVE, launched_at=NOW, **changes)
        person = make_contact(session, tags={"vip": None})
        row_id = make_recipient(session, campaign, person, source_values=values).id
        campaign_id, lane_id = campaign.id, open_lane(session, number.id, "host", 1)
    with database.write() as session:
        claim = claim_recipients(session, lane_id, campaign_id, 5, NOW + timedelta(seconds=1), time_zone=zone)
    with database.read() as session:
        return claim, session.get_one(Recipient, row_id)


def test_a_value_is_shown_at_the_claim_in_the_template_s_language_and_the_business_s_zone(database: Database) -> None:
    frozen = {"body": {"1": "2026-03-01T23:30:00+00:00"}}
    variables = _variables({"source": "order", "field": "placed_at", "format": "date"})
    claim, row = _claimed(database, frozen, variables=variables, zone="Europe/Madrid")
    assert [claimed.values for claimed in claim.rows] == [{"body": {"1": "2. März 2026"}}]
    assert row.source_values == frozen


def test_a_value_that_its_format_cannot_show_leaves_the_person_out(database: Database) -> None:
    variables = _variables({"source": "attribute", "attribute": "day", "format": "date"})
    claim, row = _claimed(database, {"body": {"1": "soon"}}, variables=variables)
    assert (list(claim.rows), claim.left_out, row.reason) == ([], 1, NotSent.BAD_VALUE)
    assert str(read_text(row.detail)) == "body 1: “soon” is no day such as 2026-12-24"


def test_a_value_of_a_card_that_is_too_long_leaves_the_person_out(database: Database) -> None:
    components = BY_NAME["media_cards"].components
    values = {"body": {"1": "x"}, "cards.1.body": {"1": "A" * 160}}
    claim, row = _claimed(database, values, components=components, variables={}, content={"cards": [{}, {}]})
    assert (claim.left_out, row.reason) == (1, NotSent.BAD_VALUE)
    assert "card 2 body" in str(read_text(row.detail))


def test_nobody_is_told_of_an_offer_that_is_over(database: Database) -> None:
    components = BY_NAME["offer"].components
    for moment, left_out in ((NOW + timedelta(hours=1), 0), (NOW, 1)):
        content = {"offer": {"expires_at": moment.isoformat()}}
        claim, row = _claimed(
            database, {"body": {"1": "x"}, "buttons": {"1": "y"}, "offer": {"code": "C"}}, components=components,
            variables={}, content=content,
        )  # fmt: skip
        assert (claim.left_out, row.reason) == (left_out, NotSent.EXPIRED if left_out else None)
