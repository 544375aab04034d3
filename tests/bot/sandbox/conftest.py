"""A calm simulated Meta, and what it posts its webhooks to."""

from collections.abc import Iterator

import pytest

from bot.sandbox.config import Config
from bot.sandbox.server import start_in_thread
from tests.support.sandbox_client import CALM, Caller
from tests.support.sandbox_receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def meta(receiver: Receiver) -> Iterator[Caller]:
    handle = start_in_thread(Config(webhook_url=receiver.url, **CALM))
    caller = Caller(handle)
    yield caller
    caller.close()
    handle.stop()
