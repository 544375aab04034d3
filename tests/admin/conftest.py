"""What the product's own processes need of this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import services
from tests.support.oidc_provider import SayingProvider, saying_provider


@pytest.fixture
def directory() -> Iterator[Path]:
    """An empty one with a short path: sockets are made in it."""
    with services.temporary_directory() as found:
        yield found


@pytest.fixture
def oidc() -> Iterator[SayingProvider]:
    """A provider of single sign-on that says what a test has it say."""
    with saying_provider() as provider:
        yield provider
