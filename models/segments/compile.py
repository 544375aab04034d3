"""Compiles a segment's rule to one SQL condition with bound parameters."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, literal, not_, or_
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import FromClause

from models.contacts.consent import MESSAGE_PROOF
from models.contacts.field_values import CONTACT_FIELDS
from models.db.functions import JsonField, JsonNumber, Position, Probe, TextNumber
from models.segments.campaign_people import figure_condition
from models.segments.compile_orders import compare, compile_orders
from models.segments.operators import NUMERIC, ON_ORDERS
from models.segments.rule import RuleCondition, SegmentRule
from models.tables.contact import Consent, ConsentEvent
from models.tables.conversation import OPTED_OUT, Direction, Message
from models.tables.recipient import Recipient, RecipientState
from models.tables.tag import ContactTag, ListMember

Test = Callable[[Any], ColumnElement[bool]]


def compile_rule(rule: SegmentRule, now: datetime, contact: FromClause) -> ColumnElement[bool]:
    """Return the condition that a row of `contact` (the contact table or an alias of it) matches the rule; never NULL."""
    return or_(false(), *(and_(*(compile_condition(item, now, contact) for item in group)) for group in rule.groups))


def compile_condition(item: RuleCondition, now: datetime, contact: FromClause) -> ColumnElement[bool]:
    """Compile one condition on a row of `contact`; never NULL."""
    if item.op == "not_last_days":
        return not_(compile_condition(replace(item, op="last_days"), now, contact))
    return _COMPILERS[item.on](item, now, contact)


def _tag(item: RuleCondition, _now: datetime, contact: FromClause) -> ColumnElement[bool]:
    tagged = aliased(ContactTag)
    carries = Probe().where(tagged.contact_id == contact.c.id, tagged.tag_id == item.name_id)
    if item.op == "has":
        return carries
    if item.op == "has_not":
        return not_(carries)
    if item.op in NUMERIC:
        return carries.where(func.coalesce(compare(item.op, TextNumber(tagged.value), item.values), literal(False)))
    test, is_negated = _text_test(item)
    condition = carries.where(test(tagged.value))
    return not_(condition) if is_negated else condition


def _list(item: RuleCondition, _now: datetime, contact: FromClause) -> ColumnElement[bool]:
    member = aliased(ListMember)
    is_member = Probe().where(member.contact_id == contact.c.id, member.list_id == item.name_id)
    return not_(is_member) if item.op == "has_not" else is_member


def _segment(item: RuleCondition, now: datetime, contact: FromClause) -> ColumnElement[bool]:
    if item.rule is None:
        return false()
    condition = compile_rule(item.rule, now, contact)
    return not_(condition) if item.op == "has_not" else condition


def _attribute(item: RuleCondition, now: datetime, contact: FromClause) -> ColumnElement[bool]:
    is_profile_field = item.name in CONTACT_FIELDS
    value = contact.c[item.name] if is_profile_field else JsonField(contact.c.attributes, literal(item.name))
    non_empty = func.nullif(value, "")
    if item.is_number and item.op not in {"known", "unknown"}:
        number = JsonNumber(contact.c.attributes, literal(item.name))
        return func.coalesce(compare(item.op, number, item.values), literal(False))
    if item.op in {"before", "after", "between", "last_days"}:
        values = item.values
        if item.op == "last_days":
            moments = (now - timedelta(days=item.values[0]), now)
            values = tuple(moment.astimezone(item.zone).date().isoformat() for moment in moments)
        return func.coalesce(
            compare("between" if item.op == "last_days" else item.op, non_empty, values), literal(False)
        )
    return _plain(item, non_empty)


def _column(item: RuleCondition, _now: datetime, contact: FromClause) -> ColumnElement[bool]:
    column = contact.c[item.on]
    return _plain(item, column if item.on == "consent" else func.nullif(column, ""))


def _last_inbound(item: RuleCondition, now: datetime, contact: FromClause) -> ColumnElement[bool]:
    column = contact.c.last_inbound_at
    if item.op == "known":
        return column.is_not(None)
    if item.op == "unknown":
        return column.is_(None)
    if item.op == "last_days":
        return and_(column.is_not(None), column >= now - timedelta(days=item.values[0]), column <= now)
    return and_(column.is_not(None), compare(item.op, column, item.values))


def _last_engaged(item: RuleCondition, now: datetime, contact: FromClause) -> ColumnElement[bool]:
    """Test the last engagement: an inbound message (a reply or a pressed button is one) or a campaign message that was read."""

    def any_engagement(test: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
        row = aliased(Recipient)
        inbound = func.coalesce(test(contact.c.last_inbound_at), literal(False))
        return or_(inbound, Probe().where(row.contact_id == contact.c.id, test(row.read_at)))

    if item.op in {"known", "unknown"}:
        has_engaged = any_engagement(lambda moment: moment.is_not(None))
        return has_engaged if item.op == "known" else not_(has_engaged)
    if item.op == "last_days":
        since = now - timedelta(days=item.values[0])
        return any_engagement(lambda moment: moment >= since)
    first, last = item.values[0], item.values[-1]
    if item.op == "after":
        return any_engagement(lambda moment: moment > first)
    if item.op == "before":
        return and_(any_engagement(lambda moment: moment < first), not_(any_engagement(lambda moment: moment >= first)))
    return and_(
        any_engagement(lambda moment: moment.between(first, last)), not_(any_engagement(lambda moment: moment > last))
    )


def _campaign(item: RuleCondition, now: datetime, contact: FromClause) -> ColumnElement[bool]:
    """Test reactions to past campaigns. Negated operators match only contacts to whom a message was sent, `is_not` those who were
    in the campaign.
    """
    recipient = aliased(Recipient)
    filters = [recipient.contact_id == contact.c.id]
    if item.campaign_id is not None:
        filters.append(recipient.campaign_id == item.campaign_id)
    if item.figure is not None:
        included = Probe().where(*filters)
        counts = included.where(
            figure_condition(item.figure, recipient, reason=item.reason, code=item.code, button=item.button)
        )
        return and_(included, not_(counts)) if item.op == "is_not" else counts
    if item.op == "failed":
        filters.append(recipient.status == "failed")
        if item.code is not None:
            filters.append(recipient.error_code == item.code)
    else:
        filters.append(recipient.accepted_at.is_not(None))
    if item.days is not None:
        moment = func.coalesce(recipient.accepted_at, recipient.claimed_at)
        filters.append(moment >= literal(now - timedelta(days=item.days), Recipient.accepted_at.type))
    sent = Probe().where(*filters)
    if item.op == "failed":
        return sent
    reacted = _reaction(item.op.removeprefix("not_"), recipient)
    return and_(sent, not_(sent.where(reacted))) if item.op.startswith("not_") else sent.where(reacted)


def _reaction(reaction: str, recipient: type[Recipient]) -> ColumnElement[bool]:
    if reaction == "received":
        return or_(recipient.delivered_at.is_not(None), recipient.read_at.is_not(None))
    if reaction == "read":
        return recipient.read_at.is_not(None)
    if reaction == "replied":
        return recipient.replied_at.is_not(None)
    message, event = aliased(Message), aliased(ConsentEvent)
    # An opt-out is known by its event at once, and by its route for good: who was unsubscribed already has no event of it.
    unsubscribed = Probe().where(
        event.contact_id == recipient.contact_id,
        event.after == Consent.UNSUBSCRIBED,
        event.proof == literal(MESSAGE_PROOF) + message.wamid,
    )
    return Probe().where(
        message.recipient_id == recipient.id,
        message.direction == Direction.IN,
        message.button_payload.is_not(None),
        func.coalesce(message.route, "") != OPTED_OUT,
        not_(unsubscribed),
        recipient.state != RecipientState.NOT_SENT,
    )


def _plain(item: RuleCondition, value: ColumnElement[Any]) -> ColumnElement[bool]:
    if item.op == "known":
        return value.is_not(None)
    if item.op == "unknown":
        return value.is_(None)
    test, is_negated = _text_test(item)
    condition = and_(value.is_not(None), test(value))
    return not_(condition) if is_negated else condition


def _text_test(item: RuleCondition) -> tuple[Test, bool]:
    """Return the positive test of an operator on text, and whether the operator negates it."""
    if item.op == "contains":
        return lambda value: func.coalesce(Position(value, literal(item.values[0])), 0) > 0, False
    if item.op in {"in", "not_in"}:
        return lambda value: value.in_(item.values), item.op == "not_in"
    return lambda value: value == item.values[0], item.op == "is_not"


_COMPILERS: Mapping[str, Callable[[RuleCondition, datetime, FromClause], ColumnElement[bool]]] = {
    "tag": _tag,
    "list": _list,
    "segment": _segment,
    "attribute": _attribute,
    "consent": _column,
    "language": _column,
    "country": _column,
    "phone": _column,
    "last_inbound": _last_inbound,
    "last_engaged": _last_engaged,
    "campaign": _campaign,
    **dict.fromkeys(ON_ORDERS, compile_orders),
}
