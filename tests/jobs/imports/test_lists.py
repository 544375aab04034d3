"""Files that put people on a list."""

from pathlib import Path

from sqlalchemy import func, select

from jobs.core.runtime import Runtime
from jobs.imports.lists import add_to_list, import_list
from models.tables.tag import ContactList, ListMember
from tests.support.factories.contacts import alice, bob
from tests.support.import_rig import counts


def test_a_list_takes_the_phones_that_exist(bare_rt: Runtime, file: Path) -> None:
    with bare_rt.database.write() as session:
        alice(session)
        bob(session)
    file.write_text("phone,consent\n+34600000001,nonsense\n+34 600 000 002,\n+34600000099,\nhello,\n")
    result = add_to_list(bare_rt, " Spring ", file)
    assert (result.name, result.added, result.already) == ("Spring", 2, 0)
    assert [refusal["line"] for refusal in result.refused] == [4, 5]
    assert counts(import_list(bare_rt, file, "Spring", dry_run=True)) == (0, 0, 2, 2)
    assert counts(import_list(bare_rt, file, "Summer", dry_run=True)) == (2, 0, 0, 2)
    again = add_to_list(bare_rt, "Spring", file)
    assert (again.id, again.added, again.already) == (result.id, 0, 2)
    with bare_rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(ListMember)) == 2
        assert session.scalars(select(ContactList.name)).all() == ["Spring"]
