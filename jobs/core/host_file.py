"""A JSON file of this host under `var/` that counts for one installation alone: what must be known without the database.

A file that another installation left, or that is damaged, is as good as none.
"""

import json
from collections.abc import Mapping
from typing import Any

from jobs.core.runtime import Runtime
from models.files import make_private_directory, replace_file


def read_host_file(rt: Runtime, name: str) -> dict[str, Any] | None:
    """What `write_host_file` wrote; None if there is no such file, or it does not count."""
    try:
        found = json.loads((rt.settings.var_dir / name).read_text(encoding="utf-8"))
        return found if found["installation"] == rt.installation else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_host_file(rt: Runtime, name: str, values: Mapping[str, Any]) -> None:
    """Replace the file in one step. Raises OSError if it cannot be written."""
    path = rt.settings.var_dir / name
    make_private_directory(path.parent)
    with replace_file(path) as file:
        file.write(json.dumps({"installation": rt.installation, **values}).encode())
