"""Says which second factors a user has, and who must have one (the setting `second_factor_roles`)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from admin.auth.factors.recovery_codes import FEW, codes_left
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.tables.second_factor import Passkey, Totp
from models.tables.setting import read_setting
from models.tables.user import Role

SETTING = "second_factor_roles"


@dataclass(frozen=True, slots=True)
class PasskeyEntry:
    """A passkey as its user sees it. `rp_id` is the host that it is for."""

    id: int
    name: str
    rp_id: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """The second factors of a user. `totp_since` is None without an authenticator app."""

    totp_since: datetime | None
    passkeys: tuple[PasskeyEntry, ...]
    codes_left: int

    @property
    def count(self) -> int:
        """How many factors there are. Recovery codes stand for one that was lost, and are none of their own."""
        return len(self.passkeys) + (self.totp_since is not None)

    @property
    def has_few_codes(self) -> bool:
        """Whether new recovery codes should be made soon."""
        return self.count > 0 and self.codes_left <= FEW

    def passkeys_for(self, rp_id: str | None) -> tuple[PasskeyEntry, ...]:
        """The passkeys that can be used where the panel has this host."""
        return tuple(passkey for passkey in self.passkeys if passkey.rp_id == rp_id)


def read_roles(text: str) -> tuple[Role, ...]:
    """Parse the setting, such as `admin, manager`. Raises OperatorError if something in it is no role."""
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in list(Role):
            raise OperatorError(
                "“{word}”: allowed are roles, separated by commas: {allowed}",
                word=word[:20],
                allowed=", ".join(Role),
            )
    return tuple(role for role in Role if role.value in words)


def is_required(session: Session, role: Role) -> bool:
    """Whether users of this role must have a second factor."""
    return role in read_roles(str(read_setting(session, SETTING)))


def must_enroll(rt: Runtime, user_id: int, role: Role) -> bool:
    """Whether a user must set up a second factor before anything else: their role needs one and they have none."""
    with rt.database.read() as session:
        return is_required(session, role) and not has_factor(session, user_id)


def has_factor(session: Session, user_id: int) -> bool:
    """Whether a user has a second factor."""
    has_totp = exists().where(Totp.user_id == user_id, Totp.confirmed_at.is_not(None))
    has_passkey = exists().where(Passkey.user_id == user_id)
    return bool(session.scalar(select(has_totp | has_passkey)))


def factors_of(session: Session, user_id: int) -> Factors:
    """The second factors of a user."""
    since = session.scalar(select(Totp.confirmed_at).where(Totp.user_id == user_id))
    rows = session.scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id))
    passkeys = tuple(PasskeyEntry(row.id, row.name, row.rp_id, row.created_at, row.last_used_at) for row in rows)
    return Factors(since, passkeys, codes_left(session, user_id))


def load_factors(rt: Runtime, user_id: int) -> Factors:
    """The second factors of a user."""
    with rt.database.read() as session:
        return factors_of(session, user_id)


def users_with_factors(session: Session) -> dict[int, int]:
    """User id → how many second factors, for those who have one."""
    counts: dict[int, int] = dict.fromkeys(
        session.scalars(select(Totp.user_id).where(Totp.confirmed_at.is_not(None))), 1
    )
    for user_id, passkeys in session.execute(select(Passkey.user_id, func.count()).group_by(Passkey.user_id)):
        counts[user_id] = counts.get(user_id, 0) + passkeys
    return counts
