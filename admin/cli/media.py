"""flask media."""

from pathlib import Path
from typing import Any

import click

from admin.cli.shared import ACTOR, Group, as_json, print_json, print_table, runtime_here
from admin.operations.media import ListedMedia, list_media
from jobs.core.loader import load
from jobs.media.cleanup import remove_media
from jobs.media.library import add_local_file
from jobs.media.move import copy_to_store
from models.clock import utcnow
from models.tables.media import MediaKind

COLUMNS = ("id", "name", "type", "size", "added", "by", "used by")


@click.group("media", cls=Group)
def media() -> None:
    """The library of pictures, videos and documents that messages show."""


@media.command("add")
@click.argument("source", metavar="FILE|URL")
@click.option(
    "--name", default=None, help="The name in the library, which people see under a document; else the file's own."
)
@as_json
def add(source: str, name: str | None, is_json: bool) -> None:
    """Add a file of this machine, or what an https address answers with."""
    rt, now = runtime_here(), utcnow()
    if "://" in source:
        row = load("jobs.media.download:add_from_url")(rt, source, ACTOR, now, name=name)
    else:
        row = add_local_file(rt, Path(source), ACTOR, now, name=name)
    if is_json:
        print_json(ListedMedia(row, []).to_json())
    else:
        click.echo(f"media {row.id}: {row.name}, {row.mime_type}, {row.size_bytes} bytes")


@media.command("list")
@click.option("--search", default="", help="Those with this in their name.")
@click.option("--kind", type=click.Choice([kind.value for kind in MediaKind]), help="Those of this kind.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="The newest so many.")
@as_json
def list_(search: str, kind: str | None, limit: int, is_json: bool) -> None:
    """The files, the newest first, each with where it is used."""
    listed = list_media(runtime_here(), search=search, kind=MediaKind(kind) if kind else None, limit=limit)
    if is_json:
        print_json([entry.to_json() for entry in listed])
    else:
        print_table([_row(entry) for entry in listed], COLUMNS)


@media.command("remove")
@click.argument("reference", metavar="ID")
@as_json
def remove(reference: str, is_json: bool) -> None:
    """Take a file, by its id or SHA-256, out of the library, unless something needs it."""
    row = remove_media(runtime_here(), reference, ACTOR, utcnow())
    if is_json:
        print_json({"id": row.id, "name": row.name, "sha256": row.sha256})
    else:
        click.echo(f"media {row.id}: {row.name} is removed; its content is deleted in a day")


@media.command("copy-to-store")
@as_json
def copy(is_json: bool) -> None:
    """Copy the files under var/media of this machine into the bucket that MEDIA_STORE names."""
    copied, present = copy_to_store(runtime_here().settings)
    if is_json:
        print_json({"copied": copied, "present": present})
    else:
        click.echo(f"{copied} copied, {present} were there already; the files under var/media stay")


def _row(entry: ListedMedia) -> dict[str, Any]:
    row = entry.file
    return {
        "id": row.id,
        "name": row.name,
        "type": row.mime_type,
        "size": row.size_bytes,
        "added": f"{row.created_at:%Y-%m-%d %H:%M:%SZ}",
        "by": row.created_by,
        "used by": ", ".join(f"{use.what} {use.id}" for use in entry.uses),
    }
