"""What separates the columns of a file."""

import pytest

from jobs.imports.delimiter import detect_delimiter


@pytest.mark.parametrize(
    ("beginning", "separator"),
    [
        ("phone,name\n", ","),
        ("phone\n", ","),
        ("phone;name\n", ";"),
        ("phone\tname\n", "\t"),
        ("sep=;\nphone;name\n", ";"),
        ('phone;"name, first";tags\n', ";"),
        ('Tel;"name, first";x\n1;"Moll, Ana";x\n', ";"),
        ("Tel;name, first;x\n1;Ana;x\n", ";"),
        ('"Tel","a;b"\n', ","),
        ("phone,tags (a;b;c)\n1,vip;b;c\n", ","),
        ("Tel,Labels;more\n1,vip;x\n2,vip\n", ","),
        ("phone\tname, first\n1\tMoll, Ana\n", "\t"),
        ("phone|name\n", "|"),
        ("Customers, Madrid\n\nphone;name\n1;Ana\n", ";"),
        ("Kunden, alle\nDurchwahl;Kunde\n1;Moll, Ana\n2;Bo\n", ";"),
        ("", ","),
    ],
)
def test_the_header_tells_what_separates_the_columns(beginning: str, separator: str) -> None:
    assert detect_delimiter(beginning, is_whole=True) == separator
