"""From a claim to a role."""

import pytest

from admin.auth.sso.roles import read_mapping, role_of
from models.errors import OperatorError
from models.tables.user import Role

OWN_NAMES = read_mapping("")


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"roles": "manager"}, Role.MANAGER),
        ({"roles": ["viewer", "admin", "agent"]}, Role.ADMIN),
        ({"roles": ["everybody", "agent"]}, Role.AGENT),
        ({"roles": "boss"}, None),
        ({"roles": "Admin"}, None),
        ({"roles": []}, None),
        ({"roles": None}, None),
        ({"roles": {"admin": True}}, None),
        ({"roles": [["admin"], 7, None]}, None),
        ({}, None),
    ],
)
def test_the_highest_role_that_the_claim_gives_counts(claims: dict[str, object], role: Role | None) -> None:
    assert role_of(claims, "roles", OWN_NAMES) is role


def test_a_claim_is_found_by_its_name_first_and_then_by_a_path() -> None:
    assert role_of({"realm_access": {"roles": ["agent"]}}, "realm_access.roles", OWN_NAMES) is Role.AGENT
    assert role_of({"https://x.example/roles": "viewer"}, "https://x.example/roles", OWN_NAMES) is Role.VIEWER
    assert role_of({"realm_access": "admin"}, "realm_access.roles", OWN_NAMES) is None


def test_values_of_the_claim_can_have_names_of_their_own() -> None:
    mapping = read_mapping(" hark-admins=admin ; CN=Sales = agent;")
    assert mapping == {"hark-admins": Role.ADMIN, "CN=Sales": Role.AGENT}
    assert role_of({"groups": ["CN=Sales"]}, "groups", mapping) is Role.AGENT
    assert role_of({"groups": ["admin"]}, "groups", mapping) is None


@pytest.mark.parametrize("text", ["admin", "=admin", "x=boss", "a=admin;b"])
def test_a_mapping_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="allowed is a value of the claim and a role"):
        read_mapping(text)
