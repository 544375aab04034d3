"""Who must have a second factor, what may be removed, and what an administrator resets."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select

from admin.auth.factors.enrollment import remove_passkey, remove_totp, reset_factors
from admin.auth.factors.policy import load_factors, must_enroll, read_roles, users_with_factors
from admin.operations.settings import set_setting
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.tables.audit import Audit
from models.tables.second_factor import Passkey
from models.tables.user import Role
from tests.support.second_factors import NOON, add_app, add_plain_user


def add_passkey_row(rt: Runtime, user_id: int, name: str = "Laptop") -> int:
    with rt.database.write() as session:
        row = Passkey(
            user_id=user_id, name=name, credential_id=f"c-{user_id}-{name}", public_key="x", sign_count=0, rp_id="localhost",
            created_at=NOON,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id


def audited(rt: Runtime) -> list[str]:
    with rt.database.read() as session:
        return list(session.scalars(select(Audit.action).where(Audit.object_type == "user").order_by(Audit.id)))


def require(rt: Runtime, text: str) -> None:
    set_setting(rt, "second_factor_roles", text, "test")


def test_a_role_of_the_setting_needs_a_factor_and_others_do_not(rt: Runtime) -> None:
    user_id = add_plain_user(rt, Role.MANAGER)
    assert not must_enroll(rt, user_id, Role.MANAGER)
    require(rt, " Admin, manager ")
    assert must_enroll(rt, user_id, Role.MANAGER)
    assert not must_enroll(rt, user_id, Role.AGENT)
    add_app(rt, user_id)
    assert not must_enroll(rt, user_id, Role.MANAGER)


@pytest.mark.sqlite_only
def test_a_setting_that_names_no_role_is_refused(rt: Runtime) -> None:
    with pytest.raises(OperatorError, match=r"allowed are roles.*viewer, agent, manager, admin"):
        require(rt, "admin, boss")
    assert read_roles(" ,") == ()


def test_the_last_factor_of_a_role_that_needs_one_cannot_be_removed(rt: Runtime) -> None:
    user_id = add_plain_user(rt, Role.ADMIN)
    add_app(rt, user_id)
    passkey_id = add_passkey_row(rt, user_id)
    require(rt, "admin")
    remove_passkey(rt, user_id, passkey_id, NOON)
    with pytest.raises(OperatorError, match="Your role needs a second factor"):
        remove_totp(rt, user_id, NOON)
    assert load_factors(rt, user_id).count == 1
    require(rt, "")
    remove_totp(rt, user_id, NOON)
    factors = load_factors(rt, user_id)
    assert (factors.count, factors.codes_left) == (0, 0)
    assert audited(rt) == ["enroll_factor", "remove_factor", "remove_factor"]


@pytest.mark.race
def test_two_that_remove_the_last_two_factors_at_once_leave_one(rt: Runtime) -> None:
    user_id = add_plain_user(rt, Role.ADMIN)
    add_app(rt, user_id)
    passkey_id = add_passkey_row(rt, user_id)
    require(rt, "admin")
    begin, refused = threading.Barrier(2), []

    def attempt(step: Callable[[], None]) -> None:
        begin.wait(30)
        try:
            step()
        except OperatorError as error:
            refused.append(str(error))

    steps = (lambda: remove_totp(rt, user_id, NOON), lambda: remove_passkey(rt, user_id, passkey_id, NOON))
    threads = [threading.Thread(target=attempt, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(refused), load_factors(rt, user_id).count) == (1, 1)


def test_what_is_not_there_or_anothers_cannot_be_removed(rt: Runtime) -> None:
    user_id, other_id = add_plain_user(rt), add_plain_user(rt, email="ben@example.com")
    passkey_id = add_passkey_row(rt, other_id)
    with pytest.raises(OperatorError, match="no authenticator app"):
        remove_totp(rt, user_id, NOON)
    with pytest.raises(OperatorError, match="removed already"):
        remove_passkey(rt, user_id, passkey_id, NOON)
    assert load_factors(rt, other_id).count == 1


def test_a_reset_removes_every_factor_with_the_recovery_codes(rt: Runtime) -> None:
    user_id, other_id = add_plain_user(rt), add_plain_user(rt, email="ben@example.com")
    for each in (user_id, other_id):
        add_app(rt, each)
    add_passkey_row(rt, user_id)
    with rt.database.read() as session:
        assert users_with_factors(session) == {user_id: 2, other_id: 1}
    assert reset_factors(rt, user_id, "cli") == 2
    assert (load_factors(rt, user_id).count, load_factors(rt, user_id).codes_left) == (0, 0)
    assert (load_factors(rt, other_id).count, load_factors(rt, other_id).codes_left) == (1, 10)
    assert audited(rt)[-1] == "reset_factors"
    with pytest.raises(OperatorError, match="no such user"):
        reset_factors(rt, 999, "cli")
