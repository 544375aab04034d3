"""`flask contacts`."""

import json
import stat
from pathlib import Path

import pytest
from sqlalchemy import select

from admin.cli import files
from models.tables.contact import Consent, ConsentEvent, Contact
from tests.support.cli_app import PEOPLE, Shell

pytestmark = pytest.mark.sqlite_unless_proved


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


def test_a_file_is_read_as_the_operator_says(shell: Shell) -> None:
    path = shell.file("people.csv", "phone,consent\n0600111222,JA\n0600111223,nein\n")
    options = (
        "--country",
        "de",
        "--consent",
        "ja=subscribed, nein=not_subscribed",
        "--encoding",
        "cp1252",
        "--source",
        "Fair",
    )
    summary = shell.data("contacts", "import", path, *options, "--dry-run")
    assert (summary["created"], summary["warnings"], summary["encoding"]) == (2, [], "cp1252")
    result = shell.run("contacts", "import", path, "--country", "de")
    assert result.exit_code == 0
    assert [warning["column"] for warning in json.loads(result.stdout)["warnings"]] == ["consent", "consent"]
    for wrong, said in (
        (("--country", "ZZ"), "'ZZ' is no country"),
        (("--consent", "ja=maybe"), "'ja=maybe' is not WORD=CONSENT"),
    ):
        assert said in shell.refused("contacts", "import", path, *wrong, code=2)
    assert "the encoding 'x9' is not known" in shell.refused("contacts", "import", path, "--encoding", "x9")


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
        "\ufeffrefused_line,refused_why,Tel,Opt-in,Notes,Shop",
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
    assert "no contact with the phone +447700900003" in shell.refused("contacts", "show", "+447700900003")
    assert "wiped contact 1" in shell.ok("contacts", "redact", "1", "--yes")  # once more
    assert "no phone" in shell.refused("contacts", "show", "nobody")
    assert "no such contact" in shell.refused("contacts", "export", "99", "--output", str(path))
    again = shell.run("contacts", "import", shell.file("people.csv", PEOPLE))
    assert '"created": 0' in again.stdout
    assert again.stdout.count("this person was redacted") == 2
