"""What a process of Hark works with: settings, the database, Redis, the keys. Opened once, at an edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from jobs.core.loader import load
from models.clock import utcnow
from models.config import Settings, load_settings
from models.crypto import Vault, new_token
from models.db.engine import Database
from models.tables.setting import Setting, read_setting

if TYPE_CHECKING:
    from redis import Redis


class Runtime:
    """The parts that jobs share. Nothing connects before it is used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url, time_zone=settings.time_zone)
        self.vault: Vault = settings.vault()

    @cached_property
    def redis(self) -> "Redis":
        """A client that answers in bytes. A read-only command is tried again; others fail at once and visibly."""
        client: Redis = load("jobs.core.redis_client:redis_client")(self.settings)
        return client

    @cached_property
    def installation(self) -> str:
        """This installation's name in callback data; made once, whoever asks first."""
        with self.database.read() as session:
            name = read_setting(session, "installation")
        if not name:
            with self.database.write() as session:
                name = read_setting(session, "installation")
                if not name:
                    name = new_token(6).replace("-", "a").replace("_", "b")
                    session.merge(Setting(key="installation", value=name, updated_at=utcnow()))
        return str(name)

    def close(self) -> None:
        """Give every connection back."""
        self.database.dispose()
        if "redis" in self.__dict__:
            self.redis.close()


_process: list[Runtime] = []


def runtime() -> Runtime:
    """This process's runtime, from the environment unless `use_runtime` gave another."""
    if not _process:
        _process.append(Runtime(load_settings()))
    return _process[-1]


@contextmanager
def use_runtime(given: Runtime) -> Iterator[Runtime]:
    """Make `given` this process's runtime for the length of the block."""
    _process.append(given)
    try:
        yield given
    finally:
        _process.remove(given)
