"""The name of a document that is sent by link."""

import pytest

from bot.meta.file_names import MAX_CHARACTERS, file_name_of, with_file_name


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("https://x.test/a.pdf", "a.pdf"),
        ("https://x.test/d/Men%C3%BA%20del%20d%C3%ADa.pdf?token=a/b.doc#page=2", "Menú del día.pdf"),
        ("https://x.test/reports/", "reports"),
        ("https://x.test/", "document"),
        ("https://x.test", "document"),
        ("https://x.test/a%2Fb%0A.pdf", "a b .pdf"),
        ("https://x.test/..", "document"),
        ("https://[x/a.pdf", "document"),
    ],
)
def test_the_name_is_the_last_part_of_the_path(link: str, name: str) -> None:
    assert file_name_of(link) == name


def test_a_long_name_keeps_its_extension() -> None:
    name = file_name_of(f"https://x.test/{'a' * 500}.pdf")
    assert len(name) == MAX_CHARACTERS
    assert name.endswith("a.pdf")


def test_a_document_by_id_gets_no_name_that_is_not_its_own() -> None:
    assert with_file_name({"id": "9"}) == {"id": "9"}
