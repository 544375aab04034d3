"""Importing contacts from files."""

import codecs
import csv
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import event, func, select, text

from jobs.core.runtime import Runtime
from jobs.imports import reader as import_reader
from jobs.imports import staging as import_spool
from jobs.imports.contacts import import_contacts, preview
from jobs.imports.delimiter import separator_of
from jobs.imports.lists import add_to_list, fill_list
from jobs.imports.orders import import_orders
from jobs.imports.reader import BadFile
from jobs.imports.result import ImportResult
from models.config import Settings
from models.contacts.merge import merge
from models.contacts.resolve import find_contact
from models.crypto import new_encryption_key
from models.events.shop import Taken, apply_shop_event
from models.events.shop_types import ShopCustomer, ShopEvent
from models.privacy.redact import redact
from models.tables.contact import Consent, ConsentEvent, Contact, Suppression
from models.tables.order import Order
from models.tables.recipient import RecipientState
from models.tables.tag import Attribute, ContactList, ContactTag, ListMember, Tag
from tests.support.factories import (
    ALICE_PHONE,
    NOW,
    alice,
    bob,
    make_attribute,
    make_campaign,
    make_contact,
    make_recipient,
)
from tests.support.running_hark import wait_for

HEADER = "phone,name,language,consent,consent_source,tags\n"


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime(
        Settings(database_url=database_url, redis_url=None, var_dir=tmp_path, encryption_keys=(new_encryption_key(),))
    )
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return result.created, result.updated, result.unchanged, result.refused_total


def people(rt: Runtime) -> dict[str, Contact]:
    with rt.database.read() as session:
        rows = session.scalars(select(Contact).order_by(Contact.id))
        return {contact.phone or contact.raw_phone or "": contact for contact in rows}


def tags_of(rt: Runtime, phone: str) -> dict[str, str | None]:
    with rt.database.read() as session:
        contact = find_contact(session, phone)
        assert contact is not None
        query = select(Tag.name, ContactTag.value).join(ContactTag).where(ContactTag.contact_id == contact.id)
        return {row.name: row.value for row in session.execute(query)}


def test_a_file_becomes_contacts_and_the_same_file_again_changes_nothing(rt: Runtime, file: Path) -> None:
    file.write_text(
        "phone,name,language,consent,consent_source,tags,shop,country\n"
        "+34600000011,Dora,es,subscribed,web form,vip;city=Madrid,Gran Vía,\n"
        '+447700900123,"Smith, John",en,,,,,GB\n'
    )
    assert counts(import_contacts(rt, file, dry_run=True)) == (2, 0, 0, 0)
    assert people(rt) == {}
    assert counts(import_contacts(rt, file)) == (2, 0, 0, 0)
    first = people(rt)
    dora, john = first["+34600000011"], first["+447700900123"]
    assert (dora.name, dora.language, dora.consent, dora.country) == ("Dora", "es", Consent.SUBSCRIBED, "ES")
    assert dora.attributes == {"shop": "Gran Vía"}
    assert (john.name, john.consent, john.attributes, john.country) == ("Smith, John", Consent.UNKNOWN, {}, "GB")
    assert tags_of(rt, "+34600000011") == {"vip": None, "city": "Madrid"}
    with rt.database.read() as session:
        event = session.scalars(select(ConsentEvent)).one()
        assert (event.before, event.after, event.source) == (None, Consent.SUBSCRIBED, "web form")
        assert event.proof == "people.csv line 2"
        assert session.scalars(select(Attribute.name)).all() == ["shop"]

    assert counts(import_contacts(rt, file, dry_run=True)) == (0, 0, 2, 0)
    assert counts(import_contacts(rt, file)) == (0, 0, 2, 0)
    assert people(rt)["+34600000011"].updated_at == dora.updated_at


def test_a_byte_order_mark_is_no_part_of_the_first_column(rt: Runtime, file: Path) -> None:
    file.write_bytes(codecs.BOM_UTF8 + HEADER.encode() + "+34600000012,Zoë,,,,\r\n".encode())
    assert counts(import_contacts(rt, file)) == (1, 0, 0, 0)
    assert people(rt)["+34600000012"].name == "Zoë"


def test_later_files_change_what_they_say_and_nothing_else(rt: Runtime, file: Path) -> None:
    file.write_text(HEADER + "+34600000012,Eva,es,subscribed,form,vip;city=Madrid\n")
    import_contacts(rt, file)
    file.write_text(HEADER + "0034 600 000 012,,,,,city=Sevilla;new\n")
    assert counts(import_contacts(rt, file, dry_run=True)) == (0, 1, 0, 0)
    assert counts(import_contacts(rt, file)) == (0, 1, 0, 0)
    eva = people(rt)["+34600000012"]
    assert (eva.name, eva.language, eva.consent) == ("Eva", "es", Consent.SUBSCRIBED)
    assert tags_of(rt, "+34600000012") == {"vip": None, "city": "Sevilla", "new": None}
    file.write_text("phone,tags\n+34600000012,city\n")
    assert counts(import_contacts(rt, file)) == (0, 0, 1, 0)


def test_a_row_with_a_number_from_before_fills_what_the_person_lacks_and_changes_nothing_else(
    rt: Runtime, file: Path
) -> None:
    with rt.database.write() as session:
        kept = make_contact(
            session, "+34600000012", name="Eva", consent=Consent.UNKNOWN, consent_at=None, tags={"city": "Madrid"}
        )
        for phone in ("+34600000091", None):
            raw: dict[str, Any] = {} if phone else {"raw_phone": "600111222", "phone_problem": "missing_calling_code"}
            merge(
                session, kept.id, make_contact(session, phone, tags={}, name="", consent=Consent.UNKNOWN, **raw).id, NOW
            )
    old = "+34600000091,Eve,es,subscribed,form,city=Sevilla;new\n600111222,Ev,,,,\n"
    file.write_text(HEADER + old)
    assert counts(import_contacts(rt, file)) == (0, 1, 1, 0)
    [eva] = [contact for contact in people(rt).values() if contact.merged_into_id is None]
    assert (eva.phone, eva.name, eva.language, eva.consent) == ("+34600000012", "Eva", "es", Consent.UNKNOWN)
    assert tags_of(rt, "+34600000091") == {"city": "Madrid", "new": None}
    assert counts(import_contacts(rt, file)) == (0, 0, 2, 0)
    file.write_text("phone,consent\n+34600000091,unsubscribed\n")
    assert counts(import_contacts(rt, file)) == (0, 1, 0, 0)
    assert people(rt)["+34600000012"].consent is Consent.UNSUBSCRIBED


def test_bad_rows_are_told_by_line_and_stop_nothing(rt: Runtime, file: Path) -> None:
    rows = [
        ("hello,Nobody,,,,", "no phone number"),
        (",Nobody,,,,", "phone is missing"),
        ("+34600000020,X,,maybe,,", "'maybe' is not one of subscribed, pending"),
        ("+34600000021,X,,subscribed,,", "needs a consent_source"),
        ("+34600000022,X,,redacted,law,", "'redacted' is not one of"),
        ("+34600000023,X,klingon language,,,", "no language code"),
        ("+34600000024,X,,,,=5", "has no name"),
        ("+34600000025,X,,,,,surplus", "7 cells"),
        ('+34600000026,"X" Y,,,,', "is no CSV"),
        ("=1+1,X,,,,", "no phone number"),
        ("+34600000027,X\x00,,,,", "NUL"),
        ("+34600000028," + "x" * 301 + ",,,,", "301 characters"),
        ('+34600000029,"never closed,,,,', "never closed"),
    ]
    body = HEADER + "+34600000001,First,,,,\n" + "".join(f"{row}\n" for row, _ in rows) + "\n+34600000002,Last,,,,\n"
    file.write_text(body)
    result = import_contacts(rt, file)
    assert counts(result) == (2, 0, 0, len(rows))
    assert [refusal["line"] for refusal in result.refused] == list(range(3, 3 + len(rows)))
    for refusal, (_row, reason) in zip(result.refused, rows, strict=True):
        assert reason in refusal["reason"]
        assert "\n" not in refusal["reason"]
    assert set(people(rt)) == {"+34600000001", "+34600000002"}
    assert result.to_json()["refused"] == result.refused


def test_a_line_in_another_encoding_is_refused_alone(rt: Runtime, file: Path) -> None:
    file.write_bytes(HEADER.encode() + b"+34600000031,Jos\xe9,,,,\n+34600000032,Ana,,,,\n")
    result = import_contacts(rt, file)
    assert result.refused == [{"line": 2, "reason": "is not UTF-8 text"}]
    assert set(people(rt)) == {"+34600000032"}


def test_a_cell_may_span_lines(rt: Runtime, file: Path) -> None:
    file.write_text('phone,name,note\n+34600000033,"Eva","one\ntwo ""quoted"""\n+3,X,\n')
    result = import_contacts(rt, file)
    assert people(rt)["+34600000033"].attributes == {"note": 'one\ntwo "quoted"'}
    assert [refusal["line"] for refusal in result.refused] == [4]


@pytest.mark.parametrize("before", [Consent.UNSUBSCRIBED, Consent.INVALID])
def test_an_import_never_raises_who_left_or_is_invalid(rt: Runtime, file: Path, before: Consent) -> None:
    with rt.database.write() as session:
        contact = make_contact(session, "+34600000040", name="Gone", consent=before)
    file.write_text(HEADER + "+34600000040,New name,,subscribed,a form,\n")
    assert counts(import_contacts(rt, file)) == (0, 1, 0, 0)
    assert counts(import_contacts(rt, file)) == (0, 0, 1, 0)
    kept = people(rt)["+34600000040"]
    assert (kept.id, kept.name, kept.consent) == (contact.id, "New name", before)


def test_an_import_that_takes_consent_away_cancels_what_is_queued(rt: Runtime, file: Path) -> None:
    with rt.database.write() as session:
        person = alice(session)
        row = make_recipient(session, make_campaign(session), person)
    file.write_text(f"phone,consent\n{person.phone},unsubscribed\n")
    assert counts(import_contacts(rt, file)) == (0, 1, 0, 0)
    with rt.database.read() as session:
        assert session.get_one(type(row), row.id).state is RecipientState.NOT_SENT


def test_a_redacted_person_stays_out(rt: Runtime, file: Path) -> None:
    with rt.database.write() as session:
        hashed = rt.vault.person_hash("wa:34600000050")
        session.add(Suppression(person_hash=hashed, reason="redacted", created_at=NOW))
    file.write_text(HEADER + "+34 600 000 050,Back,,subscribed,form,\n+34600000051,Other,,,,\n")
    result = import_contacts(rt, file)
    assert counts(result) == (1, 0, 0, 1)
    assert result.refused[0]["line"] == 2
    assert "redacted" in result.refused[0]["reason"]
    assert set(people(rt)) == {"+34600000051"}


def test_who_is_wiped_while_files_and_news_of_a_shop_are_taken_is_in_none_of_them(
    postgres_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        database_url=postgres_url, redis_url=None, var_dir=tmp_path, encryption_keys=(new_encryption_key(),)
    )
    rt, file = Runtime(settings), tmp_path / "file.csv"
    with rt.database.write() as session:
        person = alice(session).id
    file.write_text(f"order_id,phone,total,currency,placed_at\n1,{ALICE_PHONE},5,EUR,2026-11-20\n")
    refused: list[ImportResult] = []
    customer = ShopCustomer("1", ALICE_PHONE, {"first_name": "Alice"}, tags=("vip",))
    shop: list[Taken] = []
    works = [
        lambda: import_contacts(rt, file, columns={"order_id": "", "total": "", "currency": "", "placed_at": ""}),
        lambda: fill_list(rt, file, "Spring", columns={"order_id": "", "total": "", "currency": "", "placed_at": ""}),
        lambda: import_orders(rt, file),
    ]
    threads = [threading.Thread(target=lambda work=work: refused.append(work())) for work in works]
    threads.append(threading.Thread(target=lambda: shop.append(_told(rt, ShopEvent("shop", "1", customer)))))
    with rt.database.write() as session:
        assert redact(session, person, rt.vault, NOW, "dpo")
        for thread in threads:
            thread.start()
        wait_for(lambda: _waiting(rt) == len(threads), 60, "all of them wait for the redaction")
    for thread in threads:
        thread.join()
    assert ([counts(result) for result in refused], shop) == ([(0, 0, 0, 1)] * 3, [Taken.UNREACHABLE])
    with rt.database.read() as session:
        assert session.execute(select(Contact.id, Contact.first_name)).all() == [(person, None)]
        left = [session.scalar(select(func.count()).select_from(it)) for it in (ListMember, Order, ContactTag)]
    assert left == [0, 0, 0]
    rt.close()


def _told(rt: Runtime, event: ShopEvent) -> Taken:
    with rt.database.write() as session:
        return apply_shop_event(session, event, NOW, rt.vault)


def _waiting(rt: Runtime) -> int:
    """Who waits for a lock."""
    with rt.database.read() as session:
        locked = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return int(session.execute(locked).scalar_one())


@pytest.mark.parametrize(
    ("wiped_as", "given"), [("wa:34600000050", "34600000050"), ("raw:34600000050", "+34600000050")]
)
def test_a_redacted_person_does_not_come_back_by_another_spelling(
    rt: Runtime, file: Path, wiped_as: str, given: str
) -> None:
    with rt.database.write() as session:
        hashed = rt.vault.person_hash(wiped_as)
        session.add(Suppression(person_hash=hashed, reason="redacted", created_at=NOW))
    file.write_text(HEADER + f"{given},Back,,subscribed,form,\n")
    result = import_contacts(rt, file)
    assert counts(result) == (0, 0, 0, 1)
    assert people(rt) == {}


def test_lines_of_one_person_become_one_contact(rt: Runtime, file: Path) -> None:
    file.write_text(
        HEADER
        + "+5531987654321,Rita,pt,subscribed,form,order=1\n"
        + "+34600000052,Other,,,,\n"
        + "+55 31 8765-4321,Rita Maria,,,,vip\n"
    )
    assert counts(import_contacts(rt, file, dry_run=True)) == (2, 0, 1, 0)
    assert counts(import_contacts(rt, file)) == (2, 0, 1, 0)
    assert counts(import_contacts(rt, file)) == (0, 0, 3, 0)
    rita = people(rt)["+5531987654321"]
    assert (rita.name, rita.language) == ("Rita Maria", "pt")
    assert tags_of(rt, "+5531987654321") == {"order": "1", "vip": None}


def test_who_is_unsubscribed_on_any_line_of_the_file_is_unsubscribed(rt: Runtime, file: Path) -> None:
    file.write_text(HEADER + "+34600000053,X,,unsubscribed,,\n+34600000053,X,,subscribed,form,\n")
    import_contacts(rt, file)
    assert people(rt)["+34600000053"].consent is Consent.UNSUBSCRIBED


def test_numbers_that_cannot_be_called_are_kept_with_their_problem(rt: Runtime, file: Path) -> None:
    file.write_text(HEADER + "600111222,No code,,,,vip\n+34123,Short,,,,\n")
    assert counts(import_contacts(rt, file)) == (2, 0, 0, 0)
    assert counts(import_contacts(rt, file)) == (0, 0, 2, 0)
    kept = people(rt)
    assert kept["600111222"].phone_problem == "missing_calling_code"
    assert kept["600111222"].person_key == f"c:{kept['600111222'].id}"
    assert kept["+34123"].phone_problem == "invalid_phone"


def test_a_country_set_later_mends_the_record_and_makes_no_second_one(rt: Runtime, file: Path) -> None:
    file.write_text(HEADER + "600111222,No code,,,,vip\n")
    import_contacts(rt, file)
    rt.settings = replace(rt.settings, default_country="ES")
    assert counts(import_contacts(rt, file)) == (0, 1, 0, 0)
    assert counts(import_contacts(rt, file)) == (0, 0, 1, 0)
    (mended,) = people(rt).values()
    assert (mended.phone, mended.raw_phone, mended.phone_problem) == ("+34600111222", None, None)
    assert (mended.person_key, mended.country) == ("wa:34600111222", "ES")


def test_of_two_spellings_in_one_file_the_whole_number_stays(rt: Runtime, file: Path) -> None:
    file.write_text("phone\n34600111222\n")
    import_contacts(rt, file)
    file.write_text("phone\n+34600111222\n34600111222\n")
    assert counts(import_contacts(rt, file)) == (0, 1, 1, 0)
    (mended,) = people(rt).values()
    assert (mended.phone, mended.raw_phone, mended.phone_problem) == ("+34600111222", None, None)


def test_attributes_keep_their_type(rt: Runtime, file: Path) -> None:
    with rt.database.write() as session:
        make_attribute(session, "visits", type="number")  # type: ignore[arg-type]
        make_attribute(session, "born", type="date")  # type: ignore[arg-type]
    file.write_text("phone,visits,born\n+34600000061,12,1990-02-03\n+34600000062,many,\n+34600000063,,3.2.1990\n")
    result = import_contacts(rt, file)
    assert [refusal["line"] for refusal in result.refused] == [3, 4]
    assert "visits is 'many', no number" in str(result.refused[0]["reason"])
    assert "born is '3.2.1990', no date" in str(result.refused[1]["reason"])
    assert people(rt)["+34600000061"].attributes == {"visits": 12, "born": "1990-02-03"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"name,tags\nAna,vip\n", "no column 'phone'"),
        (b"phone,name,NAME\n", "there twice"),
        (b"phone,,name\n", "column 2 has no name"),
        (b"nom;name\n+34600000001;Ana\n", "no column 'phone'"),
        ("phone,name\n+34600000001,Ana\n".encode("utf-16-le"), "not UTF-8"),
        (b"phone," + b",".join(b"c%d" % n for n in range(10_000)) + b"\n", "10001 columns; at most 200"),
        (b"phone,a=b\n+34600000001,1\n", "not allowed"),
        (b"phone,name\n+34600000001,Ana\n" + b"x" * 2_000_000, "line 3 is longer"),
        (b'"phone,name\n+34600000001,Ana\n', "never closed"),
        (b"PK\x03\x04 broken", "no readable XLSX"),
    ],
)
def test_a_file_that_is_none_imports_nothing_and_says_so_in_a_line(
    rt: Runtime, file: Path, content: bytes, message: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(BadFile, match=message) as caught:
        import_contacts(rt, file)
    assert "\n" not in str(caught.value)
    assert people(rt) == {}


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
        ("", ","),
    ],
)
def test_the_header_tells_what_separates_the_columns(beginning: str, separator: str) -> None:
    assert separator_of(beginning, is_whole=True) == separator


@pytest.mark.parametrize(
    "content",
    [
        'phone;name;tags\r\n+34600000001;"Moll; Ana";"vip;city=Madrid"\r\nhello;x;\r\n'.encode("utf-8-sig"),
        "phone\tname\ttags\r\n+34600000001\tMoll; Ana\tvip;city=Madrid\r\nhello\tx\t\r\n".encode("utf-16"),
    ],
)
def test_a_file_as_excel_writes_it_in_europe_is_taken(rt: Runtime, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    result = import_contacts(rt, file)
    assert counts(result) == (1, 0, 0, 1)
    assert result.refused == [{"line": 3, "reason": "'hello' is no phone number"}]
    assert people(rt)["+34600000001"].name == "Moll; Ana"
    assert tags_of(rt, "+34600000001") == {"vip": None, "city": "Madrid"}


def test_columns_get_other_names_and_never_two_the_same(rt: Runtime, file: Path) -> None:
    file.write_text("Tel,name,Notes\n+34600000001,Ana,x\n")
    assert counts(import_contacts(rt, file, columns={"Tel": "phone", "Notes": ""})) == (1, 0, 0, 0)
    assert people(rt)["+34600000001"].attributes == {}
    with pytest.raises(BadFile, match="there is no column 'Mobile'"):
        import_contacts(rt, file, columns={"Mobile": "phone"})
    with pytest.raises(BadFile, match="the column 'name' is there twice"):
        import_contacts(rt, file, columns={"Tel": "phone", "Notes": "Name"})


def test_a_missing_file_and_a_directory_are_a_line_too(rt: Runtime, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(BadFile):
            import_contacts(rt, path)


def test_a_huge_file_is_refused_before_it_is_read(rt: Runtime, file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(1 << 30)
    with pytest.raises(BadFile, match="1024 MB; at most 500"):
        import_contacts(rt, file)


def test_a_file_of_too_many_rows_imports_nothing(rt: Runtime, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_spool, "MOST_ROWS", 2)
    file.write_text("phone\n+34600000001\n+34600000002\n+34600000003\n")
    with pytest.raises(BadFile, match="more than 2 rows"):
        import_contacts(rt, file)
    assert people(rt) == {}


def workbook(path: Path, *rows: list[Any]) -> Path:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_spreadsheet_says_the_same_as_a_file_with_commas(rt: Runtime, tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "people.xlsx",
        ["phone", "name", "tags", "visits", "since", "Notes"],
        ["+34600000071", "Eva", "vip;city=Madrid", 3, NOW.replace(tzinfo=None).date(), None],
        [34600000072.0, "Ana", None, 2.5, None, "x"],
        [None, None, None],
        ["hello", "Nobody"],
    )
    result = import_contacts(rt, path, columns={"Notes": ""})
    assert [(refusal["line"]) for refusal in result.refused] == [5]
    kept = people(rt)
    assert kept["+34600000071"].attributes == {"visits": "3", "since": "2026-11-22"}
    assert kept["34600000072"].attributes == {"visits": "2.5"}
    assert tags_of(rt, "+34600000071") == {"vip": None, "city": "Madrid"}
    assert preview(path)[0][:2] == ["phone", "name"]
    assert preview(path)[1][0][1] == "Eva"


def test_a_spreadsheet_that_unpacks_to_gigabytes_is_refused(rt: Runtime, tmp_path: Path) -> None:
    path = workbook(tmp_path / "bomb.xlsx", ["phone"], ["+34600000071"])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/more.xml", "w") as part:
        for _ in range(61):
            part.write(b" " * (1 << 20))
    with pytest.raises(BadFile, match="MB of text"):
        import_contacts(rt, path)


def test_a_spreadsheet_with_a_row_that_no_sheet_has_is_refused(
    rt: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_reader, "MOST_SHEET_ROWS", 1000)
    made, path = workbook(tmp_path / "made.xlsx", ["phone"], ["+34600000071"], ["+34600000072"]), tmp_path / "far.xlsx"
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            text = old.read(part)
            if part.startswith("xl/worksheets/"):
                text = text.replace(b'<row r="3"', b'<row r="30000000"')
            new.writestr(part, text)
    with pytest.raises(BadFile, match="has a row beyond 1,000, the last that a sheet can have"):
        import_contacts(rt, path)
    assert people(rt) == {}


def test_columns_can_be_mapped(rt: Runtime, file: Path) -> None:
    file.write_text("Teléfono,Nombre,Código\n+34600000081,Eva,7\n")
    import_contacts(rt, file, columns={"Teléfono": "phone", "Nombre": "name", "Código": "code"})
    kept = people(rt)["+34600000081"]
    assert (kept.name, kept.attributes) == ("Eva", {"code": "7"})


def test_a_long_file_goes_in_chunk_by_chunk_with_progress(
    rt: Runtime, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 10)
    monkeypatch.setattr(import_spool, "LONGEST_WRITE_SECONDS", 60)
    with file.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["phone", "name", "tags"])
        writer.writerows([f"+3460001{n:04d}", f"P {n}", "vip"] for n in range(25))
        writer.writerow(["+34600010003", "P 3", "vip"])
    seen: list[tuple[int, int]] = []
    result = import_contacts(rt, file, progress=lambda done, total: seen.append((done, total)))
    assert counts(result) == (25, 0, 1, 0)
    assert seen == [(10, 26), (20, 26), (26, 26)]


def test_a_slow_machine_gets_smaller_chunks(rt: Runtime, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 10)
    monkeypatch.setattr(import_spool, "FEWEST_ROWS", 3)
    monkeypatch.setattr(import_spool, "LONGEST_WRITE_SECONDS", 0.0)
    file.write_text("phone\n" + "".join(f"+3460001{n:04d}\n" for n in range(20)))
    seen: list[int] = []
    assert counts(import_contacts(rt, file, progress=lambda done, _: seen.append(done))) == (20, 0, 0, 0)
    assert seen == [10, 13, 16, 19, 20]


def test_a_chunk_takes_as_many_statements_however_many_rows_it_has(rt: Runtime, file: Path) -> None:
    statements: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, rows: Any, _context: Any, is_many: bool) -> None:
        statements.extend([statement] * (len(rows) if is_many else 1))

    event.listen(rt.database.write_engine, "before_cursor_execute", count)
    taken: dict[tuple[int, str], int] = {}
    for size in (3, 300):
        for name in ("Eva", "Ana"):  # first new, then changed
            lines = (f"+34{size:03d}{n:06d},{name},subscribed,web,vip;n={n};of={name}\n" for n in range(size))
            file.write_text("phone,name,consent,consent_source,tags\n" + "".join(lines))
            statements.clear()
            result = import_contacts(rt, file)
            assert result.created + result.updated == size
            taken[size, name] = len(statements)
    assert taken[300, "Eva"] <= taken[3, "Eva"]
    assert taken[300, "Ana"] <= taken[3, "Ana"]


def test_what_an_import_writes_is_what_was_said_on_both_databases(rt: Runtime, file: Path) -> None:
    file.write_text(
        "phone,name,email,language,country,consent,consent_source,tags,shop's \"name\n".replace('"', "")
        + '+34600000081,Zoë 🎉,zoe@example.com,es,MX,subscribed,form,"it\'s; k=a=b, c",{\\}\n'
    )
    result = import_contacts(rt, file)
    assert counts(result) == (1, 0, 0, 0)
    kept = people(rt)["+34600000081"]
    assert (kept.name, kept.email, kept.language, kept.country) == ("Zoë 🎉", "zoe@example.com", "es", "MX")
    assert kept.attributes == {"shop's name": "{\\}"}
    assert (kept.consent, kept.phone_problem, kept.has_identity, kept.undeliverable_count) == (
        "subscribed",
        None,
        False,
        0,
    )
    assert kept.consent_at == kept.created_at == kept.updated_at
    assert tags_of(rt, "+34600000081") == {"it's": None, "k": "a=b, c"}
    with rt.database.read() as session:
        told = session.scalars(select(ConsentEvent)).one()
    assert (told.before, told.after, told.source, told.actor) == (None, Consent.SUBSCRIBED, "form", "cli")
    assert told.at == kept.consent_at
    assert counts(import_contacts(rt, file)) == (0, 0, 1, 0)


def test_two_imports_at_once_make_no_second_record(rt: Runtime, file: Path) -> None:
    file.write_text("phone,tags\n" + "".join(f"+3460001{n:04d},vip;n={n}\n" for n in range(200)))
    results: list[ImportResult] = []
    threads = [threading.Thread(target=lambda: results.append(import_contacts(rt, file))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(result.created for result in results) == 200
    assert sum(result.unchanged for result in results) == 400
    with rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(ContactTag)) == 400


def test_an_import_that_died_goes_on_when_it_is_started_again(
    rt: Runtime, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_spool, "CHUNK_ROWS", 10)
    monkeypatch.setattr(import_spool, "LONGEST_WRITE_SECONDS", 60)
    file.write_text("phone\n" + "".join(f"+3460001{n:04d}\n" for n in range(30)))

    def die(done: int, total: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_contacts(rt, file, progress=die)
    assert len(people(rt)) == 20
    assert counts(import_contacts(rt, file)) == (10, 0, 20, 0)


def test_a_list_takes_the_phones_that_exist(rt: Runtime, file: Path) -> None:
    with rt.database.write() as session:
        alice(session)
        bob(session)
    file.write_text("phone,consent\n+34600000001,nonsense\n+34 600 000 002,\n+34600000099,\nhello,\n")
    result = add_to_list(rt, " Spring ", file)
    assert (result.name, result.added, result.already) == ("Spring", 2, 0)
    assert [refusal["line"] for refusal in result.refused] == [4, 5]
    assert counts(fill_list(rt, file, "Spring", dry_run=True)) == (0, 0, 2, 2)
    assert counts(fill_list(rt, file, "Summer", dry_run=True)) == (2, 0, 0, 2)
    again = add_to_list(rt, "Spring", file)
    assert (again.id, again.added, again.already) == (result.id, 0, 2)
    with rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(ListMember)) == 2
        assert session.scalars(select(ContactList.name)).all() == ["Spring"]


def test_a_spreadsheet_is_held_to_what_it_says_of_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_reader, "MOST_UNZIPPED_BYTES", 1000)
    path = workbook(tmp_path / "big.xlsx", ["phone"], ["+34600000071"])
    with pytest.raises(BadFile, match="unpacks to more"):
        preview(path)
