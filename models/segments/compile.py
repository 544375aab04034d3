"""A segment's rule as one SQL condition with bound parameters."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, literal, not_, or_
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import FromClause

from models.contacts.field_values import CONTACT_FIELDS
from models.db.functions import JsonField, JsonNumber, Position, Probe, TextNumber
from models.segments.compile_orders import compare, compile_orders
from models.segments.operators import NUMERIC, ON_ORDERS
from models.segments.rule import RuleCondition, SegmentRule
from models.tables.conversation import Direction, Message
from models.tables.recipient import Recipient, RecipientState
from models.tables.tag import ContactTag, ListMember

Test = Callable[[Any], ColumnElement[bool]]


def compile_rule(rule: SegmentRule, now: datetime, contact: FromClause) -> ColumnElement[bool]:
    """Whether a row of `contact` (the contact table or an alias of it) matches; never NULL."""
    return or_(false(), *(and_(*(compile_condition(item, now, contact) for item in group)) for group in rule.groups))


def compile_condition(item: RuleCondition, now: datetime, contact: FromClause) -> ColumnElement[bool]:
    """Whether one condition holds of a row of `contact`; never NULL."""
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
    found = carries.where(test(tagged.value))
    return not_(found) if is_negated else found


def _list(item: RuleCondition, _now: datetime, contact: FromClause) -> ColumnElement[bool]:
    member = aliased(ListMember)
    found = Probe().where(member.contact_id == contact.c.id, member.list_id == item.name_id)
    return not_(found) if item.op == "has_not" else found


def _segment(item: RuleCondition, now: datetime, contact: FromClause) -> ColumnElement[bool]:
    if item.rule is None:
        return false()
    found = compile_rule(item.rule, now, contact)
    return not_(found) if item.op == "has_not" else found


def _attribute(item: RuleCondition, now: datetime, contact: FromClause) -> ColumnElement[bool]:
    own = item.name in CONTACT_FIELDS
    value = contact.c[item.name] if own else JsonField(contact.c.attributes, literal(item.name))
    filled = func.nullif(value, "")
    if item.is_number and item.op not in {"known", "unknown"}:
        number = JsonNumber(contact.c.attributes, literal(item.name))
        return func.coalesce(compare(item.op, number, item.values), literal(False))
    if item.op in {"before", "after", "between", "last_days"}:
        values = item.values
        if item.op == "last_days":
            moments = (now - timedelta(days=item.values[0]), now)
            values = tuple(moment.astimezone(item.zone).date().isoformat() for moment in moments)
        return func.coalesce(compare("between" if item.op == "last_days" else item.op, filled, values), literal(False))
    return _plain(item, filled)


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
    """The last time they did something with us: wrote (a reply and a tap on a button are messages) or read a campaign's message."""

    def did(test: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
        row = aliased(Recipient)
        wrote = func.coalesce(test(contact.c.last_inbound_at), literal(False))
        return or_(wrote, Probe().where(row.contact_id == contact.c.id, test(row.read_at)))

    if item.op in {"known", "unknown"}:
        ever = did(lambda moment: moment.is_not(None))
        return ever if item.op == "known" else not_(ever)
    if item.op == "last_days":
        since = now - timedelta(days=item.values[0])
        return did(lambda moment: moment >= since)
    first, last = item.values[0], item.values[-1]
    if item.op == "after":
        return did(lambda moment: moment > first)
    if item.op == "before":
        return and_(did(lambda moment: moment < first), not_(did(lambda moment: moment >= first)))
    return and_(did(lambda moment: moment.between(first, last)), not_(did(lambda moment: moment > last)))


def _campaign(item: RuleCondition, now: datetime, contact: FromClause) -> ColumnElement[bool]:
    """What the contact did with past campaigns. Who was never sent to did not read and did not reply either, and is not meant."""
    recipient = aliased(Recipient)
    of_contact = [recipient.contact_id == contact.c.id]
    if item.campaign_id is not None:
        of_contact.append(recipient.campaign_id == item.campaign_id)
    if item.op == "failed":
        of_contact.append(recipient.status == "failed")
        if item.code is not None:
            of_contact.append(recipient.error_code == item.code)
    else:
        of_contact.append(recipient.accepted_at.is_not(None))
    if item.days is not None:
        moment = func.coalesce(recipient.accepted_at, recipient.claimed_at)
        of_contact.append(moment >= literal(now - timedelta(days=item.days), Recipient.accepted_at.type))
    sent = Probe().where(*of_contact)
    if item.op == "failed":
        return sent
    done = _done(item.op.removeprefix("not_"), recipient)
    return and_(sent, not_(sent.where(done))) if item.op.startswith("not_") else sent.where(done)


def _done(what: str, recipient: type[Recipient]) -> ColumnElement[bool]:
    if what == "received":
        return or_(recipient.delivered_at.is_not(None), recipient.read_at.is_not(None))
    if what == "read":
        return recipient.read_at.is_not(None)
    if what == "replied":
        return recipient.replied_at.is_not(None)
    message = aliased(Message)
    return Probe().where(
        message.recipient_id == recipient.id,
        message.direction == Direction.IN,
        message.button_payload.is_not(None),
        recipient.state != RecipientState.NOT_SENT,
    )


def _plain(item: RuleCondition, value: ColumnElement[Any]) -> ColumnElement[bool]:
    if item.op == "known":
        return value.is_not(None)
    if item.op == "unknown":
        return value.is_(None)
    test, is_negated = _text_test(item)
    found = and_(value.is_not(None), test(value))
    return not_(found) if is_negated else found


def _text_test(item: RuleCondition) -> tuple[Test, bool]:
    """The positive test of an operator on text, and whether the operator negates it."""
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
