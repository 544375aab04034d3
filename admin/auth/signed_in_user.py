"""Describes the user who signs in or is signed in, as pages and operations need them."""

from dataclasses import dataclass
from typing import Self

from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.tables.user import Role, User


@dataclass(frozen=True)
class SignedInUser:
    """A user who was recognised. `key` changes whenever the user's sessions are ended, so that a sign-in from before fails."""

    id: int
    email: str
    name: str
    role: Role
    key: str
    must_change_password: bool

    @classmethod
    def of(cls, user: User) -> Self:
        """The user of a row."""
        return cls(user.id, user.email, user.name, user.role, user.session_key, user.must_change_password)

    def may(self, role: Role) -> bool:
        """Whether the user has this role or a higher one."""
        order = list(Role)
        return order.index(self.role) >= order.index(role)


def load_signed_in_user(rt: Runtime, user_id: int) -> SignedInUser:
    """The active user of this id. Raises OperatorError if there is none."""
    with rt.database.read() as session:
        user = session.get(User, user_id)
    if user is None or not user.is_active:
        raise OperatorError("You cannot sign in: an administrator keeps you out.")
    return SignedInUser.of(user)
