"""Commands whose module is imported when they are called."""

import gc
from typing import Any

import click

from jobs.core.loader import load


class LazyCommand(click.Command):
    """Stands for a command until it is called; knows what `--help` of its group prints of it."""

    def __init__(self, name: str, target: str, text: str) -> None:
        super().__init__(name, help=text)
        self.target = target

    def load(self) -> click.Command:
        """The command itself."""
        # What is imported stays until the process ends. To look through it for garbage, now and at the end, would take a
        # third of what a short command takes.
        gc.disable()
        try:
            command: click.Command = load(self.target)
        finally:
            gc.freeze()
            gc.enable()
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """That of the command itself, which click then invokes."""
        return self.load().make_context(info_name, args, parent, **extra)
