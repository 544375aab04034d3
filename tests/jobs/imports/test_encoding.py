"""The encoding of a file is recognised and said, chosen, or the whole file is refused."""

from pathlib import Path

import pytest

from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
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


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("cp1252", "cp1252")]
)
def test_an_encoding_of_excel_is_recognised_and_said(
    bare_rt: Runtime, file: Path, name: str, encoding: str, said: str
) -> None:
    file.write_bytes(f'phone,name\n+34600000001,"{name}"\n+34600000002,Ana\n'.encode(encoding))
    result = import_contacts(bare_rt, file)
    assert (result.created, result.refused, result.encoding) == (2, [], said)
    assert people(bare_rt)["+34600000001"].name == name


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("Łukasz Żółć", "cp1250"),
        ("Иван Петров", "cp1251"),
        ("Γιώργος", "cp1253"),
        ("Şükrü Ağaoğlu", "cp1254"),
        ("محمد", "cp1256"),
        ("山田太郎", "shift_jis"),
        ("王小明", "gb18030"),
    ],
)
def test_another_encoding_is_refused_as_a_whole_and_read_where_it_is_chosen(
    bare_rt: Runtime, file: Path, name: str, encoding: str
) -> None:
    file.write_bytes(f"phone,name\n+34600000001,{name}\n".encode(encoding))
    with pytest.raises(BadFileError, match="which encoding it has is not certain"):
        import_contacts(bare_rt, file)
    assert people(bare_rt) == {}
    import_contacts(bare_rt, file, choices=SheetChoices(encoding=encoding))
    assert people(bare_rt)["+34600000001"].name == name
    with pytest.raises(BadFileError, match="the encoding 'klingon' is not known"):
        import_contacts(bare_rt, file, choices=SheetChoices(encoding="klingon"))
