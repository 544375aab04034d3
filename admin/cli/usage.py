"""Errors in one line, wrong usage among them."""

from typing import Any

import click


class OneLineUsageError(click.UsageError):
    """Wrong usage, said in one line."""

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - click's signature
        """To standard error."""
        path = self.ctx.command_path if self.ctx else "flask"
        click.echo(one_line(f"{path}: {self.format_message()} (see {path} --help)"), err=True)


def one_line(text: str) -> str:
    """Whatever it is, as one line."""
    return "; ".join(line.strip() for line in text.splitlines() if line.strip()) or "something went wrong"
