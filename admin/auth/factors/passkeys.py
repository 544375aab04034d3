"""Adds passkeys and checks them (WebAuthn). They are offered where the host of PUBLIC_URL is a name: browsers allow no address.

The host is the relying party's id, and PUBLIC_URL the only origin. A passkey can be the second step of a sign-in; one that verifies
its user, by a fingerprint or a PIN, can also sign in alone.
"""

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import or_, select, update
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from admin.auth.attempts import count_outcome
from admin.auth.factors.enrollment import lock_user, note_enrolled
from admin.auth.factors.passkey_challenges import ChallengePurpose, new_challenge, use_challenge
from admin.auth.factors.policy import has_factor
from admin.auth.sign_in import STRANGER
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.characters import drop_ignorable
from models.db.dialect import NO_SYNC
from models.errors import OperatorError
from models.tables.audit import AuditAction, record_audit
from models.tables.second_factor import Passkey
from models.tables.user import User

MAX_PASSKEYS = 20
MAX_NAME = 60
MAX_ANSWER = 16_384
WRONG = "This passkey was not accepted. Try again, or use another way."


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom passkeys are made for: the host, and the origin from which browsers may use them."""

    id: str
    origin: str


def relying_party(public_url: str) -> RelyingParty | None:
    """The relying party of PUBLIC_URL; None if browsers allow no passkeys there: its host is an address, or it has no https."""
    parts = urlsplit(public_url)
    host = (parts.hostname or "").lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return None
    is_local = host == "localhost" or host.endswith(".localhost")
    if not host or (parts.scheme != "https" and not is_local):
        return None
    port = "" if parts.port in {None, 443 if parts.scheme == "https" else 80} else f":{parts.port}"
    return RelyingParty(host, f"{parts.scheme}://{host}{port}")


def creation_options(rt: Runtime, user_id: int) -> str:
    """What the browser makes a passkey with, as JSON.

    Raises OperatorError if passkeys are not offered, or the user has too many.
    """
    party = _party(rt)
    with rt.database.read() as session:
        user = session.get_one(User, user_id)
        existing = session.scalars(select(Passkey.credential_id).where(Passkey.user_id == user_id)).all()
    _check_count(existing)
    return webauthn.options_to_json(
        webauthn.generate_registration_options(
            rp_id=party.id,
            rp_name="Hark",
            user_id=f"hark user {user_id}".encode(),
            user_name=user.email,
            challenge=new_challenge(rt, ChallengePurpose.ENROLL, owner_of(user_id)),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
            ),
            exclude_credentials=_descriptors(existing),
        )
    )


def enroll_passkey(
    rt: Runtime, user_id: int, name: str, answer: str, now: datetime, *, keep: int | None = None
) -> tuple[str, ...]:
    """Store the passkey that the browser made. Returns new recovery codes, if the user had none left.

    With the first factor the user's sessions end, which began without it, but not that with the id `keep`.
    Raises OperatorError if the answer is not right, the name is empty or too long, or the passkey is known already.
    """
    party, name = _party(rt), _read_name(name)
    challenge = _use_challenge_of(rt, answer, ChallengePurpose.ENROLL, owner_of(user_id))
    try:
        verified = webauthn.verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=party.id, expected_origin=party.origin
        )
    except Exception as error:
        raise OperatorError(WRONG) from error
    codes = _store(rt, user_id, name, party, verified, now, keep)
    count_outcome(rt, "factor_enrolled")
    return codes


@retry_conflicts
def _store(
    rt: Runtime,
    user_id: int,
    name: str,
    party: RelyingParty,
    verified: VerifiedRegistration,
    now: datetime,
    keep: int | None,
) -> tuple[str, ...]:
    """The write of `enroll_passkey`, alone: the challenge was used, and is not used again where this is repeated."""
    with rt.database.write() as session:
        user = lock_user(session, user_id)
        _check_count(session.scalars(select(Passkey.credential_id).where(Passkey.user_id == user_id)).all())
        credential_id = bytes_to_base64url(verified.credential_id)
        if session.scalar(select(Passkey.id).where(Passkey.credential_id == credential_id)):
            raise OperatorError("This passkey is known already.")
        is_first = not has_factor(session, user_id)
        session.add(
            Passkey(
                user_id=user_id,
                name=name,
                credential_id=credential_id,
                public_key=bytes_to_base64url(verified.credential_public_key),
                sign_count=verified.sign_count,
                rp_id=party.id,
                created_at=now,
            )
        )
        session.flush()
        return note_enrolled(session, user, now, is_first=is_first, keep=keep, kind="passkey", name=name)


def request_options(rt: Runtime, purpose: ChallengePurpose, owner: str, user_id: int | None) -> str:
    """What the browser signs with a passkey, as JSON; `user_id` None: any passkey that it holds for this host, to sign in alone.

    Raises OperatorError if passkeys are not offered, or the user has none for this host.
    """
    party = _party(rt)
    credentials: Sequence[str] = ()
    if user_id is not None:
        with rt.database.read() as session:
            query = select(Passkey.credential_id).where(Passkey.user_id == user_id, Passkey.rp_id == party.id)
            credentials = session.scalars(query).all()
        if not credentials:
            raise OperatorError("You have no passkey for this address of the panel.")
    return webauthn.options_to_json(
        webauthn.generate_authentication_options(
            rp_id=party.id,
            challenge=new_challenge(rt, purpose, owner),
            allow_credentials=_descriptors(credentials),
            user_verification=(
                UserVerificationRequirement.REQUIRED if user_id is None else UserVerificationRequirement.PREFERRED
            ),
        )
    )


def check_passkey(
    rt: Runtime, answer: str, purpose: ChallengePurpose, owner: str, user_id: int | None, now: datetime
) -> int:
    """Check what the browser signed; returns the user's id. `user_id` None: of whoever the passkey is, who must have been verified.

    Raises OperatorError if it is not right, or its count says that the passkey was copied.
    """
    party = _party(rt)
    challenge = _use_challenge_of(rt, answer, purpose, owner)
    credential_id = _credential_of(answer)
    with rt.database.read() as session:
        query = select(Passkey).where(Passkey.credential_id == credential_id, Passkey.rp_id == party.id)
        passkey = session.scalars(query if user_id is None else query.where(Passkey.user_id == user_id)).first()
    if passkey is None:
        raise _failed(rt, user_id, now)
    try:
        verified = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=user_id is None,
        )
    except Exception as error:
        raise _failed(rt, passkey.user_id, now) from error
    if not _note_use(rt, passkey, verified.new_sign_count, now):
        raise _failed(rt, passkey.user_id, now)
    return passkey.user_id


def owner_of(user_id: int) -> str:
    """The owner of a challenge that is a user's."""
    return f"user:{user_id}"


@retry_conflicts
def _note_use(rt: Runtime, passkey: Passkey, count: int, now: datetime) -> bool:
    """Store the count. False if the passkey was removed, or a use with this count or a higher one came first."""
    with rt.database.write() as session:
        used = session.scalar(
            update(Passkey)
            .where(Passkey.id == passkey.id, or_(Passkey.sign_count < count, Passkey.sign_count == 0))
            .values(sign_count=count, last_used_at=now)
            .returning(Passkey.id),
            execution_options=NO_SYNC,
        )
    return used is not None


@retry_conflicts
def _failed(rt: Runtime, user_id: int | None, now: datetime) -> OperatorError:
    if user_id is not None:
        with rt.database.write() as session:
            record_audit(session, now, STRANGER, AuditAction.FACTOR_FAILED, "user", user_id, kind="passkey")
    count_outcome(rt, "factor_failed")
    return OperatorError(WRONG)


def _party(rt: Runtime) -> RelyingParty:
    party = relying_party(rt.settings.public_url)
    if party is None:
        raise OperatorError("Passkeys need a PUBLIC_URL with https and a name as its host, such as hark.example.com.")
    return party


def _use_challenge_of(rt: Runtime, answer: str, purpose: ChallengePurpose, owner: str) -> bytes:
    """The challenge that an answer is to, which is used by that. Raises OperatorError if it is none of ours, or was used."""
    try:
        client_data = parse_client_data_json(base64url_to_bytes(_read(answer)["response"]["clientDataJSON"]))
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise OperatorError(WRONG) from error
    if not use_challenge(rt, client_data.challenge, purpose, owner):
        raise OperatorError("This took too long, or was sent before. Try again.")
    return client_data.challenge


def _credential_of(answer: str) -> str:
    credential_id = _read(answer).get("id")
    return credential_id if isinstance(credential_id, str) else ""


def _read(answer: str) -> dict[str, Any]:
    if len(answer) > MAX_ANSWER:
        raise OperatorError(WRONG)
    try:
        parsed = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise OperatorError(WRONG) from error
    if not isinstance(parsed, dict):
        raise OperatorError(WRONG)
    return parsed


def _read_name(name: str) -> str:
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in drop_ignorable(name)).split())
    if not 1 <= len(text) <= MAX_NAME:
        raise OperatorError("name: allowed are 1 to {longest} characters", longest=MAX_NAME)
    return text


def _check_count(existing: Sequence[str]) -> None:
    if len(existing) >= MAX_PASSKEYS:
        raise OperatorError("There are {count} passkeys already; remove one first.", count=len(existing))


def _descriptors(credential_ids: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(text)) for text in credential_ids]
