"""Defines `flask users` and `flask tokens`."""

import click

from admin.auth.phone_links import create_link_code, unlink_phone, user_id_of
from admin.auth.users import add_token, add_user
from admin.cli.shared import ACTOR, Group, as_json, print_json, read_stdin, runtime_here
from models.tables.user import Role

ROLES = click.Choice([role.value for role in Role])


@click.group("users", cls=Group)
def users() -> None:
    """People who work with the panel."""


@users.command("add")
@click.argument("email")
@click.option("--role", type=ROLES, required=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@as_json
def add(email: str, role: str, password_stdin: bool, is_json: bool) -> None:
    """Add a user; without --password-stdin a one-time password is printed."""
    password = read_stdin("password") if password_stdin else None
    user = add_user(runtime_here(), email, role, password, ACTOR)
    if is_json:
        data = {"id": user.id, "email": user.email, "role": user.role.value}
        print_json(data | ({"password": user.password} if user.password else {}))
        return
    click.echo(f"added {user.email} as {user.role.value}")
    if user.password:
        click.echo(f"one-time password: {user.password}")


@users.command("link-phone")
@click.argument("email")
@as_json
def link_phone(email: str, is_json: bool) -> None:
    """Print a code by which the user links their phone for chat-ops: of one use, valid for 10 minutes."""
    rt = runtime_here()
    code = create_link_code(rt, user_id_of(rt, email), ACTOR)
    if is_json:
        print_json(
            {"email": code.email, "code": code.text, "expires_at": code.expires_at.isoformat(), "numbers": code.numbers}
        )
        return
    click.echo(code.text)
    to = " or ".join(code.numbers) or "one of our numbers"
    click.echo(f"From that phone send /link {code.text} to {to} within 10 minutes.", err=True)


@users.command("unlink-phone")
@click.argument("email")
def unlink(email: str) -> None:
    """Take the phone from a user: it gives no more commands."""
    rt = runtime_here()
    unlink_phone(rt, user_id_of(rt, email), ACTOR)
    click.echo("unlinked")


@click.group("tokens", cls=Group)
def tokens() -> None:
    """Bearer tokens for programs."""


@tokens.command("add")
@click.argument("name")
@click.option("--role", type=ROLES, required=True)
@as_json
def add_api_token(name: str, role: str, is_json: bool) -> None:
    """Add a token; it is printed once and kept nowhere."""
    token = add_token(runtime_here(), name, role, ACTOR)
    if is_json:
        print_json({"id": token.id, "name": token.name, "role": token.role.value, "token": token.token})
    else:
        click.echo(token.token)
