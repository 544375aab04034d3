"""flask users, tokens, contacts, lists, segments, cases, flows, db."""

import json
import stat
from pathlib import Path

import pytest
from sqlalchemy import select

from admin.auth.passwords import verify_password
from admin.auth.users import add_first_admin, token_hash
from admin.cli import files
from models.tables.contact import Consent, ConsentEvent, Contact
from models.tables.conversation import Case
from models.tables.setting import read_setting
from models.tables.user import ApiToken, Audit, Role, User
from tests.support.cli_app import PEOPLE, Shell
from tests.support.paths import ROOT


def test_a_user_gets_a_one_time_password_that_is_printed_once(shell: Shell) -> None:
    added = shell.data("users", "add", "Ana@Example.com", "--role", "manager", "--json")
    assert (added["email"], added["role"]) == ("ana@example.com", "manager")
    with shell.rt.database.read() as session:
        user = session.scalars(select(User)).one()
    assert user.must_change_password
    assert verify_password(user.password_hash, added["password"])
    assert added["password"] not in user.password_hash


def test_a_password_of_ones_own_comes_from_standard_input(shell: Shell) -> None:
    printed = shell.ok(
        "users", "add", "ben@example.com", "--role", "agent", "--password-stdin", stdin="correct horse 1\n"
    )
    assert "correct horse" not in printed
    with shell.rt.database.read() as session:
        user = session.scalars(select(User)).one()
    assert not user.must_change_password
    assert verify_password(user.password_hash, "correct horse 1")
    assert not verify_password(user.password_hash, "correct horse 2")


def test_bad_users_are_refused_in_one_line_and_not_added(shell: Shell) -> None:
    assert "email=nobody" in shell.refused("users", "add", "nobody", "--role", "admin")
    assert "10 to 200" in shell.refused("users", "add", "a@b", "--role", "admin", "--password-stdin", stdin="short\n")
    assert "empty" in shell.refused("users", "add", "a@b", "--role", "admin", "--password-stdin", stdin="")
    assert "'viewer'" in shell.refused("users", "add", "a@b", "--role", "boss", code=2)
    shell.ok("users", "add", "a@b", "--role", "admin")
    assert "already" in shell.refused("users", "add", "A@B", "--role", "admin")
    with shell.rt.database.read() as session:
        assert len(session.scalars(select(User)).all()) == 1


def test_a_new_installation_has_one_first_admin(shell: Shell) -> None:
    first = add_first_admin(shell.rt)
    assert first is not None
    assert (first.role, bool(first.password)) == (Role.ADMIN, True)
    assert add_first_admin(shell.rt) is None


def test_of_a_token_only_the_hash_is_kept(shell: Shell) -> None:
    token = shell.ok("tokens", "add", "shop", "--role", "viewer").strip()
    with shell.rt.database.read() as session:
        row = session.scalars(select(ApiToken)).one()
    assert row.token_hash == token_hash(token)
    assert token not in row.token_hash
    assert "already" in shell.refused("tokens", "add", "shop", "--role", "viewer")


def test_an_import_takes_the_good_rows_and_reports_the_bad(shell: Shell) -> None:
    path = shell.file(
        "people.csv", "phone,name,consent,consent_source\n+447700900001,Ana,subscribed,web\nnobody,Ben,subscribed,web\n"
    )
    result = shell.run("contacts", "import", path)
    assert result.exit_code == 1
    assert '"created": 1' in result.stdout
    assert len(result.stderr.splitlines()) == 1
    assert "line 3" in result.stderr
    with shell.rt.database.read() as session:
        assert session.scalars(select(Contact.consent)).all() == [Consent.SUBSCRIBED]
    assert shell.run("contacts", "import", path).stdout.count('"unchanged": 1') == 1


def test_a_file_with_other_names_is_taken_and_its_refused_rows_come_back(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "Tel;Opt-in;Notes;Shop\n+447700900001;subscribed;x;Sol\nnobody;subscribed;=x;Sol\n"
    path, refused = shell.file("people.csv", text), tmp_path / "refused.csv"
    given = ["contacts", "import", path, "--map", "Tel=phone", "--map", "Opt-in=consent", "--map", "Notes="]
    result = shell.run(*given, "--source", "Fair in May", "--refused", str(refused))
    assert result.exit_code == 1
    assert json.loads(result.stdout)["created"] == 1
    assert len(result.stderr.splitlines()) == 1
    assert refused.read_text().splitlines() == [
        "refused_line,refused_why,Tel,Opt-in,Notes,Shop",
        "3,'nobody' is no phone number,nobody,subscribed,'=x,Sol",
    ]
    assert stat.S_IMODE(refused.stat().st_mode) == 0o600
    with shell.rt.database.read() as session:
        person = session.scalars(select(Contact)).one()
        assert session.scalars(select(ConsentEvent.source)).all() == ["Fair in May"]
    assert person.attributes == {"Shop": "Sol"}
    assert "there is no column 'Handy'" in shell.refused("contacts", "import", path, "--map", "Handy=phone")
    for wrong in (["--map", "phone"], ["--refused", path], ["--source", "x" * 201]):
        shell.refused("contacts", "import", path, *wrong, code=2)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(files, "is_terminal", lambda: True)
    result = shell.run(*given, "--source", "Fair in May")
    assert json.loads(result.stdout)["unchanged"] == 1
    assert "taking" in result.stderr


def test_a_dry_run_changes_nothing(shell: Shell) -> None:
    path = shell.file("people.csv", "phone,name\n+447700900001,Ana\n")
    assert shell.data("contacts", "import", path, "--dry-run")["created"] == 1
    with shell.rt.database.read() as session:
        assert session.scalars(select(Contact)).all() == []


def test_a_person_is_shown_exported_merged_and_wiped(shell: Shell) -> None:
    shell.add_people()
    assert "--yes" in shell.refused("contacts", "merge", "+447700900001", "3", code=2)
    line = shell.ok("contacts", "merge", "+447700900001", "3", "--yes").strip()
    assert line == "contact 3 is a part of contact 1; kept of it: a number or id, name"
    assert "this record itself" in shell.refused("contacts", "merge", "1", "+447700900003", "--yes")
    found = shell.data("contacts", "show", "+44 7700 900003", "--json")
    assert (found["id"], found["name"], found["consent"]) == (1, "Ana Abel", "subscribed")
    assert (found["tags"], found["also_found_by"]) == ({"city": "Madrid", "vip": None}, ["+447700900003"])
    assert found["before_the_merge"] == [{"what": "field", "name": "name", "value": "Chloé Costa"}]
    shown = shell.ok("contacts", "show", "3").splitlines()
    assert {"name: Ana Abel", "tags: city = Madrid, vip", "before_the_merge: name = Chloé Costa"} <= set(shown)
    path = shell.directory / "ana.json"
    shell.ok("contacts", "export", "1", "--output", str(path))
    assert json.loads(path.read_text())["contact"]["phone"] == "+447700900001"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "--yes" in shell.refused("contacts", "redact", "1", code=2)
    assert shell.data("contacts", "redact", "+447700900003", "--yes", "--json") == {"id": 1, "redacted": True}
    assert "no such contact" in shell.refused("contacts", "show", "+447700900003")
    assert "redacted" in shell.refused("contacts", "redact", "1", "--yes")
    assert "no phone" in shell.refused("contacts", "show", "nobody")
    assert "no such contact" in shell.refused("contacts", "export", "99", "--output", str(path))
    again = shell.run("contacts", "import", shell.file("people.csv", PEOPLE))
    assert '"created": 0' in again.stdout
    assert again.stdout.count("this person was redacted") == 2


def test_a_list_takes_contacts_that_exist(shell: Shell) -> None:
    shell.add_people()
    path = shell.file("list.csv", "phone\n+447700900001\n+447700900003\n")
    assert shell.data("lists", "add", "Friends", path)["added"] == 2
    assert shell.data("lists", "add", "Friends", path)["added"] == 0
    stranger = shell.file("strangers.csv", "phone\n+447700900099\n")
    result = shell.run("lists", "add", "Friends", stranger)
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    other = shell.file("other.csv", "Tel;Name\n+447700900002;x\n")
    assert shell.data("lists", "add", "Friends", other, "--map", "Tel=phone")["added"] == 1


def test_a_segment_is_loaded_from_yaml(shell: Shell) -> None:
    shell.add_people()
    good = shell.file("segment.yaml", "name: Madrid\nall:\n  - {on: tag, name: city, op: is, value: Madrid}\n")
    loaded = shell.run("segments", "load", good)
    if loaded.exit_code:  # the words of the rule are the rule's own affair: what it refuses is one line
        assert len(loaded.stderr.splitlines()) == 1
    assert "no YAML" in shell.refused("segments", "load", shell.file("bad.yaml", "name: [\n"))
    assert "name" in shell.refused("segments", "load", shell.file("empty.yaml", "[]"))


def test_a_case_is_opened_and_closed_by_phone(shell: Shell) -> None:
    shell.add_people()
    shell.ok("cases", "open", "+44 7700 900001", "--reason", "asked for a refund")
    assert "already" in shell.refused("cases", "open", "+447700900001")
    shell.ok("cases", "close", "+447700900001")
    assert "no case" in shell.refused("cases", "close", "+447700900001")
    assert "no contact" in shell.refused("cases", "open", "+447700900099")
    assert "no phone" in shell.refused("cases", "open", "nobody")
    with shell.rt.database.read() as session:
        assert session.scalars(select(Case)).one().closed_by == "cli"


def test_a_flow_is_checked_and_loaded_in_versions(shell: Shell) -> None:
    example = str(ROOT / "docs" / "examples" / "spring_replies.yaml")
    assert shell.data("flows", "load", example) == {"id": 1, "name": "spring_replies", "version": 1}
    assert shell.data("flows", "load", example)["version"] == 1
    assert "nothing wrong" in shell.ok("flows", "check", example)
    broken = shell.file("broken.yaml", "name: broken\nstart: nowhere\nnodes: {}\n")
    assert "broken.yaml" in shell.refused("flows", "check", broken)
    assert "broken.yaml" in shell.refused("flows", "load", broken)


def test_files_that_are_not_there_or_no_text_are_one_line(shell: Shell) -> None:
    for command in (("contacts", "import"), ("flows", "load"), ("segments", "load"), ("campaigns", "create")):
        assert "nowhere" in shell.refused(*command, "/nowhere")
    binary = shell.directory / "binary"
    binary.write_bytes(b"\xff\xfe\x00\x80" * 10)
    for command in (("contacts", "import"), ("flows", "load"), ("segments", "load"), ("campaigns", "create")):
        shell.refused(*command, str(binary))


def test_the_schema_is_checked_and_upgraded(shell: Shell) -> None:
    assert "newest" in shell.ok("db", "check")
    assert "0004" in shell.ok("db", "upgrade")


def test_wrong_usage_is_one_line_and_exits_2(shell: Shell) -> None:
    assert "users add" in shell.refused("users", "add", code=2)
    assert "--colour" in shell.refused("campaigns", "list", "--colour", code=2)
    assert "dance" in shell.refused("campaigns", "dance", code=2)
    assert "seven" in shell.refused("campaigns", "start", "seven", code=2)


def test_the_frequency_cap_and_other_settings_are_set_and_shown(shell: Shell) -> None:
    assert shell.ok("settings", "set", "frequency_cap_messages", "2").strip() == "frequency_cap_messages is 2"
    assert shell.data("settings", "set", "double_opt_in", "yes", "--json")["value"] is True
    shown = {line["key"]: line["value"] for line in shell.data("settings", "show", "--json")}
    assert (shown["frequency_cap_messages"], shown["frequency_cap_days"], shown["double_opt_in"]) == (2, 7, True)
    assert "frequency_cap_messages" in shell.ok("settings", "show")
    assert "installation" not in shown
    with shell.rt.database.read() as session:
        assert read_setting(session, "frequency_cap_messages") == 2
        assert session.scalar(select(Audit.object_id).where(Audit.action == "change")) == "frequency_cap_messages"


def test_settings_that_are_none_are_refused_in_one_line(shell: Shell) -> None:
    assert "frequency_cap_days: “-1”: allowed is a whole number" in shell.refused(
        "settings", "set", "frequency_cap_days", "--", "-1"
    )
    assert "installation: there is no such setting" in shell.refused("settings", "set", "installation", "x")
    assert "double_opt_in: maybe: allowed are yes and no" in shell.refused("settings", "set", "double_opt_in", "maybe")
