"""A flood of sign-ins from many addresses: 400 attempts, with `--prove` 10,000 from 1,000 addresses."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher

from admin.auth import passwords
from admin.auth.attempts import HASHES_AT_A_TIME, TooManyAttemptsError, new_device
from admin.auth.sign_in import sign_in
from models.clock import utcnow
from models.errors import OperatorError
from models.tables.user import Role
from tests.support import proof
from tests.support.panel_app import PASSWORD, Panel

THREADS = 16
"""As many as the web process has."""


class CountedHasher:
    """The hasher of the product, at a lower price; `most` is how many worked at once."""

    def __init__(self) -> None:
        self.hasher = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
        self.lock, self.now, self.most, self.times = threading.Lock(), 0, 0, 0

    def hash(self, password: str) -> str:
        return self.hasher.hash(password)

    def verify(self, stored: str, password: str) -> bool:
        with self.lock:
            self.now, self.times = self.now + 1, self.times + 1
            self.most = max(self.most, self.now)
        try:
            time.sleep(0.02)
            return self.hasher.verify(stored, password)
        finally:
            with self.lock:
                self.now -= 1


@pytest.mark.sqlite_only
def test_a_flood_computes_two_passwords_at_a_time_and_keeps_out_no_browser_that_is_known(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts, addresses = proof.rounds(400, 10_000), proof.rounds(40, 1_000)
    rt, hasher, outcomes = panel.rt, CountedHasher(), Counter[str]()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    device = new_device(rt, "admin@example.com")

    def attempt(place: int) -> None:
        email = "admin@example.com" if place % 2 else f"user{place}@example.com"
        address = f"10.0.{place % addresses // 250}.{place % addresses % 250}"
        try:
            sign_in(rt, email, "wrong password", address, utcnow())
        except TooManyAttemptsError:
            outcomes["limited"] += 1
        except OperatorError:
            outcomes["failed"] += 1

    with ThreadPoolExecutor(THREADS) as pool:
        flood = [pool.submit(attempt, place) for place in range(attempts)]
        waits = []
        while not all(future.done() for future in flood):
            began = time.monotonic()
            assert sign_in(rt, "admin@example.com", PASSWORD, "192.0.2.1", utcnow(), device=device).role is Role.ADMIN
            waits.append(time.monotonic() - began)
            time.sleep(0.05)
        for future in flood:
            future.result()
    assert hasher.most <= HASHES_AT_A_TIME
    assert waits
    assert outcomes["failed"] + outcomes["limited"] == attempts
    print(
        f"{attempts} attempts: {dict(outcomes)}, hashed {hasher.times}; a known browser waited {max(waits):.2f} s at most"
    )
