"""Defines `flask contacts mend-phones`."""

from typing import Any

import click

from admin.cli.shared import ACTOR, Command, as_json, print_json, print_table, runtime_here
from admin.operations.unclear_phones import groups_to_json, list_groups, mend_group, read_reading, tally_to_json


@click.command("mend-phones", cls=Command)
@click.option("--group", metavar="GROUP", help="Settle this group, as the list names it (ES-DE).")
@click.option("--as", "kind", type=click.Choice(["international", "national"]), help="What its numbers are.")
@click.option("--country", metavar="CC", help="The country of national numbers, such as ES.")
@click.option("--dry-run", is_flag=True, help="Say what would happen and change nothing.")
@as_json
def mend_phones(group: str | None, kind: str | None, country: str | None, dry_run: bool, is_json: bool) -> None:
    """List numbers without a calling code, by what they may mean, or settle a group of them."""
    if (group is None) != (kind is None):
        raise click.UsageError("give both --group and --as, or neither to see the groups")
    rt = runtime_here()
    if group is None or kind is None:
        groups, _ = list_groups(rt)
        rows = groups_to_json(groups)
        if is_json:
            print_json(rows)
        else:
            print_table(
                [row | {"examples": _in_words(row["examples"])} for row in rows], ("group", "number", "examples")
            )
        return
    result = tally_to_json(mend_group(rt, group, read_reading(kind, country), ACTOR, dry_run=dry_run))
    if is_json:
        print_json(result)
        return
    click.echo(f"{'would mend' if dry_run else 'mended'} {result['mended']}")
    for collision in result["collisions"]:
        click.echo(
            f"contact {collision['contact_id']}: {collision['phone']} leads to contact {collision['other_id']};"
            " flask contacts merge makes them one"
        )
    for name in ("impossible", "redacted"):
        if result[name]:
            click.echo(f"{name}: contacts {', '.join(map(str, result[name]))}")


def _in_words(examples: list[dict[str, Any]]) -> str:
    return ", ".join(f"{example['raw']} ({' or '.join(example['readings'])})" for example in examples)
