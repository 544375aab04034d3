"""What the product's own processes need of this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import services


@pytest.fixture
def directory() -> Iterator[Path]:
    """An empty one with a short path: sockets are made in it."""
    with services.temporary_directory() as found:
        yield found
