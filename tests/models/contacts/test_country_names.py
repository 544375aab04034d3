"""Countries by their names."""

import pytest
from phonenumbers.geodata.locale import LOCALE_DATA

from models.contacts.country_names import country_named
from models.contacts.phone import is_country


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Spain", "ES"), ("España", "ES"), ("  spanien ", "ES"), ("ESPAÑA", "ES"), ("Deutschland", "DE"), ("Германия", "DE"),
        ("日本", "JP"), ("Côte d’Ivoire", "CI"), ("Côte d'Ivoire", "CI"), ("USA", "US"),
        ("United\u00a0Kingdom", "GB"), ("The Netherlands", "NL"), ("Atlantis", None), ("", None), ("Europe", None),
    ],
)  # fmt: skip
def test_a_country_is_found_by_its_name_in_many_languages(name: str, code: str | None) -> None:
    assert country_named(name) == code


def test_no_name_of_a_country_leads_to_another_one() -> None:
    found = 0
    for code, names in LOCALE_DATA.items():
        if is_country(code):
            for name in names.values():
                assert country_named(name) in {code, None}, (code, name)
                found += country_named(name) == code
    assert found > 3_000
