"""Says which user somebody at the provider is: links accounts, makes users, and gives the roles that the provider's claim says."""

from contextlib import suppress
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from admin.auth.attempts import count_outcome
from admin.auth.passwords import new_one_time_password
from admin.auth.sessions import end_sessions_of
from admin.auth.sign_in import STRANGER
from admin.auth.signed_in_user import SignedInUser
from admin.auth.sso.errors import SignOnError
from admin.auth.sso.id_token import Claims
from admin.auth.sso.roles import SETTING, read_mapping, role_of
from admin.auth.users import check_another_admin, new_user, read_email
from jobs.core.conflicts import retry_conflicts
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.oidc_settings import OidcSettings
from models.tables.audit import AuditAction, record_audit
from models.tables.browser_session import EndReason
from models.tables.external_identity import ExternalIdentity
from models.tables.setting import read_setting
from models.tables.user import Role, User

PROVIDER = "single_sign_on"
"""The actor of what the provider's word changes."""


def sign_on(rt: Runtime, own: OidcSettings, claims: Claims, now: datetime) -> SignedInUser:
    """The user of an account at the provider, with the role that it says. Raises SignOnError if it gives no access."""
    try:
        for _ in range(3):
            # Two first sign-ins of one person: the other one added the rows, which are found the next time.
            with suppress(IntegrityError):
                if user := _sign_on(rt, own, claims, now):
                    return user
        raise SignOnError("You sign in several times at this moment. Try again.")
    except SignOnError:
        _record_refusal(rt, claims, now)
        raise


def is_linked(rt: Runtime, user_id: int, claims: Claims) -> bool:
    """Whether this account at the provider is the user's."""
    with rt.database.read() as session:
        identity = session.get(ExternalIdentity, user_id)
    return identity is not None and (identity.issuer, identity.subject) == (claims.issuer, claims.subject)


@retry_conflicts
def _sign_on(rt: Runtime, own: OidcSettings, claims: Claims, now: datetime) -> SignedInUser | None:
    """None if the user was added meanwhile."""
    with rt.database.read() as session:
        role = _role(session, own, claims)
        is_known = _user_of(session, claims, is_locked=False) is not None
    hashed = "" if is_known else _hash_nobody_knows()
    with rt.database.write() as session:
        user = _user_of(session, claims, is_locked=True) or _add_user(session, claims, role, hashed)
        if user is None:
            return None
        if not user.is_active:
            raise SignOnError("You cannot sign in: an administrator keeps you out.")
        _link(session, user, claims, now)
        if role is not None and role is not user.role:
            _change_role(session, user, role, now)
        session.flush()
        return SignedInUser.of(user)


def _role(session: Session, own: OidcSettings, claims: Claims) -> Role | None:
    """The role that the claim gives; None if roles are given in Hark. Raises SignOnError if the claim gives none."""
    if own.role_claim is None:
        return None
    mapping = read_mapping(str(read_setting(session, SETTING)))
    role = role_of(claims.all, own.role_claim, mapping)
    if role is None:
        raise SignOnError("Your account at the provider has no role in Hark. Ask whoever gives out roles there.")
    return role


def _user_of(session: Session, claims: Claims, *, is_locked: bool) -> User | None:
    """The user who is linked to the account, else the one with its e-mail; their row is locked if it `is_locked`.

    Raises SignOnError if they are not to be linked.
    """
    users = select(User).with_for_update(of=User) if is_locked else select(User)
    linked = session.scalar(
        users.join(ExternalIdentity, ExternalIdentity.user_id == User.id).where(
            ExternalIdentity.issuer == claims.issuer, ExternalIdentity.subject == claims.subject
        )
    )
    if linked is not None:
        return linked
    email = _verified_email(claims)
    user = session.scalar(users.where(User.email == email))
    if user is not None and session.get(ExternalIdentity, user.id) is not None:
        raise SignOnError(
            "{email} is linked to another account at the provider. An administrator can take that link away.",
            email=email,
        )
    return user


def _add_user(session: Session, claims: Claims, role: Role | None, hashed: str) -> User | None:
    email = _verified_email(claims)
    if role is None:
        raise SignOnError("{email} is no user of Hark. An administrator adds users.", email=email)
    try:
        return new_user(session, email, role.value, hashed, PROVIDER, must_change=False)
    except OperatorError:  # the address was taken meanwhile
        return None


def _link(session: Session, user: User, claims: Claims, now: datetime) -> None:
    identity = session.get(ExternalIdentity, user.id)
    if identity is not None:
        identity.last_used_at = now
        return
    session.add(
        ExternalIdentity(user_id=user.id, issuer=claims.issuer, subject=claims.subject, linked_at=now, last_used_at=now)
    )
    record_audit(session, now, PROVIDER, AuditAction.LINK_ACCOUNT, "user", user.id, issuer=claims.issuer)


def _change_role(session: Session, user: User, role: Role, now: datetime) -> None:
    if user.role is Role.ADMIN:
        try:
            check_another_admin(session, user.id)
        except OperatorError as error:
            raise SignOnError.of(error) from error
    user.role = role
    ended = end_sessions_of(session, user.id, EndReason.ROLE_CHANGED, now)
    session.refresh(user, ["session_key"])
    record_audit(session, now, PROVIDER, AuditAction.CHANGE_ROLE, "user", user.id, role=role.value, sessions=ended)


def _verified_email(claims: Claims) -> str:
    if claims.verified_email is None:
        raise SignOnError("The provider does not say that your e-mail is verified, so it cannot tell who you are here.")
    try:
        return read_email(claims.verified_email)
    except OperatorError as error:
        raise SignOnError.of(error) from error


def _hash_nobody_knows() -> str:
    """The hash of a password that nobody has: signing in with one takes as long as for any other user, and fails."""
    _, hashed = new_one_time_password()
    return hashed


@retry_conflicts
def _record_refusal(rt: Runtime, claims: Claims, now: datetime) -> None:
    """Count it, and note it in the audit if the account is a user's: strangers cannot fill the audit."""
    with rt.database.write() as session:
        user_id = session.scalar(
            select(ExternalIdentity.user_id).where(
                ExternalIdentity.issuer == claims.issuer, ExternalIdentity.subject == claims.subject
            )
        )
        if user_id is not None:
            record_audit(session, now, STRANGER, AuditAction.SIGN_ON_REFUSED, "user", user_id)
    count_outcome(rt, "sign_on_refused")
