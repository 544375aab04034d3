"""Defines `flask dead-letters list` and `show`; `replay` is in admin.cli.replay."""

import base64
import sys
from typing import Any

import click

from admin.cli.lazy import LazyCommand
from admin.cli.shared import Group, as_json, print_json, print_table, runtime_here
from admin.operations.dead_letter_text import format_payload
from models.errors import OperatorError
from models.events.dead_letter_search import Letter, read_letter, search_letters
from models.tables.webhook_event import to_bytes

COLUMNS = ("id", "state", "times", "first_at", "last_at", "error")
MAX_LISTED = 100_000


@click.group("dead-letters", cls=Group)
def dead_letters() -> None:
    """Events that could not be processed."""


dead_letters.add_command(
    LazyCommand("replay", "admin.cli.replay:replay", "Apply them again; exit status 0 only if each could be applied.")
)


@dead_letters.command("list")
@click.option("--search", "text", default="", metavar="TEXT", help="Only those with it in their payload or error.")
@click.option("--limit", type=click.IntRange(1, MAX_LISTED), default=100, show_default=True, help="The newest so many.")
@as_json
def list_(text: str, limit: int, is_json: bool) -> None:
    """Those that there are, newest first."""
    letters: list[Letter] = []
    before: int | None = None
    while len(letters) < limit:
        with runtime_here().database.read() as session:
            page = search_letters(session, text, before_id=before, limit=min(500, limit - len(letters)))
        letters += page.letters
        before = page.next_before_id
        if before is None:
            break
    rows = [_facts(letter) for letter in letters]
    if is_json:
        print_json(rows)
    else:
        print_table(
            [row | {key: f"{row[key]:%Y-%m-%d %H:%M:%SZ}" for key in ("first_at", "last_at")} for row in rows], COLUMNS
        )


@dead_letters.command("show")
@click.argument("letter_id", metavar="ID", type=int)
@as_json
def show(letter_id: int, is_json: bool) -> None:
    """One with its whole payload."""
    with runtime_here().database.read() as session:
        letter_and_payload = read_letter(session, letter_id)
    if letter_and_payload is None:
        raise OperatorError("dead letter {letter_id}: there is none under this number", letter_id=letter_id)
    letter, payload = letter_and_payload
    if is_json:
        raw = to_bytes(payload)
        body = {"payload": payload} if letter.is_text else {"payload_base64": base64.b64encode(raw).decode()}
        print_json(_facts(letter) | {"replayed_at": letter.replayed_at, "bytes": len(raw)} | body)
        return
    times = "once" if letter.times == 1 else f"{letter.times} times"
    click.echo(f"dead letter {letter.id}: {letter.state}, {times}")
    click.echo(f"first {letter.first_at:%Y-%m-%d %H:%M:%SZ}, last {letter.last_at:%Y-%m-%d %H:%M:%SZ}")
    click.echo(f"error: {letter.error}\n")
    click.echo(_payload(letter, payload))


def _facts(letter: Letter) -> dict[str, Any]:
    return {column: getattr(letter, column) for column in COLUMNS}


def _payload(letter: Letter, payload: str) -> str:
    if letter.replayed_at is not None:
        return "its payload went when it was applied"
    if not letter.is_text:
        return f"its payload is no text: {len(to_bytes(payload))} bytes; --json prints it in base64"
    return format_payload(payload, sys.maxsize)[0]
