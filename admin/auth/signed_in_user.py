"""Describes the user who signs in or is signed in, as pages and operations need them."""

from dataclasses import dataclass
from typing import Self

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
