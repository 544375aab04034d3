"""Codes of an authenticator app: each counts once, a step early or late, and the secret is kept encrypted."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from admin.auth.factors.enrollment import enroll_totp
from admin.auth.factors.totp import begin_totp, looks_like_totp, use_totp, waiting_totp
from admin.server.key_check import check_encryption_key
from jobs.core.runtime import Runtime
from models.crypto import Vault, new_encryption_key
from models.errors import OperatorError
from models.tables.second_factor import Totp
from tests.support.second_factors import NOON, STEP, add_app, add_plain_user, code_at


def uses(rt: Runtime, user_id: int, code: str, moment: datetime = NOON) -> bool:
    with rt.database.write() as session:
        return use_totp(session, rt.vault, user_id, code, moment)


def test_an_app_counts_once_a_code_of_it_was_right(rt: Runtime) -> None:
    user_id = add_plain_user(rt)
    new = begin_totp(rt, user_id, NOON)
    assert new.uri.startswith("otpauth://totp/Hark:ana%40example.com?secret=" + new.secret)
    assert not uses(rt, user_id, code_at(new.secret, NOON))
    with pytest.raises(OperatorError, match="not right"):
        enroll_totp(rt, user_id, "000000" if code_at(new.secret, NOON) != "000000" else "000001", NOON)
    assert len(enroll_totp(rt, user_id, code_at(new.secret, NOON), NOON)) == 10
    assert waiting_totp(rt, user_id, NOON) is None
    assert uses(rt, user_id, code_at(new.secret, NOON + STEP), NOON + STEP)


def test_the_secret_is_stored_encrypted(rt: Runtime) -> None:
    user_id = add_plain_user(rt)
    secret = begin_totp(rt, user_id, NOON).secret
    with rt.database.read() as session:
        stored = session.scalars(select(Totp.new_secret)).one()
    assert stored is not None
    assert secret not in stored
    assert rt.vault.decrypt(stored) == secret


def test_a_code_is_accepted_once_and_none_before_it_afterwards(rt: Runtime) -> None:
    user_id = add_plain_user(rt)
    secret, _ = add_app(rt, user_id, NOON - 10 * STEP)
    later = code_at(secret, NOON + STEP)
    assert uses(rt, user_id, later)
    assert not uses(rt, user_id, later)
    assert not uses(rt, user_id, code_at(secret, NOON))
    assert uses(rt, user_id, code_at(secret, NOON + 2 * STEP), NOON + STEP)


def test_the_code_of_the_enrollment_does_not_sign_in_as_well(rt: Runtime) -> None:
    user_id = add_plain_user(rt)
    secret, _ = add_app(rt, user_id, NOON)
    assert not uses(rt, user_id, code_at(secret, NOON))


@pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
@pytest.mark.sqlite_only
def test_a_clock_may_be_a_step_off(rt: Runtime, steps: int, is_right: bool) -> None:
    user_id = add_plain_user(rt)
    secret, _ = add_app(rt, user_id, NOON - 100 * STEP)
    assert uses(rt, user_id, code_at(secret, NOON + steps * STEP)) is is_right


@pytest.mark.sqlite_only
@pytest.mark.parametrize("text", ["", "x", "12345", "1234567", "é12345", "१२३४५६", "123456" * 9, "\x00" * 6])
def test_what_is_no_code_is_wrong(rt: Runtime, text: str) -> None:
    user_id = add_plain_user(rt)
    add_app(rt, user_id)
    assert not uses(rt, user_id, text)
    assert not looks_like_totp(text)


@pytest.mark.sqlite_only
def test_a_code_may_be_typed_in_groups(rt: Runtime) -> None:
    user_id = add_plain_user(rt)
    secret, _ = add_app(rt, user_id, NOON - 9 * STEP)
    code = code_at(secret, NOON)
    assert looks_like_totp(f" {code[:3]} {code[3:]} ")
    assert uses(rt, user_id, f"{code[:3]}-{code[3:]}")


@pytest.mark.sqlite_only
def test_a_new_app_waits_half_an_hour_and_the_old_one_goes_on_until_then(rt: Runtime) -> None:
    user_id = add_plain_user(rt)
    old, _ = add_app(rt, user_id, NOON - 99 * STEP)
    new = begin_totp(rt, user_id, NOON).secret
    assert uses(rt, user_id, code_at(old, NOON))
    late = NOON + timedelta(minutes=31)
    with pytest.raises(OperatorError):
        enroll_totp(rt, user_id, code_at(new, late), late)
    assert waiting_totp(rt, user_id, late) is None
    newer = begin_totp(rt, user_id, late).secret
    assert enroll_totp(rt, user_id, code_at(newer, late), late) == ()  # recovery codes are left
    assert not uses(rt, user_id, code_at(old, late + STEP), late + STEP)
    assert uses(rt, user_id, code_at(newer, late + STEP), late + STEP)


def test_the_secret_is_encrypted_again_with_a_newer_key(rt: Runtime) -> None:
    user_id = add_plain_user(rt)
    secret, _ = add_app(rt, user_id)
    waiting = begin_totp(rt, user_id, NOON).secret
    check_encryption_key(rt, NOON)
    newest = new_encryption_key()
    newer = Runtime(replace(rt.settings, encryption_keys=(newest, *rt.settings.encryption_keys)))
    check_encryption_key(newer, NOON)
    newer.close()
    with rt.database.read() as session:
        row = session.scalars(select(Totp)).one()
    vault = Vault((newest,))
    assert [vault.decrypt(text or "") for text in (row.secret, row.new_secret)] == [secret, waiting]


@pytest.mark.race
def test_of_two_that_use_one_code_at_once_one_gets_in(rt: Runtime) -> None:
    user_id = add_plain_user(rt)
    secret, _ = add_app(rt, user_id, NOON - 9 * STEP)
    code, begin, results = code_at(secret, NOON), threading.Barrier(4), []

    def use() -> None:
        begin.wait(30)
        results.append(uses(rt, user_id, code))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == [False, False, False, True]
