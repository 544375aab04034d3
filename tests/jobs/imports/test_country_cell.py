"""The country of a person completes their number, or nobody's does."""

from pathlib import Path

import pytest

from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
from tests.support.import_rig import people


@pytest.fixture
def countries_file(tmp_path: Path) -> Path:
    return tmp_path / "countries.csv"


def test_a_country_by_its_name_completes_the_number_as_its_code_does(bare_rt: Runtime, countries_file: Path) -> None:
    countries_file.write_text(
        "phone,name,country\n612345678,Ana,Spain\n612345679,Bo,España\n0612345678,Cor,Nederland\n612345680,Eva,es\n",
        encoding="utf-8",
    )
    result = import_contacts(bare_rt, countries_file, country="DE")
    assert (result.created, result.warnings) == (4, [])
    assert {phone: person.country for phone, person in people(bare_rt).items()} == {
        "+34612345678": "ES",
        "+34612345679": "ES",
        "+31612345678": "NL",
        "+34612345680": "ES",
    }


def test_a_number_with_a_country_that_cannot_be_read_is_completed_by_no_other(
    bare_rt: Runtime, countries_file: Path
) -> None:
    countries_file.write_text("phone,name,country\n15123456789,Ana,Atlantis\n015123456780,Bo,\n", encoding="utf-8")
    result = import_contacts(bare_rt, countries_file, country="DE")
    assert [warning["column"] for warning in result.warnings] == ["country", "phone"]
    assert list(people(bare_rt)) == ["15123456789", "+4915123456780"]  # the first is kept as it was written
