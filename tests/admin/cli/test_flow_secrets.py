"""`flask flows secret`."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select

from admin.server.key_check import check_encryption_key
from models.clock import utcnow
from models.conversations.flow_secrets import decrypted
from models.crypto import Vault
from models.tables.audit import Audit
from models.tables.flow_secret import FlowSecret
from tests.support.cli_app import Shell

pytestmark = pytest.mark.sqlite_unless_proved

VALUE = "sk-live-123456"
FLOW = """name: booking
start: a
nodes:
  a: {type: http, url: "https://api.acme.com/a", headers: {Authorization: "Bearer {secret.api_key}"}, next: b}
  b: {type: end}
"""


def test_a_secret_is_set_listed_replaced_and_removed_and_its_value_is_never_shown(shell: Shell) -> None:
    assert (
        shell.ok("flows", "secret", "set", "api_key", "--value-stdin", stdin=f"{VALUE}\n").strip() == "api_key is set"
    )
    assert "replaced" in shell.ok("flows", "secret", "set", "api_key", "--value-stdin", stdin="another-value")
    (row,) = shell.data("flows", "secret", "list", "--json")
    assert (row["name"], row["by"], row["state"], row["flows"]) == ("api_key", "cli", "ok", [])
    assert "value" not in shell.ok("flows", "secret", "list")
    with shell.rt.database.read() as session:
        stored = session.scalars(select(FlowSecret)).one()
        audited = [
            (entry.action, entry.object_id, entry.detail) for entry in session.scalars(select(Audit).order_by(Audit.id))
        ]
    assert "another" not in stored.value
    assert decrypted(stored, shell.rt.vault) == "another-value"
    assert shell.ok("flows", "secret", "remove", "api_key").strip() == "api_key is removed"
    assert audited == [("set", "api_key", {}), ("set", "api_key", {})]
    assert "there is no secret of this name" in shell.refused("flows", "secret", "remove", "api_key")


def test_names_and_values_that_are_not_allowed_change_nothing(shell: Shell) -> None:
    for name in ("1key", "a-b", "a b", "ä", "x" * 61, "", "a.b"):
        assert "this is no name of a secret" in shell.refused(
            "flows", "secret", "set", name, "--value-stdin", stdin=VALUE
        )
    for value in ("abc", "x" * 4001, "two\x01words", ""):
        line = shell.refused("flows", "secret", "set", "key", "--value-stdin", stdin=value)
        assert not value or value not in line
    assert "--value-stdin" in shell.refused("flows", "secret", "set", "key", stdin=VALUE)
    with shell.rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(FlowSecret)) == 0


def test_a_flow_is_loaded_only_with_its_secrets_and_keeps_them_from_being_removed(shell: Shell) -> None:
    file = shell.file("booking.yaml", FLOW)
    for verb in ("load", "check"):
        assert "booking.yaml:4: nodes.a.headers.Authorization: there is no secret api_key" in shell.refused(
            "flows", verb, file
        )
    shell.ok("flows", "secret", "set", "api_key", "--value-stdin", stdin=VALUE)
    shell.ok("flows", "load", file)
    assert shell.data("flows", "secret", "list", "--json")[0]["flows"] == ["booking"]
    assert "api_key: it is used by the bot flows booking" in shell.refused("flows", "secret", "remove", "api_key")
    other = shell.file("booking.yaml", "name: booking\nstart: b\nnodes:\n  b: {type: end}\n")
    shell.ok("flows", "load", other, "--replace")
    shell.ok("flows", "secret", "remove", "api_key")
    assert "there is no secret api_key" in shell.refused("flows", "rollback", "booking", "1")


def test_an_address_that_is_never_called_is_refused_by_load_and_check(shell: Shell) -> None:
    file = shell.file("booking.yaml", FLOW.replace("api.acme.com", "169.254.169.254"))
    shell.ok("flows", "secret", "set", "api_key", "--value-stdin", stdin=VALUE)
    for verb in ("load", "check"):
        line = shell.refused("flows", verb, file)
        assert "booking.yaml:4: nodes.a.url: 169.254.169.254 may not be called" in line
        assert len(line.strip().splitlines()) == 1


def test_a_new_key_encrypts_secrets_again_and_a_wrong_one_is_one_line(shell: Shell) -> None:
    shell.ok("flows", "secret", "set", "api_key", "--value-stdin", stdin=VALUE)
    rt, old, new = shell.rt, shell.rt.settings.encryption_keys[0], Fernet.generate_key().decode()
    check_encryption_key(rt, utcnow())
    rt.vault = Vault((new, old))
    check_encryption_key(rt, utcnow() + timedelta(seconds=1))
    rt.vault = Vault((new,))
    with rt.database.read() as session:
        assert decrypted(session.scalars(select(FlowSecret)).one(), rt.vault) == VALUE
    rt.vault = Vault((Fernet.generate_key().decode(),))
    assert shell.data("flows", "secret", "list", "--json")[0]["state"] == "encrypted with another key"
