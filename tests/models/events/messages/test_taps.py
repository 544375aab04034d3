"""What people tap in a campaign's message stands on the recipient, once per button, with the first time."""

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.meta.callback_data import button_payload, flow_token, read_button
from bot.webhooks.parse_messages import read_inbound
from models.campaigns.stats import campaign_stats
from models.events.types import InboundMessage
from models.tables.cohort import Cohort
from models.tables.number import Number
from models.tables.recipient import Recipient, RecipientState
from models.tables.recipient_tap import RecipientTap
from tests.support.factories.campaigns import make_campaign, make_recipient, make_template
from tests.support.factories.contacts import alice
from tests.support.inbound_messages import MINE, SAID_AT, at, recorded, store
from tests.support.message_formats import BY_NAME

NAME = "template_button"


def _sent(session: Session, number: Number, name: str, **content: Any) -> Recipient:
    template = make_template(session, number, components=BY_NAME[name].components)
    campaign = make_campaign(session, number, template, content=content or None)
    row = make_recipient(
        session, campaign, alice(session), state=RecipientState.ACCEPTED, wamid="wamid.campaign", accepted_at=SAID_AT
    )
    session.expire(row)
    return row


def _press(row: Recipient, title: str, index: int, card: int | None = None, *, seconds: int = 0) -> InboundMessage:
    payload = button_payload(MINE, row.id, index, card)
    return recorded(
        NAME,
        wamid=f"wamid.press.{seconds}",
        text=title,
        button_payload=payload,
        pressed=read_button(payload),
        context_wamid=None,
        word=None,
        confirms=False,
        at=at(seconds),
    )


def _said(kind: str, content: dict[str, Any], *, context: str | None = "wamid.campaign") -> InboundMessage:
    """What the recipient says, as Meta's webhook has it."""
    button = recorded(NAME)
    item = {
        "from": button.sender.wa_id,
        "id": f"wamid.{kind}",
        "timestamp": str(int(SAID_AT.timestamp())),
        "type": kind,
        kind: content,
    } | ({"context": {"id": context}} if context else {})
    message = read_inbound(item, button.phone_number_id, [])
    assert message is not None
    return message


def _taps(session: Session) -> list[tuple[str, str, int]]:
    rows = session.scalars(select(RecipientTap).order_by(RecipientTap.place))
    return [(row.place, row.title, int((row.at - SAID_AT).total_seconds())) for row in rows]


def test_the_first_tap_of_each_button_counts_also_if_it_comes_last(session: Session, number: Number) -> None:
    row = _sent(session, number, "media_cards")
    store(session, _press(row, "More", 0, 1, seconds=30), _press(row, "More", 0, 0, seconds=20))
    store(session, _press(row, "More", 0, 1, seconds=40))
    store(session, _press(row, "More", 0, 1, seconds=10))
    assert _taps(session) == [("0.0", "More", 20), ("1.0", "More", 10)]
    assert campaign_stats(session, row.campaign_id)["buttons"] == [
        {"card": 0, "index": 0, "title": "More", "people": 1},
        {"card": 1, "index": 0, "title": "More", "people": 1},
    ]


def test_a_payload_of_an_earlier_version_is_a_button_outside_of_cards(session: Session, number: Number) -> None:
    row = _sent(session, number, "text_positional")
    store(session, _press(row, "No", 1))
    assert _taps(session) == [("1", "No", 0)]


def test_a_press_whose_payload_was_lost_is_known_by_its_title_if_only_one_button_has_it(
    session: Session, number: Number
) -> None:
    _sent(session, number, "text_positional")
    store(session, _said("button", {"payload": "No", "text": "No"}))
    assert _taps(session) == [("1", "No", 0)]


def test_a_title_that_several_cards_have_says_nothing(session: Session, number: Number) -> None:
    _sent(session, number, "media_cards")
    store(session, _said("button", {"payload": "More", "text": "More"}))
    assert _taps(session) == []


def test_a_form_is_known_by_our_token_even_without_a_context(session: Session, number: Number) -> None:
    row = _sent(session, number, "form")
    answers = json.dumps({"flow_token": flow_token(MINE, row.id, 0), "rating": "5"})
    reply = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": answers}}
    store(session, _said("interactive", reply, context=None))
    assert _taps(session) == [("0", "Open", 0)]
    session.refresh(row)
    assert row.replied_at is not None


def test_the_token_of_another_installation_or_of_another_person_says_nothing(session: Session, number: Number) -> None:
    row = _sent(session, number, "form")
    for token in (flow_token("other", row.id, 0), flow_token(MINE, row.id + 1, 0), "unused"):
        answers = json.dumps({"flow_token": token})
        reply = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": answers}}
        store(session, _said("interactive", reply, context=None))
    assert _taps(session) == []


def _order(*skus: Any) -> dict[str, Any]:
    items = [{"product_retailer_id": sku, "quantity": 1, "item_price": 3, "currency": "EUR"} for sku in skus]
    return {"catalog_id": "1", "text": "", "product_items": items}


def test_an_order_taps_the_cards_whose_products_are_in_it(session: Session, number: Number) -> None:
    cards = [{"product": {"sku": sku}} for sku in ("a", "b", "c")]
    _sent(session, number, "product_cards", cards=cards)
    store(session, _said("order", _order("c", "a", "x", 7)))
    assert _taps(session) == [("0.0", "View", 0), ("2.0", "View", 0)]


def test_an_order_without_a_reference_counts_if_it_has_a_product_of_the_message(
    session: Session, number: Number
) -> None:
    _sent(session, number, "product_list", products={"sections": [{"title": "All", "skus": ["a", "b"]}]})
    store(session, _said("order", _order("x"), context=None))
    assert _taps(session) == []
    ordered = replace(_said("order", _order("b"), context=None), wamid="wamid.second")
    store(session, ordered)
    assert _taps(session) == [("0", "View items", 0)]


def test_an_order_of_any_shape_is_stored_and_taps_nothing(session: Session, number: Number) -> None:
    cards = [{"product": {"sku": "a"}}, {"product": {"sku": "b"}}]
    _sent(session, number, "product_cards", cards=cards)
    order: dict[str, Any] = {"product_items": [None, 3, {"product_retailer_id": ["a"]}, {}]}
    assert store(session, _said("order", order)).stored == 1
    assert _taps(session) == []


def test_an_order_taps_the_cards_of_the_language_that_the_person_got(session: Session, number: Number) -> None:
    row = _sent(session, number, "product_cards", cards=[{"product": {"sku": "a"}}, {"product": {"sku": "b"}}])
    template = make_template(session, number, components=BY_NAME["product_cards"].components, language="es")
    cohort = Cohort(
        campaign_id=row.campaign_id,
        position=1,
        template_id=template.id,
        content={"cards": [{"product": {"sku": "b"}}, {"product": {"sku": "c"}}]},
        created_at=SAID_AT,
    )
    session.add(cohort)
    session.flush()
    row.cohort_id = cohort.id
    store(session, _said("order", _order("b")))
    assert _taps(session) == [("0.0", "View", 0)]


def test_a_payload_of_another_recipient_says_nothing_about_the_quoted_one(session: Session, number: Number) -> None:
    row = _sent(session, number, "text_positional")
    payload = button_payload(MINE, row.id + 1, 1)
    store(
        session,
        replace(
            _press(row, "No", 1), button_payload=payload, pressed=read_button(payload), context_wamid="wamid.campaign"
        ),
    )
    assert _taps(session) == [("1", "No", 0)]  # by its title
