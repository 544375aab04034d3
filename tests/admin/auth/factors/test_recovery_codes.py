"""Recovery codes: shown once, kept as hashes, each of one use."""

import threading

import pytest
from sqlalchemy import select

from admin.auth.factors.enrollment import renew_codes
from admin.auth.factors.policy import load_factors
from admin.auth.factors.recovery_codes import use_code
from jobs.core.runtime import Runtime
from models.errors import OperatorError
from models.tables.second_factor import RecoveryCode
from tests.support.second_factors import NOON, add_app, add_plain_user


def uses(rt: Runtime, user_id: int, text: str) -> bool:
    with rt.database.write() as session:
        return use_code(session, user_id, text, NOON)


def test_ten_codes_come_with_the_first_factor_and_each_is_used_once(rt: Runtime) -> None:
    user_id, other_id = add_plain_user(rt), add_plain_user(rt, email="ben@example.com")
    _, codes = add_app(rt, user_id)
    assert len(set(codes)) == 10
    assert not uses(rt, other_id, codes[0])
    assert uses(rt, user_id, codes[0])
    assert not uses(rt, user_id, codes[0])
    assert uses(rt, user_id, f" {codes[1].upper().replace('-', ' ')} ")
    assert load_factors(rt, user_id).codes_left == 8


def test_only_hashes_are_stored(rt: Runtime) -> None:
    _, codes = add_app(rt, add_plain_user(rt))
    with rt.database.read() as session:
        stored = session.scalars(select(RecoveryCode.code_hash)).all()
    assert len(stored) == 10
    assert all(len(text) == 64 and not any(code.replace("-", "") in text for code in codes) for text in stored)


def test_new_codes_replace_the_old_ones(rt: Runtime) -> None:
    user_id = add_plain_user(rt)
    _, old = add_app(rt, user_id)
    new = renew_codes(rt, user_id, NOON)
    assert not uses(rt, user_id, old[0])
    assert uses(rt, user_id, new[0])


@pytest.mark.sqlite_only
def test_few_codes_are_said_to_be_few(rt: Runtime) -> None:
    user_id = add_plain_user(rt)
    _, codes = add_app(rt, user_id)
    for code in codes[:6]:
        uses(rt, user_id, code)
    assert not load_factors(rt, user_id).has_few_codes
    uses(rt, user_id, codes[6])
    assert load_factors(rt, user_id).has_few_codes


@pytest.mark.sqlite_only
def test_codes_without_a_factor_would_stand_for_nothing(rt: Runtime) -> None:
    user_id = add_plain_user(rt)
    with pytest.raises(OperatorError, match="second factor first"):
        renew_codes(rt, user_id, NOON)
    assert not load_factors(rt, user_id).has_few_codes


@pytest.mark.race
def test_of_two_that_use_one_recovery_code_at_once_one_gets_in(rt: Runtime) -> None:
    user_id = add_plain_user(rt)
    _, codes = add_app(rt, user_id)
    begin, results = threading.Barrier(4), []

    def use() -> None:
        begin.wait(30)
        results.append(uses(rt, user_id, codes[0]))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == [False, False, False, True]
