"""The encoding of a file is recognised and said, chosen, or the whole file is refused."""

import codecs
from pathlib import Path

import pytest

from jobs.core.runtime import Runtime
from jobs.imports.code_pages import LABELS
from jobs.imports.contacts import import_contacts
from jobs.imports.encoding import UnclearEncodingError, detect_encoding
from jobs.imports.errors import BadFileError
from jobs.imports.reader import SheetChoices
from tests.support.import_rig import people

NAMES = {
    "French": "Zoé Lefèvre, Œuvres du Cœur",
    "German": "Jürgen Groß",
    "Spanish": "Íñigo Núñez Ávila",
    "Portuguese": "João Conceição",
    "Danish": "Søren Ærø Ågård",
    "with a price": "René 20 €",
}
IN_THEIR_COUNTRY = {
    "cp1250": ("+48", ["Łukasz Żak", "Wójcik"]),
    "cp1251": ("+7", ["Иван Петров"]),
    "cp1253": ("+30", ["Γιώργος Παπαδόπουλος"]),
    "cp1254": ("+90", ["Ayşe Yılmaz", "Çağlar"]),
    "cp1255": ("+972", ["משה כהן"]),
    "cp1256": ("+20", ["محمد أحمد"]),
    "cp1257": ("+371", ["Jānis Bērziņš"]),
    "cp874": ("+66", ["สมชาย ใจดี"]),
    "cp932": ("+81", ["山田太郎", "たなか"]),
    "gbk": ("+86", ["王小明", "李娜"]),
    "cp949": ("+82", ["김철수", "이영희"]),
    "cp950": ("+886", ["陳大文", "林志玲"]),
    "iso8859_2": ("+420", ["Šárka Nováková", "Dvořák"]),
    "koi8_r": ("+7", ["Иван Петров", "Анна Смирнова"]),
    "cp1258": ("+84", ["Nguyễn Hữu Đức"]),
}


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
    ],
)
def test_unicode_is_recognised_with_and_without_its_mark(
    bare_rt: Runtime, file: Path, name: str, encoding: str, said: str
) -> None:
    file.write_bytes(f'phone,name\n+34600000001,"{name}"\n+34600000002,Ana\n'.encode(encoding))
    result = import_contacts(bare_rt, file)
    assert (result.created, result.refused, result.encoding) == (2, [], said)
    assert people(bare_rt)["+34600000001"].name == name


@pytest.mark.parametrize(
    ("calling_code", "name"), [("+33", "French"), ("+49", "German"), ("+34", "Spanish"), ("+45", "Danish")]
)
def test_a_file_of_excel_in_western_europe_is_recognised(
    bare_rt: Runtime, file: Path, calling_code: str, name: str
) -> None:
    file.write_bytes(f'phone,name\n{calling_code}600000001,"{NAMES[name]}"\n'.encode("cp1252"))
    assert import_contacts(bare_rt, file).encoding == "cp1252"
    assert [person.name for person in people(bare_rt).values()] == [NAMES[name]]


@pytest.mark.parametrize("codec", IN_THEIR_COUNTRY)
def test_a_code_page_is_recognised_where_only_it_has_words_of_the_countries_of_the_numbers(
    file: Path, codec: str
) -> None:
    calling_code, names = IN_THEIR_COUNTRY[codec]
    text = "phone;name\n" + "".join(f"{calling_code}60010{place:04d};{name}\n" for place, name in enumerate(names))
    content = text.encode(codec, errors="ignore")
    file.write_bytes(content)
    with file.open("rb") as raw:
        code = detect_encoding(file, raw)
    assert content.decode(code.codec) == content.decode(codec)


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("Győző", "cp1250"),
        ("Vasilică", "cp1250"),
        ("Dvořák", "cp1250"),
        ("Yıldız", "cp1254"),
        ("김철수", "cp949"),
        ("García", "mac_roman"),
        ("Muñoz", "mac_roman"),
        ("Heß", "cp850"),
    ],
)
def test_what_several_encodings_make_words_of_is_refused_as_a_whole_and_read_where_it_is_chosen(
    bare_rt: Runtime, file: Path, name: str, encoding: str
) -> None:
    file.write_bytes(f"phone,name\n+61400100001,{name}\n+61400100002,Ana\n".encode(encoding))
    with pytest.raises(
        UnclearEncodingError, match=r"which encoding it has is not certain .* say its encoding"
    ) as unclear:
        import_contacts(bare_rt, file)
    assert people(bare_rt) == {}
    assert unclear.value.readings[encoding] == (name,)
    import_contacts(bare_rt, file, choices=SheetChoices(encoding=encoding))
    assert people(bare_rt)["+61400100001"].name == name


def test_the_country_of_the_house_tells_where_no_number_does(bare_rt: Runtime, file: Path) -> None:
    file.write_bytes("phone,name\n301234567,Kovács Győző\n".encode("cp1250"))
    with pytest.raises(UnclearEncodingError):
        import_contacts(bare_rt, file)
    assert import_contacts(bare_rt, file, country="HU").encoding == "cp1250"
    assert people(bare_rt)["+36301234567"].name == "Kovács Győző"


def test_an_accent_far_down_in_the_file_counts_too(bare_rt: Runtime, file: Path) -> None:
    rows = "".join(f"+346{number:08d},Ana\n" for number in range(10_000))
    file.write_bytes(f"phone,name\n{rows}+34700000000,José Muñoz\n".encode("cp1252"))
    result = import_contacts(bare_rt, file, dry_run=True)
    assert (result.encoding, result.created, result.warnings) == ("cp1252", 10_001, [])


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        ("phone,name\n1,José\n".encode(), "klingon", "the encoding 'klingon' is not known"),
        ("phone,name\n1,José\n".encode(), "hex", "is not known"),
        ("phone,name\n1,José\n".encode(), "cp1252", "is not cp1252 text; choose another"),
        ("phone,name\n1,José\n".encode("cp1252"), "utf-8", "is not utf-8 text; choose another"),
        ("phone,name\n1,Жанна\n".encode("cp1251"), "ascii", "is not ascii text; choose another"),
    ],
)
def test_an_encoding_that_the_file_does_not_have_is_refused(file: Path, content: bytes, name: str, reason: str) -> None:
    file.write_bytes(content)
    with file.open("rb") as raw, pytest.raises(BadFileError, match=reason):
        detect_encoding(file, raw, name)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xd0\xcf\x11\xe0 xls", r"an old Excel workbook \(.xls\)"),
        (b"%PDF-1.7", "is a PDF"),
        (b"\x00\x01\x02", "is not text"),
    ],
)
def test_what_is_no_text_is_refused_by_its_name(file: Path, content: bytes, reason: str) -> None:
    file.write_bytes(content)
    with file.open("rb") as raw, pytest.raises(BadFileError, match=reason):
        detect_encoding(file, raw)


def test_every_encoding_that_is_offered_can_be_chosen(file: Path) -> None:
    file.write_bytes(b"phone\n1\n")
    for name in LABELS:
        with file.open("rb") as raw:
            assert codecs.lookup(detect_encoding(file, raw, name).name) == codecs.lookup(name)


def test_text_that_was_broken_before_is_not_stored_unless_somebody_says_so(bare_rt: Runtime, file: Path) -> None:
    file.write_text("phone,name\n+34600000001,JosÃ© MuÃ±oz\n+34600000002,Ana\n", encoding="utf-8")
    with pytest.raises(UnclearEncodingError, match="saved in a wrong encoding before, such as 'JosÃ©'"):
        import_contacts(bare_rt, file)
    assert people(bare_rt) == {}
    assert import_contacts(bare_rt, file, choices=SheetChoices(encoding="utf-8")).created == 2
