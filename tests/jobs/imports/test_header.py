"""Columns without a name of their own, and files of many columns."""

from pathlib import Path

import pytest

from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
from jobs.imports.errors import BadFileError
from jobs.imports.header import read_header
from tests.support.factories.contacts import make_attribute
from tests.support.import_rig import people

PATH = Path("people.csv")


def test_columns_without_a_name_and_second_ones_are_told_apart() -> None:
    header = read_header(PATH, ["", "phone", "Notes", "notes", "", "Notes", "column 1", "\ufeffName\u200b", "", ""])
    assert header.names == ["column 1 (2)", "phone", "Notes", "notes (2)", "column 5", "Notes (3)", "column 1", "Name"]
    assert header.made_names == {"column 1 (2)", "notes (2)", "column 5", "Notes (3)"}
    with pytest.raises(BadFileError, match="1001 columns; at most 1000"):
        read_header(PATH, [f"c{number}" for number in range(1001)])


def test_what_has_no_name_of_its_own_is_left_out_with_a_warning_and_can_be_chosen(bare_rt: Runtime, file: Path) -> None:
    file.write_text(",phone,name,Notes,Notes,a=b\n7,+34600000001,Ana,one,two,x\n")
    result = import_contacts(bare_rt, file)
    assert (result.created, result.refused) == (1, [])
    assert [(warning["line"], warning["column"]) for warning in result.warnings] == [
        (1, "a=b"),
        (1, "Notes (2)"),
        (1, "column 1"),
    ]
    assert people(bare_rt)["+34600000001"].attributes == {"Notes": "one"}
    chosen = import_contacts(bare_rt, file, columns={"Notes (2)": "second", "column 1": "number", "a=b": ""})
    assert chosen.warnings == []
    assert people(bare_rt)["+34600000001"].attributes == {"Notes": "one", "second": "two", "number": "7"}


def test_hundreds_of_columns_are_taken_as_far_as_somebody_wants_them(bare_rt: Runtime, file: Path) -> None:
    names = [f"c{number}" for number in range(600)]
    file.write_text(f"phone,{','.join(names)}\n+34600000001{',x' * 600}\n")
    result = import_contacts(bare_rt, file, columns=dict.fromkeys(names[1:], ""))
    assert (result.created, result.warnings) == (1, [])
    assert people(bare_rt)["+34600000001"].attributes == {"c0": "x"}


def test_of_too_many_columns_those_that_nobody_knows_are_left_out_with_a_warning(bare_rt: Runtime, file: Path) -> None:
    with bare_rt.database.write() as session:
        make_attribute(session, "c7")
    names = [f"c{number}" for number in range(300)]
    file.write_text(f"phone,name,{','.join(names)}\n+34600000001,Ana{',x' * 300}\n")
    result = import_contacts(bare_rt, file, columns={"c9": "size"})
    assert (result.created, result.refused, len(result.warnings)) == (1, [], 298)
    assert people(bare_rt)["+34600000001"].attributes == {"c7": "x", "size": "x"}
    with pytest.raises(BadFileError, match="302 columns are taken; at most 200"):
        import_contacts(bare_rt, file, columns={name: f"new {name}" for name in names[1:]} | {"c0": "c0"})
