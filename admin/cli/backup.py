"""Defines `flask backup` and `flask restore`."""

from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from admin.backup.backup import make_backup
from admin.backup.restore import restore_backup
from admin.cli.shared import ACTOR, Command, as_json, print_json, runtime_here
from admin.operations.exports.record import record_export
from models.clock import utcnow

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("backup", cls=Command)
@click.argument("file", type=FILE)
@click.option(
    "--keys", "keys_file", type=FILE, help="Write the keys to this file, which belongs apart from the backup."
)
@as_json
def backup(file: Path, keys_file: Path | None, is_json: bool) -> None:
    """Write database and media to one file, while Hark goes on."""
    rt = runtime_here()
    try:
        record_export(rt, ACTOR, "database", file.name[:64])
    except SQLAlchemyError as error:  # a database that takes no writes can still be saved
        click.echo(f"the audit has no line of it ({type(error).__name__})", err=True)
    made = make_backup(rt, file, keys_file, utcnow())
    if is_json:
        print_json({"file": str(made.path), "bytes": made.size, "media_files": made.media_files})
    else:
        click.echo(f"{made.path}: {made.size / 1_000_000:.1f} MB, with {made.media_files} media files")
        if keys_file is None:
            click.echo("the keys are not in it: keep ENCRYPTION_KEY and SECRET_KEY apart (--keys FILE writes them)")


@click.command("restore", cls=Command)
@click.argument("file", type=FILE)
@click.option("--keys", "keys_file", type=FILE, help="The file of keys that flask backup --keys wrote.")
@click.option("--replace", "is_replacing", is_flag=True, help="Take the place of the database that is there.")
@as_json
def restore(file: Path, keys_file: Path | None, is_replacing: bool, is_json: bool) -> None:
    """Put a backup back; nothing of this Hark may run meanwhile."""
    rt = runtime_here()
    settings = rt.settings
    rt.close()
    done = restore_backup(settings, file, keys_file, utcnow(), is_replacing=is_replacing)
    if is_json:
        kept = None if done.kept is None else str(done.kept)
        print_json({"made_at": done.made_at, "media_files": done.media_files, "kept": kept})
        return
    click.echo(f"put back as of {done.made_at}, with {done.media_files} media files")
    if done.kept is not None:
        click.echo(f"the database that was there before is {done.kept}")
    click.echo("start Hark: it sends nothing by itself until you decide what goes on (flask db held)")
