"""Imports a module when one of its objects is first used. Every other import stands at the top of its module.

Used for modules that are expensive to import and rarely needed: `flask campaigns list` must not wait for the panel or for a
reader of spreadsheets. The import contracts do not see these imports.
"""

from importlib import import_module
from typing import Any


def load(target: str) -> Any:
    """Return the object that `module:name` names."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
