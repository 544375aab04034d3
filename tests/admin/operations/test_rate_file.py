"""Rate cards from a file: read whole or not at all."""

import re
from pathlib import Path

import pytest

from admin.operations.rate_file import RateFile, read_rate_file
from models.errors import OperatorError
from tests.support.rate_files import EXAMPLE, HEAD, SPAIN


def read(tmp_path: Path, text: str | bytes, name: str = "rates.csv") -> RateFile:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_rate_file(path)


def test_the_example_card_is_read_and_says_that_its_figures_are_invented() -> None:
    card = read_rate_file(EXAMPLE)
    assert card.currency == "EUR"
    assert len(card.prices) == 9
    assert "INVENTED: they are not Meta's prices" in EXAMPLE.read_text(encoding="utf-8")


def test_csv_and_yaml_say_the_same(tmp_path: Path) -> None:
    text = """currency: EUR
rates:
  - {country: ES, category: marketing, amount: 0.0615, valid_from: 2026-01-01}
  - {country: NO, category: authentication-international, amount: "0.1", valid_from: "2026-01-01"}
"""
    same = "\ufeff# a remark\n" + HEAD + SPAIN + "\nno,AUTHENTICATION_INTERNATIONAL,0.1,eur,2026-01-01\n"
    assert read(tmp_path, text, "rates.yaml") == read(tmp_path, same)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD + "XX,marketing,1,EUR,2026-01-01\n", "line 2: country='XX'"),
        (HEAD + "ES,marketng,1,EUR,2026-01-01\n", "line 2: category='marketng'"),
        (HEAD + "ES,marketing,-1,EUR,2026-01-01\n", "line 2: amount='-1'"),
        (HEAD + "ES,marketing,,EUR,2026-01-01\n", "line 2: amount=''"),
        (HEAD + "ES,marketing,1,EURO,2026-01-01\n", "line 2: currency='EURO'"),
        (HEAD + "ES,marketing,1,EUR,1.1.2026\n", "line 2: valid_from='1.1.2026'"),
        (HEAD + SPAIN + "GB,marketing,1,USD,2026-01-01\n", "line 3: currency=USD: the rows before are in EUR"),
        (HEAD + SPAIN + SPAIN, "line 3: ES marketing from 2026-01-01 was given before"),
        (HEAD + "ES,marketing,1\n", "line 2: 3 cells under 5 columns"),
        (HEAD + '"ES', "is no CSV"),
        ("country,amount\nES,1\n", "line 1: the columns must be"),
        (HEAD, "it holds no price"),
        ("", "it holds no price"),
        (HEAD.encode() + b"\xff", "is not UTF-8"),
        (HEAD + "ES\x00", "NUL"),
        (b"#" * 2_000_001, "allowed are 2 MB"),
    ],
)
def test_a_file_with_anything_wrong_is_refused_with_its_line(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read(tmp_path, text)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "rates: 3",
        "a: 1",
        "currency: EUR\nrates: [3]",
        "currency: EUR\nrates: [{country: ES, prize: 1}]",
        "[" * 5000,
    ],
)
def test_yaml_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(OperatorError):
        read(tmp_path, text, "rates.yml")


def test_the_cards_of_the_documentation_are_accepted(tmp_path: Path) -> None:
    page = (EXAMPLE.parent.parent / "money.md").read_text(encoding="utf-8")
    kinds = {"csv": 4, "yaml": 1}
    for kind, number in kinds.items():
        (text,) = re.findall(rf"^```{kind}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        card = read(tmp_path, text, f"rates.{kind}")
        assert (card.currency, len(card.prices)) == ("EUR", number)
