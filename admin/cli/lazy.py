"""Defines commands whose module is imported when they are called."""

import gc
from typing import Any

import click

from jobs.core.loader import load


class LazyCommand(click.Command):
    """Stands for a command until it is called; holds the text that `--help` of its group prints."""

    def __init__(self, name: str, target: str, text: str) -> None:
        super().__init__(name, help=text)
        self.target = target

    def load(self) -> click.Command:
        """Import and return the command itself."""
        if (
            gc.get_freeze_count()
        ):  # a process that runs one command after another: what it left behind must not stay for ever
            return self._loaded()
        # Imported objects live until the process ends. Garbage collection over them, now and at the end, would take a third
        # of the time of a short command.
        gc.disable()
        try:
            return self._loaded()
        finally:
            gc.freeze()
            gc.enable()

    def _loaded(self) -> click.Command:
        command: click.Command = load(self.target)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Return the context of the command itself, which click then invokes."""
        return self.load().make_context(info_name, args, parent, **extra)
