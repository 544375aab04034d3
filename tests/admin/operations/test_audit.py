"""The audit names no customer, whatever operators do, so a redaction changes no hash of it; on both databases."""

import json

from sqlalchemy import select

from admin.operations.contacts import add_contact, change_contact, redact_contact, tag_contact, untag_contact
from admin.operations.groups import add_list, add_tag, rename
from admin.operations.settings import set_setting
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.contacts.identity import Identity
from models.contacts.number_change import change_number
from models.tables.audit import Audit, AuditAction, record_audit
from models.tables.number import Portfolio
from tests.support.audit_rows import checked

PHONE, E_MAIL, BSUID = "+34600000001", "alicia@example.com", "ES.aliciaswife"
ANN = "ann@example.com"


def entries(rt: Runtime) -> list[tuple[str, str, str, str]]:
    with rt.database.read() as session:
        rows = session.execute(select(Audit.actor, Audit.object_type, Audit.object_id, Audit.detail).order_by(Audit.id))
        return [(row.actor, row.object_type, row.object_id, json.dumps(row.detail, ensure_ascii=False)) for row in rows]


def test_a_redaction_changes_no_entry_and_there_is_nothing_of_the_person_in_any(rt: Runtime) -> None:
    contact_id = add_contact(rt, {"phone": PHONE, "name": "Alicia", "email": E_MAIL}, ANN)
    tag = f"friend of {PHONE}"
    add_tag(rt, tag, "", ANN)
    tag_contact(rt, contact_id, tag, E_MAIL, ANN)
    untag_contact(rt, contact_id, tag, ANN)
    change_contact(rt, contact_id, {"email": "alicia2@example.com"}, ANN)
    rename(rt, "list", add_list(rt, f"{E_MAIL} and friends", ANN), f"{BSUID} and friends", ANN)
    set_setting(rt, "stop_answer", f"Call {PHONE} or write to {E_MAIL}", ANN)
    with rt.database.write() as session:
        portfolio = Portfolio(meta_id="1")
        session.add(portfolio)
        session.flush()
        identity = Identity("34600000002", None, portfolio.id, BSUID, at=utcnow())
        contact_id = change_number(session, contact_id, identity, utcnow())
    before = entries(rt)
    text = json.dumps(before, ensure_ascii=False).casefold()
    told = ("34600000001", "600000002", "…001", "…002", "alicia", "@example.com")
    assert [word for word in told if word in text.replace(ANN, "")] == []
    redact_contact(rt, contact_id, ANN)
    assert entries(rt)[: len(before)] == before
    assert checked(rt).broken is None


def test_ids_of_the_business_and_addresses_of_users_stay(rt: Runtime) -> None:
    with rt.database.write() as session:
        record_audit(session, utcnow(), ANN, AuditAction.ADD, "number", 1, phone_number_id="200000000000001")
        record_audit(session, utcnow(), ANN, AuditAction.ADD, "user", 1, email=ANN)
        record_audit(session, utcnow(), ANN, AuditAction.ADD, "contact", 1, email=ANN)
    details = [json.loads(detail) for *_, detail in entries(rt)]
    assert details == [{"phone_number_id": "200000000000001"}, {"email": ANN}, {"email": "…"}]
