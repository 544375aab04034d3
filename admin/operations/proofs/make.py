"""Makes a proof and notes it, and makes and shows the keys that sign."""

import hashlib
from typing import Any

from admin.operations.exports.record import record_export
from admin.operations.proofs.message import message_facts
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.proof.archive import pack_proof
from models.proof.bundle import collect_facts, find_recipient
from models.proof.keys import all_keys, make_key, newest_key, read_public_key, sign
from models.proof.page import proof_page
from models.tables.audit import AuditAction, record_audit
from models.tables.proof_key import ProofKey


def make_proof(rt: Runtime, campaign_id: int, contact_id: int, actor: str) -> bytes:
    """The signed file about a person in a campaign. It is noted in the audit before it leaves.

    Raises OperatorError if there is no such campaign or contact, the person was redacted, or is not in the campaign.
    """
    now, vault, installation = utcnow(), rt.settings.vault(), rt.installation
    with rt.database.read() as session:
        campaign, contact, recipient = find_recipient(session, campaign_id, contact_id)
        message = message_facts(session, campaign, recipient, installation, rt.settings.time_zone)
        facts: dict[str, Any] = {
            "about": {"made_at": now.isoformat(), "made_by": actor, "installation": installation, "times": "UTC"},
            **collect_facts(session, campaign, contact, recipient, message),
        }
    key = signing_key(rt, actor)
    data = pack_proof(facts, proof_page(facts), read_public_key(key.public_key), lambda text: sign(key, vault, text))
    sha256 = _groups(hashlib.sha256(data).hexdigest())
    record_export(rt, actor, "proof", contact_id, object_type="contact", proof_of_campaign=campaign_id, sha256=sha256)
    return data


@retry_conflicts
def signing_key(rt: Runtime, actor: str, *, is_new: bool = False) -> ProofKey:
    """The key that signs, made if there is none. `is_new`: another one, which signs from now on."""
    now = utcnow()
    with rt.database.read() as session:
        key = newest_key(session)
    if key is not None and not is_new:
        return key
    with rt.database.write() as session:
        key = make_key(session, rt.settings.vault(), now)
        record_audit(session, now, actor, AuditAction.ADD, "proof_key", key.id, fingerprint=_groups(key.fingerprint))
        session.flush()
        session.expunge(key)
        return key


def known_keys(rt: Runtime) -> list[ProofKey]:
    """Every key that signed or signs, the newest first."""
    with rt.database.read() as session:
        return list(all_keys(session))


def _groups(hexadecimal: str) -> str:
    """Hexadecimal digits in groups: a long row of digits in the audit would be taken for a phone number, and masked."""
    return ":".join(hexadecimal[place : place + 4] for place in range(0, len(hexadecimal), 4))
