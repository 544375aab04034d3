"""flask dead-letters."""

import base64
import sys
from collections.abc import Sequence
from typing import Any

import click

from admin.cli.shared import ACTOR, Group, as_json, fail, print_json, print_table, runtime_here
from admin.operations.dead_letters import format_payload, replay_letter
from jobs.ingest.replay import ReplayCounts
from models.errors import OperatorError
from models.events.dead_letter_search import Letter, read_letter, search_letters
from models.tables.webhook_event import to_bytes

COLUMNS = ("id", "state", "times", "first_at", "last_at", "error")
MAX_LISTED = 100_000


@click.group("dead-letters", cls=Group)
def dead_letters() -> None:
    """Events that could not be processed."""


@dead_letters.command("list")
@click.option("--search", "text", default="", metavar="TEXT", help="Only those with it in their payload or error.")
@click.option("--limit", type=click.IntRange(1, MAX_LISTED), default=100, show_default=True, help="The newest so many.")
@as_json
def list_(text: str, limit: int, is_json: bool) -> None:
    """Those that there are, newest first."""
    found: list[Letter] = []
    before: int | None = None
    while len(found) < limit:
        with runtime_here().database.read() as session:
            page = search_letters(session, text, before_id=before, limit=min(500, limit - len(found)))
        found += page.letters
        before = page.next_before_id
        if before is None:
            break
    rows = [_facts(letter) for letter in found]
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
        found = read_letter(session, letter_id)
    if found is None:
        raise OperatorError("dead letter {letter_id}: there is none under this number", letter_id=letter_id)
    letter, payload = found
    if is_json:
        raw = to_bytes(payload)
        kept = {"payload": payload} if letter.is_text else {"payload_base64": base64.b64encode(raw).decode()}
        print_json(_facts(letter) | {"replayed_at": letter.replayed_at, "bytes": len(raw)} | kept)
        return
    times = "once" if letter.times == 1 else f"{letter.times} times"
    click.echo(f"dead letter {letter.id}: {letter.state}, {times}")
    click.echo(f"first {letter.first_at:%Y-%m-%d %H:%M:%SZ}, last {letter.last_at:%Y-%m-%d %H:%M:%SZ}")
    click.echo(f"error: {letter.error}\n")
    click.echo(_payload(letter, payload))


@dead_letters.command("replay")
@click.argument("letter_ids", metavar="[ID]...", type=int, nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All that wait.")
@as_json
def replay(letter_ids: tuple[int, ...], is_all: bool, is_json: bool) -> None:
    """Apply them again; exit status 0 only if each could be applied."""
    if bool(letter_ids) == is_all:
        raise click.UsageError("give the numbers of dead letters, or --all")
    done, problems = _replay(None if is_all else letter_ids)
    if is_json:
        print_json(done._asdict())
    else:
        skipped = f", {done.skipped} settled by somebody else meanwhile" if done.skipped else ""
        click.echo(f"{done.applied} applied, {done.failed} failed again{skipped}")
    if done.failed:
        problems.append(f"{done.failed} failed again: flask dead-letters list says why")
    if problems:
        fail("; ".join(problems))


def _replay(letter_ids: Sequence[int] | None) -> tuple[ReplayCounts, list[str]]:
    """What came of them, and those that do not wait: these keep none of the others from being tried."""
    rt, problems = runtime_here(), []
    if letter_ids is None:
        return replay_letter(rt, None, ACTOR), []
    applied = failed = 0
    for letter_id in dict.fromkeys(letter_ids):
        try:
            done = replay_letter(rt, letter_id, ACTOR)
        except OperatorError as error:
            problems.append(str(error))
            continue
        applied, failed = applied + done.applied, failed + done.failed
    return ReplayCounts(applied, failed), problems


def _facts(letter: Letter) -> dict[str, Any]:
    return {column: getattr(letter, column) for column in COLUMNS}


def _payload(letter: Letter, payload: str) -> str:
    if letter.replayed_at is not None:
        return "its payload went when it was applied"
    if not letter.is_text:
        return f"its payload is no text: {len(to_bytes(payload))} bytes; --json prints it in base64"
    return format_payload(payload, sys.maxsize)[0]
