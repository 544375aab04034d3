"""Defines `flask dead-letters replay`."""

from collections.abc import Sequence

import click

from admin.cli.shared import ACTOR, Command, as_json, fail, print_json, runtime_here
from admin.operations.dead_letters import replay_letter
from jobs.ingest.replay import ReplayCounts
from models.errors import OperatorError


@click.command("replay", cls=Command)
@click.argument("letter_ids", metavar="[ID]...", type=int, nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All that wait.")
@as_json
def replay(letter_ids: tuple[int, ...], is_all: bool, is_json: bool) -> None:
    """Apply them again; exit status 0 only if each could be applied."""
    if bool(letter_ids) == is_all:
        raise click.UsageError("give the numbers of dead letters, or --all")
    counts, problems = _replay(None if is_all else letter_ids)
    if is_json:
        print_json(counts._asdict())
    else:
        skipped = f", {counts.skipped} settled by somebody else meanwhile" if counts.skipped else ""
        click.echo(f"{counts.applied} applied, {counts.failed} failed again{skipped}")
    if counts.failed:
        problems.append(f"{counts.failed} failed again: flask dead-letters list says why")
    if problems:
        fail("; ".join(problems))


def _replay(letter_ids: Sequence[int] | None) -> tuple[ReplayCounts, list[str]]:
    """Return the counts, and the error of each letter that does not wait; such an error does not stop the others."""
    rt, problems = runtime_here(), []
    if letter_ids is None:
        return replay_letter(rt, None, ACTOR), []
    applied = failed = 0
    for letter_id in dict.fromkeys(letter_ids):
        try:
            counts = replay_letter(rt, letter_id, ACTOR)
        except OperatorError as error:
            problems.append(str(error))
            continue
        applied, failed = applied + counts.applied, failed + counts.failed
    return ReplayCounts(applied, failed), problems
