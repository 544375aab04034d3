"""Holds the shared parts of a process: settings, database, Redis, encryption keys. A main function opens it once."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from jobs.core.loader import load
from models.audit.seal import SEALER, AuditSealer
from models.clock import utcnow
from models.config import Settings, load_settings
from models.contacts.erased import PERSON_HASHES
from models.crypto import Vault, new_token
from models.db.engine import Database
from models.tables.setting import Setting, read_setting

if TYPE_CHECKING:
    from redis import Redis


class Runtime:
    """The parts that jobs share. Nothing connects before it is used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.vault: Vault = settings.vault()
        self.audit = AuditSealer(self.vault.audit_keys())
        self.database = Database(
            settings.database_url,
            time_zone=settings.time_zone,
            before_commit=self.audit,
            info={PERSON_HASHES: self.vault.person_hashes, SEALER: self.audit},
        )

    @cached_property
    def redis(self) -> "Redis":
        """The client, created at first use; see `jobs.core.redis_client`."""
        client: Redis = load("jobs.core.redis_client:redis_client")(self.settings)
        return client

    @cached_property
    def installation(self) -> str:
        """This installation's random name in callback data, stored at first use."""
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
        """Close every connection."""
        self.database.dispose()
        if "redis" in self.__dict__:
            self.redis.close()


_process: list[Runtime] = []


def runtime() -> Runtime:
    """Return this process's runtime, made from the environment unless `use_runtime` set another.

    Raises SettingsError if the environment is wrong.
    """
    if not _process:
        _process.append(Runtime(load_settings()))
    return _process[-1]


@contextmanager
def use_runtime(rt: Runtime) -> Iterator[Runtime]:
    """Make `rt` this process's runtime for the length of the block."""
    _process.append(rt)
    try:
        yield rt
    finally:
        _process.remove(rt)
