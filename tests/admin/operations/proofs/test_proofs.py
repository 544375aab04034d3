"""A proof of an installation: complete, signed with its key, checked by a command, and only for who may have it."""

import json
import zipfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from jobs.maintenance.meta_sync import fill_template
from models.contacts.consent import MESSAGE_PROOF
from models.tables.audit import Audit, AuditAction, record_audit
from models.tables.browser_session import BrowserSession
from models.tables.campaign import CampaignStatus
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.former_template import FormerTemplate
from models.tables.proof_key import ProofKey
from models.tables.recipient import RecipientState
from models.tables.recipient_tap import RecipientTap
from models.tables.user import Role
from tests.support.cli_app import Shell
from tests.support.factories.campaigns import make_campaign, make_recipient
from tests.support.factories.common import NOW
from tests.support.factories.contacts import alice
from tests.support.panel_app import Panel

pytestmark = pytest.mark.sqlite_only
SENT = NOW + timedelta(minutes=1)


@pytest.fixture
def written_to(shell: Shell) -> tuple[int, int]:
    """(campaign, contact): Alice agreed, was sent a message, read it and tapped; its template says something else since."""
    with shell.rt.database.write() as session:
        person = alice(session)
        campaign = make_campaign(
            session, status=CampaignStatus.ENDED, launched_at=NOW, ended_at=NOW + timedelta(days=1)
        )
        times: dict[str, Any] = {
            "accepted_at": SENT,
            "sent_at": SENT,
            "delivered_at": SENT,
            "read_at": SENT + timedelta(minutes=2),
        }
        row = make_recipient(
            session,
            campaign,
            person,
            state=RecipientState.ACCEPTED,
            attempts=1,
            claimed_at=SENT,
            wamid="wamid.alice",
            source_values={"body": {"1": "Alice"}},
            cost=50_000,
            cost_currency="EUR",
            pricing_category="marketing",
            is_billable=True,
            **times,
        )
        events = (
            (Consent.SUBSCRIBED, NOW - timedelta(days=9), "form"),
            (Consent.UNSUBSCRIBED, SENT + timedelta(days=1), "STOP"),
        )
        for after, at, source in events:
            proof = f"{MESSAGE_PROOF}wamid.stop" if source == "STOP" else "checkbox 3"
            session.add(
                ConsentEvent(contact_id=person.id, after=after, at=at, source=source, proof=proof, actor="shop")
            )
        session.add(RecipientTap(recipient_id=row.id, place="0", campaign_id=campaign.id, title="Yes", at=SENT))
        record_audit(session, NOW, "ada@example.com", AuditAction.START, "campaign", campaign.id)
        assert campaign.template is not None
        item: dict[str, Any] = {
            "name": campaign.template.name,
            "language": "en",
            "category": "MARKETING",
            "status": "APPROVED",
            "components": [{"type": "BODY", "text": "Something else, {{1}}"}],
        }
        fill_template(campaign.template, item, SENT + timedelta(hours=1))
        fill_template(campaign.template, item, SENT + timedelta(hours=2))
        return campaign.id, person.id


def facts_of(data: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        facts: dict[str, Any] = json.loads(archive.read("proof.json"))
        assert facts["message"]["text"] in archive.read("index.html").decode()
    return facts


def test_a_proof_has_everything_as_it_was_and_is_checked_by_anybody(
    shell: Shell, written_to: tuple[int, int], tmp_path: Path
) -> None:
    campaign_id, contact_id = written_to
    file, key = tmp_path / "proof.zip", tmp_path / "key.pem"
    shell.ok("proof", "make", str(campaign_id), "+34600000001", "--output", str(file))
    facts = facts_of(file.read_bytes())
    assert facts["consent"]["when_it_was_sent"] == "subscribed"
    assert [(it["after"], it["source"], it["proof"]) for it in facts["consent"]["history"]] == [
        ("subscribed", "form", "checkbox 3"), ("unsubscribed", "STOP", f"{MESSAGE_PROOF}wamid.stop"),
    ]  # fmt: skip
    assert facts["message"]["text"] == "Hello Alice, spring is here!\nReply STOP to leave"
    assert facts["message"]["values"] == {"body": {"1": "Alice"}}
    assert facts["template"]["components"][0]["text"] == "Hello {{1}}, spring is here!"
    assert facts["template"]["said_so_until"] == (SENT + timedelta(hours=1)).isoformat()
    assert (facts["result"]["status"], facts["result"]["read_at"]) == (
        "read",
        (SENT + timedelta(minutes=2)).isoformat(),
    )
    assert (facts["webhooks"]["wamid"], facts["taps"][0]["button"]) == ("wamid.alice", "Yes")
    assert facts["webhooks"]["callback_data"].endswith(":1:1")
    assert (facts["price"]["amount"], facts["price"]["currency"]) == ("0.05", "EUR")
    assert [(it["actor"], it["action"]) for it in facts["audit"]] == [("ada@example.com", "start")]
    assert facts["audit"][0]["chain_hash"]
    with shell.rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(FormerTemplate)) == 1  # what did not change is not kept
        entry = session.scalars(select(Audit).where(Audit.action == AuditAction.EXPORT)).one()
        assert (entry.object_type, entry.object_id, entry.detail["proof_of_campaign"]) == (
            "contact",
            str(contact_id),
            campaign_id,
        )
        assert "…" not in entry.detail["sha256"]
        assert "BEGIN" not in session.scalars(select(ProofKey.private_key)).one()
    assert "whole, signed with the key" in shell.ok("proof", "verify", str(file))
    shell.ok("proof", "key", "--output", str(key))
    shell.ok("proof", "key", "--new")
    assert shell.run("proof", "verify", str(file)).exit_code == 0  # by the older key, which stays known
    assert shell.run("proof", "verify", str(file), "--key", str(key)).exit_code == 0
    shell.ok("proof", "key", "--output", str(key))
    assert "not trusted here" in shell.refused("proof", "verify", str(file), "--key", str(key))
    assert "no Ed25519 public key" in shell.refused("proof", "verify", str(file), "--key", shell.file("x.pem", "x"))
    file.write_bytes(file.read_bytes().replace(b"spring is here", b"winter is here", 1))
    assert "one of its parts was changed" in shell.refused("proof", "verify", str(file))


def test_a_proof_is_for_who_may_after_a_fresh_proof_of_themselves_and_never_of_the_redacted(
    panel: Panel, written_to: tuple[int, int]
) -> None:
    campaign_id, contact_id = written_to
    address = f"/admin/contacts/{contact_id}/proof/{campaign_id}.zip"
    manager = panel.of(Role.MANAGER)
    page = manager.get(f"/contacts/{contact_id}/why?campaign={campaign_id}")
    assert address in page
    assert "Nothing was judged again" in page
    assert "Sent, delivered and read." in page
    assert "Choose one" in manager.get(f"/contacts/{contact_id}/why")
    manager.get(f"/contacts/{contact_id}/why?campaign=999", 404)
    answer = manager.client.get(address)
    assert (answer.mimetype, facts_of(answer.data)["about"]["made_by"]) == ("application/zip", "manager@example.com")
    assert panel.of(Role.AGENT).client.get(address).status_code == 403
    with panel.rt.database.write() as session:
        session.query(BrowserSession).update({"confirmed_at": NOW})
    assert manager.client.get(address).location.startswith("/admin/confirm")
    admin = panel.of(Role.ADMIN)
    with panel.rt.database.write() as session:
        person = session.get_one(Contact, contact_id)
        person.redacted_at, person.consent = NOW, Consent.REDACTED
    assert "the person was redacted" in admin.client.get(address, follow_redirects=True).text
