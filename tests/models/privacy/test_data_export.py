"""Telling a person what is kept of them."""

import json
import re
from typing import Any

import pytest
from sqlalchemy.event import listen
from sqlalchemy.orm import Session

from models.contacts.merge import merge_contacts
from models.privacy.data_export import export_person
from models.tables.audit import AuditAction, record_audit
from models.tables.contact import Contact
from tests.support.factories.common import NOW
from tests.support.factories.contacts import make_contact
from tests.support.past_person import person_with_a_past

NOBODYS = {
    "answer_spending", "api_token", "attribute", "browser_session", "budget", "campaign", "contact_search", "database_hold",
    "dead_letter", "epoch", "external_identity", "flow", "flow_version", "held_campaign", "lane", "list", "media_handle",
    "number", "parked_status", "passkey", "phone_link_code", "portfolio", "purged_wamid", "rate", "rate_card", "recovery_code",
    "segment", "setting", "shop_look", "spending", "suppression", "tag", "template", "totp", "user", "waba", "wrong_link_code",
}  # fmt: skip
"""Tables without a row that is one person's, or that repeat what another one says; what names a person in the others is only on its
way."""


def test_the_export_has_a_part_for_every_table_that_holds_something_of_a_person(session: Session) -> None:
    asked: set[str] = set()
    person = person_with_a_past(session)

    def watch(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.update(name for pair in re.findall(r'FROM "?(\w+)|JOIN "?(\w+)', statement) for name in pair)

    listen(session.get_bind(), "before_cursor_execute", watch)
    export_person(session, person.id)
    assert {table.name for table in Contact.metadata.sorted_tables} - asked <= NOBODYS


def test_a_person_is_told_everything(session: Session) -> None:
    person = person_with_a_past(session)
    twin = make_contact(session, "+34600000555", name="Alicia")
    record_audit(session, NOW, "x", AuditAction.TAG, "contact", twin.id, tag="vip")
    merge_contacts(session, person.id, twin.id, NOW)
    told = export_person(session, person.id)
    text_of_it = json.dumps(told)
    for word in ("Alice", "shoe size", "my secret", "ES.alice", "friends", "vip", "wamid.secret", "form"):
        assert word in text_of_it
    assert [row["campaign"] for row in told["campaigns"]] == ["Spring", "Spring"]
    assert [row["shown"] for row in told["also_found_by"]] == ["+34600000555"]
    assert [(row["kind"], row["name"], row["value"]) for row in told["before_the_merge"]] == [
        ("field", "name", "Alicia")
    ]
    assert [row["action"] for row in told["audit"]] == ["tag"]
    assert (len(told["engaged_in"]), len(told["counted_for_the_limit"]), told["merged_records"]) == (1, 1, [twin.id])
    with pytest.raises(LookupError):
        export_person(session, 0)
