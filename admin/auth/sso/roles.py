"""Reads a user's role from the claim that OIDC_ROLE_CLAIM names, by the setting `single_sign_on_roles`."""

from collections.abc import Iterator, Mapping
from typing import Any

from models.errors import OperatorError
from models.tables.user import Role

SETTING = "single_sign_on_roles"


def read_mapping(text: str) -> dict[str, Role]:
    """Parse the setting, such as `hark-admins=admin; marketing=manager`: the claim's value → the role.

    Empty: the values are the roles' own names. Raises OperatorError if it is something else.
    """
    mapping: dict[str, Role] = {}
    for pair in filter(None, (part.strip() for part in text.split(";"))):
        value, _, role = (word.strip() for word in pair.rpartition("="))
        if not value or role.lower() not in list(Role):
            raise OperatorError(
                "“{pair}”: allowed is a value of the claim and a role, such as marketing=manager; roles are {allowed}",
                pair=pair[:60],
                allowed=", ".join(Role),
            )
        mapping[value] = Role(role.lower())
    return mapping or {role.value: role for role in Role}


def role_of(claims: Mapping[str, Any], claim: str, mapping: Mapping[str, Role]) -> Role | None:
    """The highest role that the claim gives, a text or a list of them; None if it gives none."""
    given = {mapping[value] for value in _values(claims, claim) if value in mapping}
    return max(given, key=list(Role).index, default=None)


def _values(claims: Mapping[str, Any], claim: str) -> Iterator[str]:
    found = find_claim(claims, claim)
    for value in found if isinstance(found, list) else [found]:
        if isinstance(value, str):
            yield value


def find_claim(claims: Mapping[str, Any], claim: str) -> Any:
    """A claim by its name, which may contain dots; else by a path such as `realm_access.roles`."""
    if claim in claims:
        return claims[claim]
    found: Any = claims
    for name in claim.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found
