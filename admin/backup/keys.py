"""Writes and reads the keys of an installation, which are kept apart from the backups of its database."""

from dataclasses import replace
from pathlib import Path

from dotenv import dotenv_values

from models.config import Settings
from models.crypto import Vault
from models.errors import OperatorError
from models.files import replace_file

NAMES = ("ENCRYPTION_KEY", "SECRET_KEY", "MARKS_KEY")


def write_keys(settings: Settings, path: Path) -> None:
    """Write the keys to a file that only its owner may read. Raises OSError if it cannot be written."""
    values = _own_keys(settings)
    with replace_file(path) as file:
        file.write("".join(f"{name}={values[name]}\n" for name in NAMES).encode())


def read_keys(path: Path) -> dict[str, str]:
    """The keys of a file. Raises OperatorError if it cannot be read, or a key is missing, empty or none."""
    try:
        found = {name: (text or "").strip() for name, text in dotenv_values(path, interpolate=False).items()}
        is_there = path.is_file()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError("{path}: cannot be read ({reason})", path=path, reason=type(error).__name__) from error
    if not is_there:
        raise OperatorError("{path}: there is no such file", path=path)
    encryption_keys = found.get("ENCRYPTION_KEY", "").split(",")
    found.setdefault("MARKS_KEY", encryption_keys[-1].strip())  # a file from before the marks had a key of their own
    for name in NAMES:
        if not found.get(name):
            raise OperatorError("{path}: {name} is missing in it", path=path, name=name)
    for name in ("ENCRYPTION_KEY", "MARKS_KEY"):
        fingerprints_of(path, found[name], name)
    return {name: found[name] for name in NAMES}


def fingerprints_of(path: Path, keys: str, name: str = "ENCRYPTION_KEY") -> tuple[str, ...]:
    """The fingerprints of keys, newest first. Raises OperatorError if they are none."""
    try:
        return Vault(_parts(keys)).fingerprints()
    except ValueError as error:
        raise OperatorError("{path}: {name} in it is no key", path=path, name=name) from error


def put_keys_back(settings: Settings, keys: dict[str, str]) -> None:
    """Put the keys where this installation keeps its own. Raises OperatorError if it is given others by its environment."""
    for name, value in keys.items():
        path = settings.var_dir / name.lower()
        own = _own_keys(settings)[name]
        if value == own or (name == "MARKS_KEY" and not settings.marks_keys and not path.exists()):
            continue
        if not path.exists() or path.read_text(encoding="utf-8").strip() != own:
            raise OperatorError("{name} is set in the environment: put the key of the backup there", name=name)
        with replace_file(path) as file:
            file.write(value.encode())


def _own_keys(settings: Settings) -> dict[str, str]:
    return {
        "ENCRYPTION_KEY": ",".join(settings.encryption_keys),
        "SECRET_KEY": settings.secret_key,
        "MARKS_KEY": ",".join(settings.marks_keys or settings.encryption_keys[-1:]),
    }


def with_keys(settings: Settings, keys: dict[str, str]) -> Settings:
    """The settings with the keys of a file. Marks of this machine that its own keys made are still found."""
    encryption_keys, marks_keys = (_parts(keys[name]) for name in ("ENCRYPTION_KEY", "MARKS_KEY"))
    own = settings.marks_keys or settings.encryption_keys[-1:]
    return replace(settings, encryption_keys=encryption_keys, marks_keys=tuple(dict.fromkeys((*marks_keys, *own))))


def _parts(keys: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in keys.split(",") if key.strip())
