"""The signed file: whatever is changed in it is found, and nobody else's signature counts."""

import json
import zipfile
from io import BytesIO
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from models.proof.archive import MEMBERS, SIGNATURE, ProofError, check_proof, pack_proof
from models.proof.keys import public_pem
from models.proof.page import proof_page

KEY, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
TRUSTED = [KEY.public_key()]
FACTS: dict[str, Any] = {
    "person": {"phone": "+34600000001", "name": "<b>Ana</b>"},
    "campaign": {"id": 1, "name": "Spring & Co"},
    "consent": {"history": [{"after": "subscribed", "source": "form", "proof": None}]},
    "message": {"text": "Hello Ana,\nspring is here!", "values": {"body": {"1": "Ana"}}},
    "taps": [],
    "price": {"amount": "0.05", "is_billable": True},
    "unknown": ["Nothing else."],
}


def made(key: Ed25519PrivateKey = KEY, facts: dict[str, Any] = FACTS) -> bytes:
    return pack_proof(facts, proof_page(facts), key.public_key(), key.sign)


PROOF = made()


def test_a_proof_is_one_file_of_one_form_that_is_read_without_hark() -> None:
    assert made() == PROOF
    checked = check_proof(PROOF, [STRANGER.public_key(), *TRUSTED])
    assert checked.facts == FACTS
    with zipfile.ZipFile(BytesIO(PROOF)) as archive:
        assert archive.namelist() == list(MEMBERS)
        page = archive.read("index.html").decode()
        assert json.loads(archive.read("proof.json")) == FACTS
    assert "&lt;b&gt;Ana&lt;/b&gt;" in page
    assert "<b>Ana</b>" not in page
    assert "spring is here!" in page
    assert "http" not in page


def test_a_change_of_any_byte_is_found() -> None:
    for place in range(len(PROOF)):
        changed = bytearray(PROOF)
        changed[place] ^= (1, 0x20, 0x80, 0xFF)[place % 4]
        with pytest.raises(ProofError):
            check_proof(bytes(changed), TRUSTED)


@given(st.data())
def test_what_is_cut_out_put_in_or_moved_is_found(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(PROOF)))
    end = data.draw(st.integers(start, min(len(PROOF), start + 40)))
    changed = PROOF[:start] + data.draw(st.binary(max_size=40)) + PROOF[end:]
    if changed != PROOF:
        with pytest.raises(ProofError):
            check_proof(changed, TRUSTED)


def test_whoever_signs_anew_is_not_trusted() -> None:
    with pytest.raises(ProofError, match="it is whole, but signed with the key"):
        check_proof(made(STRANGER), TRUSTED)
    with pytest.raises(ProofError, match="not trusted"):
        check_proof(PROOF, [])


def test_a_signature_that_names_another_key_does_not_fit() -> None:
    with zipfile.ZipFile(BytesIO(made(STRANGER))) as archive:
        members = {name: archive.read(name) for name in MEMBERS}
    about = json.loads(members[SIGNATURE]) | {"public_key": public_pem(KEY.public_key())}
    members[SIGNATURE] = json.dumps(about, sort_keys=True, indent=2).encode()
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ProofError, match="the signature does not fit"):
        check_proof(file.getvalue(), TRUSTED)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "no whole ZIP"), (b"PK\x05\x06" + b"\0" * 18, "does not hold exactly"), (b"x" * 100, "no whole ZIP")],
)
def test_what_is_no_proof_is_said_so(content: bytes, message: str) -> None:
    with pytest.raises(ProofError, match=message):
        check_proof(content, TRUSTED)
