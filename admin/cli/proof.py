"""Defines `flask proof`."""

from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from admin.cli.shared import ACTOR, Group, as_json, existing_file, print_json, runtime_here
from admin.operations.proofs.make import known_keys, make_proof, signing_key
from models.contacts.lookup import require_contact_with_phone
from models.errors import OperatorError
from models.files import replace_file
from models.proof.archive import MAX_BYTES, check_proof
from models.proof.keys import read_public_key


@click.group("proof", cls=Group)
def proof() -> None:
    """Signed files that show what a campaign sent to a person, and why."""


@proof.command("make")
@click.argument("campaign_id", metavar="CAMPAIGN", type=int)
@click.argument("phone")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE.zip")
def make(campaign_id: int, phone: str, output: Path) -> None:
    """Write the proof about the person with this PHONE in the CAMPAIGN to a file that only you can read."""
    rt = runtime_here()
    with rt.database.read() as session:
        contact_id = require_contact_with_phone(session, phone, rt.settings.default_country).id
    data = make_proof(rt, campaign_id, contact_id, ACTOR)
    with replace_file(output) as file:
        file.write(data)
    click.echo(f"proof of campaign {campaign_id} in {output}")


@proof.command("verify")
@click.argument("file", type=existing_file())
@click.option(
    "--key", "key_file", type=existing_file(), help="The public key to trust; else those of this installation."
)
@as_json
def verify(file: Path, key_file: Path | None, is_json: bool) -> None:
    """Check that FILE is whole and was signed by a key that is trusted; exit 1 with one line on what does not fit."""
    trusted = [_read_key(key_file)] if key_file is not None else None
    size = file.stat().st_size
    if size > MAX_BYTES:
        raise OperatorError("{file}: it is larger than any proof", file=file)
    data = file.read_bytes()
    try:
        checked = check_proof(data, _own_keys() if trusted is None else trusted)
    except OperatorError as error:
        raise OperatorError("{file}: {error}", file=file, error=error) from error
    about = {name: checked.facts[name] for name in ("about", "person", "campaign")}
    if is_json:
        print_json({"key": checked.fingerprint, **about})
        return
    click.echo(
        f"{file}: whole, signed with the key {checked.fingerprint[:16]}: campaign {about['campaign']['id']},"
        f" contact {about['person']['contact_id']}, made at {about['about']['made_at']}"
    )


@proof.command("key")
@click.option("--new", "is_new", is_flag=True, help="Make another one, which signs from now on; older ones stay known.")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.pem", help="Where to; else print it."
)
@as_json
def key(is_new: bool, output: Path | None, is_json: bool) -> None:
    """The public key that proofs are checked with, to be given to whoever checks them."""
    found = signing_key(runtime_here(), ACTOR, is_new=is_new)
    if output is not None:
        with replace_file(output) as file:
            file.write(found.public_key.encode())
    if is_json:
        print_json({"fingerprint": found.fingerprint, "public_key": found.public_key})
    elif output is not None:
        click.echo(f"key {found.fingerprint[:16]} in {output}")
    else:
        click.echo(found.public_key.rstrip("\n"))


def _own_keys() -> list[Ed25519PublicKey]:
    return [read_public_key(found.public_key) for found in known_keys(runtime_here())]


def _read_key(path: Path) -> Ed25519PublicKey:
    try:
        return read_public_key(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OperatorError("{path}: it is no Ed25519 public key in PEM", path=path) from error
