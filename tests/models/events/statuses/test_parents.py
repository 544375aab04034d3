"""The parent's user id in statuses."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.webhooks.parse import parse_payload
from models.tables.contact import ContactIdentity
from models.tables.number import Number
from models.tables.recipient import Recipient
from tests.support.factories.campaigns import make_number
from tests.support.factories.common import NOW
from tests.support.parsed import envelope
from tests.support.statuses import apply, recipient, status

USER, PARENT, LATER = "ES.13491208655302741918", "ES.ENT.11815799212886844830", "ES.ENT.2"


@pytest.mark.parametrize("key", ["recipient_parent_user_id", "parent_recipient_user_id"])
def test_both_names_of_the_parent_s_user_id_are_read(key: str) -> None:
    item = {"id": "w1", "status": "sent", "timestamp": "1795341601", "recipient_user_id": USER, key: PARENT}
    [found] = parse_payload(envelope(statuses=[item])).statuses
    assert (found.bsuid, found.parent_bsuid) == (USER, PARENT)


def identity_of(session: Session, row: Recipient, number: Number) -> ContactIdentity:
    identity = ContactIdentity(
        contact_id=row.contact_id, portfolio_id=number.waba.portfolio_id, bsuid=USER, created_at=NOW
    )
    session.add(identity)
    session.flush()
    return identity


def test_the_newest_status_tells_the_parent_of_a_user_id_that_a_contact_has(session: Session) -> None:
    row, number = recipient(session), make_number(session)
    identity = identity_of(session, row, number)
    told: dict[str, Any] = {"bsuid": USER, "phone_number_id": number.phone_number_id}
    apply(
        session,
        status(row, "delivered", 3, parent_bsuid=LATER, **told),
        status(row, "sent", 2, parent_bsuid=PARENT, **told),
        status(row, "read", 4, **told),
    )
    assert identity.parent_bsuid == LATER
    apply(session, status(row, "sent", 2, parent_bsuid=PARENT, **told | {"bsuid": "ES.1"}))
    apply(session, status(row, "sent", 2, parent_bsuid=PARENT, **told | {"phone_number_id": "0"}))
    assert [one.parent_bsuid for one in session.scalars(select(ContactIdentity))] == [LATER]
