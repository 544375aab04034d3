"""The second step is one attempt, however often the database gives its transaction up for another one; on both databases."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from admin.auth.attempts import FACTOR
from admin.auth.factors import second_step
from admin.auth.factors.second_step import WRONG, check_typed_code
from admin.auth.factors.totp import use_totp
from jobs.core.runtime import Runtime
from models.clock import utcnow
from models.errors import OperatorError
from tests.support.second_factors import add_plain_user


def given_up_once(act: Callable[..., Any]) -> Callable[..., Any]:
    """The function; at its first call the database gives its transaction up."""
    tries: list[int] = []

    def call(*args: Any, **kwargs: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise OperationalError("UPDATE", {}, error)
        return act(*args, **kwargs)

    return call


def test_a_code_whose_transaction_is_repeated_is_one_attempt(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    user_id = add_plain_user(rt)
    monkeypatch.setattr(second_step, "use_totp", given_up_once(use_totp))
    with pytest.raises(OperatorError, match=WRONG):
        check_typed_code(rt, user_id, "ana@example.com", "123456", utcnow())
    [key] = rt.redis.keys(f"hark:sign_in:{FACTOR.name}:*")
    assert rt.redis.hget(key, "count") == b"1"
