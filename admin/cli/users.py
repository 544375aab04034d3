"""Defines `flask users` and `flask tokens`."""

import click

from admin.auth.factors.enrollment import reset_factors
from admin.auth.factors.policy import users_with_factors
from admin.auth.phone_links import create_link_code, unlink_phone
from admin.auth.sessions import end_all_sessions
from admin.auth.sso.identities import unlink_account
from admin.auth.users import add_token, add_user, find_user, list_users, reset_password, unlock
from admin.cli.shared import ACTOR, Group, as_json, print_json, read_stdin, runtime_here
from models.clock import utcnow
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
    code = create_link_code(rt, find_user(rt, email).id, ACTOR)
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
    unlink_phone(rt, find_user(rt, email).id, ACTOR)
    click.echo("unlinked")


@users.command("list")
@as_json
def list_all(is_json: bool) -> None:
    """Every user with the role and the last sign-in."""
    rt = runtime_here()
    with rt.database.read() as session:
        factors = users_with_factors(session)
    rows = [
        {
            "id": user.id,
            "email": user.email,
            "role": user.role.value,
            "active": user.is_active,
            "last_sign_in_at": user.last_sign_in_at.isoformat() if user.last_sign_in_at else None,
            "second_factors": factors.get(user.id, 0),
        }
        for user in list_users(rt)
    ]
    if is_json:
        print_json(rows)
        return
    for row in rows:
        state = "" if row["active"] else ", kept out"
        click.echo(f"{row['email']}: {row['role']}{state}, last signed in {row['last_sign_in_at'] or 'never'}")


@users.command("unlock")
@click.argument("email")
@as_json
def unlock_user(email: str, is_json: bool) -> None:
    """Forget failed attempts to sign in, which slow further ones down."""
    rt = runtime_here()
    user = find_user(rt, email)
    unlock(rt, user.id, ACTOR)
    if is_json:
        print_json({"id": user.id, "email": user.email})
    else:
        click.echo(f"{user.email} can sign in at once")


@users.command("reset-password")
@click.argument("email")
@as_json
def reset(email: str, is_json: bool) -> None:
    """Print a one-time password, and end every session of the user."""
    rt = runtime_here()
    user = find_user(rt, email)
    password = reset_password(rt, user.id, ACTOR)
    if is_json:
        print_json({"id": user.id, "email": user.email, "password": password})
    else:
        click.echo(f"one-time password: {password}")


@users.command("totp-reset")
@click.argument("email")
@as_json
def totp_reset(email: str, is_json: bool) -> None:
    """Remove a user's second factors (app, passkeys, recovery codes), and end every session of the user."""
    rt = runtime_here()
    user = find_user(rt, email)
    count = reset_factors(rt, user.id, ACTOR)
    if is_json:
        print_json({"id": user.id, "email": user.email, "removed": count})
    else:
        click.echo(f"{user.email} has no second factor; removed: {count}")


@users.command("unlink-account")
@click.argument("email")
@as_json
def unlink_sign_on(email: str, is_json: bool) -> None:
    """Take the link to an account of single sign-on from a user, and end every session of the user."""
    rt = runtime_here()
    user = find_user(rt, email)
    unlink_account(rt, user.id, ACTOR)
    if is_json:
        print_json({"id": user.id, "email": user.email})
    else:
        click.echo(f"{user.email} is linked anew at the next single sign-on")


@users.command("sign-out")
@click.argument("email")
@as_json
def sign_out(email: str, is_json: bool) -> None:
    """End every session of the user; they can sign in again at once."""
    rt = runtime_here()
    user = find_user(rt, email)
    count = end_all_sessions(rt, user.id, ACTOR, utcnow())
    if is_json:
        print_json({"id": user.id, "email": user.email, "sessions": count})
    else:
        click.echo(f"{user.email} is signed out everywhere ({count} session{'' if count == 1 else 's'})")


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
