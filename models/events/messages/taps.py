"""Stores what people tapped in a campaign's message: a quick reply, the form behind a button, or an order of its products."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.db.dialect import insert_into
from models.events.messages.attribution import AttributedReply, Attribution
from models.events.types import InboundMessage
from models.tables.campaign import Campaign
from models.tables.cohort import Cohort
from models.tables.recipient import Recipient
from models.tables.recipient_tap import RecipientTap
from models.tables.template import Template
from models.templates.components import buttons_of, card_components, word
from models.templates.content import MessageContent
from models.templates.opt_out_buttons import button_place, quick_replies

TAPS = frozenset({"button", "interactive", "order"})
"""Types of messages that may be the tap of a button."""
MAX_TITLE = 200
_SHOWS_PRODUCTS = frozenset({"MPM", "SPM", "CATALOG"})


class _Sent(NamedTuple):
    """The message that was answered."""

    recipient_id: int
    campaign_id: int
    components: Sequence[Any]
    content: MessageContent


class _Tap(NamedTuple):
    place: str
    title: str


def record_taps(
    session: Session, replies: Sequence[AttributedReply], targets: Mapping[str, Attribution], installation: str
) -> None:
    """Store the first tap of each button by each recipient, at Meta's time. `replies` are new, in the order of time.

    Only a message that refers to a campaign's message counts: by its payload, its token, or by quoting it. An order that refers
    to none counts for the campaign to which it is attributed, if it has products of its message.
    """
    tapped = [item for item in replies if item.message.type in TAPS and _may_tap(item, targets)]
    sent = _sent(session, {targets[item.message.wamid].recipient_id for item in tapped})
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for item in tapped:
        recipient_id = targets[item.message.wamid].recipient_id
        if recipient_id not in sent:
            continue
        is_reference = targets[item.message.wamid].is_reference
        for tap in _taps(item.message, sent[recipient_id], installation, is_reference=is_reference):
            row = {"recipient_id": recipient_id, "place": tap.place, "campaign_id": sent[recipient_id].campaign_id}
            rows.setdefault((recipient_id, tap.place), row | {"title": tap.title[:MAX_TITLE], "at": item.message.at})
    if rows:
        statement = insert_into(session, RecipientTap.__table__)
        earlier = statement.excluded.at < RecipientTap.__table__.c.at  # a batch that came late
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["recipient_id", "place"],
                set_={"at": statement.excluded.at, "title": statement.excluded.title},
                where=earlier,
            ),
            [rows[key] for key in sorted(rows)],
        )


def _sent(session: Session, recipient_ids: set[int]) -> dict[int, _Sent]:
    if not recipient_ids:
        return {}
    columns = [
        func.coalesce(getattr(Cohort, name), getattr(Campaign, name)).label(name)
        for name in ("variables", "media", "content")
    ]
    rows = session.execute(
        select(Recipient.id, Recipient.campaign_id, Template.components, *columns)
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .outerjoin(Cohort, Cohort.id == Recipient.cohort_id)
        .join(Template, Template.id == func.coalesce(Cohort.template_id, Campaign.template_id))
        .where(Recipient.id.in_(sorted(recipient_ids)))
    )
    return {
        row.id: _Sent(
            row.id,
            row.campaign_id,
            row.components,
            MessageContent.from_columns(row.variables, row.media, row.content),
        )
        for row in rows
    }


def _may_tap(item: AttributedReply, targets: Mapping[str, Attribution]) -> bool:
    target = targets.get(item.message.wamid)
    return target is not None and (target.is_reference or item.message.type == "order")


def _taps(message: InboundMessage, sent: _Sent, installation: str, *, is_reference: bool) -> Iterator[_Tap]:
    """The buttons that the message says were tapped: one, or for an order of a carousel those of the cards."""
    if message.type == "order":
        skus = _skus(message.payload)
        if is_reference or skus & set(sent.content.skus()):
            yield from _ordered(skus, sent)
        return
    pressed = message.pressed
    if pressed is not None and pressed.installation == installation and pressed.recipient_id == sent.recipient_id:
        title = message.text if message.type == "button" else _title(sent.components, pressed.index)
        yield _Tap(button_place(pressed.index, pressed.card), title or "")
    elif message.type == "button":  # Meta sent the title in place of our payload
        places = [place for place, title in quick_replies(sent.components).items() if title == message.text]
        if len(places) == 1:
            yield _Tap(places[0], message.text or "")


def _ordered(skus: set[str], sent: _Sent) -> Iterator[_Tap]:
    for card in range(len(sent.content.cards)):
        if sent.content.sku_of(card) in skus:
            yield from _of_products(card_components(sent.components, card), card)
    yield from _of_products(sent.components, None)


def _of_products(components: Sequence[Any], card: int | None) -> Iterator[_Tap]:
    for index, button in enumerate(buttons_of(components)):
        if word(button, "type") in _SHOWS_PRODUCTS:
            yield _Tap(button_place(index, card), str(button.get("text") or ""))


def _skus(payload: Mapping[str, Any]) -> set[str]:
    """The products of an order (docs/meta.md §7.6); whatever the person's phone sent there."""
    order = payload.get("order")
    items = order.get("product_items") if isinstance(order, dict) else None
    rows = items if isinstance(items, list) else []
    return {sku for row in rows if isinstance(row, dict) and isinstance(sku := row.get("product_retailer_id"), str)}


def _title(components: Sequence[Any], index: int) -> str:
    buttons = buttons_of(components)
    return str(buttons[index].get("text") or "") if index < len(buttons) else ""
