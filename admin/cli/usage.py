"""Formats errors, those of wrong usage included, as one line."""

from typing import Any

import click


class OneLineUsageError(click.UsageError):
    """Wrong usage, shown as one line instead of click's three."""

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - click's signature
        """Print the line to standard error."""
        path = self.ctx.command_path if self.ctx else "flask"
        click.echo(one_line(f"{path}: {self.format_message()} (see {path} --help)"), err=True)


def one_line(text: str) -> str:
    """Join the lines of a text with `; `."""
    return "; ".join(line.strip() for line in text.splitlines() if line.strip()) or "something went wrong"
