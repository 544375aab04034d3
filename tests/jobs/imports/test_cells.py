"""A cell beside the phone that cannot be read costs the cell, never the person."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
from jobs.imports.reader import SheetChoices
from models.imports.tag_cell import read_tags
from models.tables.contact import Consent
from tests.support.import_rig import people, tags_of


def test_a_wrong_cell_is_left_out_with_a_warning_and_the_person_is_taken(bare_rt: Runtime, file: Path) -> None:
    file.write_text(
        "phone,name,time_zone,language,country,consent,tags\n"
        "+34600000001,Ana,Mars/Olympus,es,ES,yes,vip\n"
        "+34600000002,Bo,Europe/Madrid,klingon language,Atlantis,subscribed,=5\n"
        f"+34600000003,{'x' * 301},,,,redacted,\n"
        "no phone,Eva,,,,,\n"
    )
    result = import_contacts(bare_rt, file)
    assert (result.created, [refusal["line"] for refusal in result.refused]) == (3, [5])
    assert {(warning["line"], warning["column"]) for warning in result.warnings} == {
        (2, "time_zone"),
        (2, "consent"),
        (3, "language"),
        (3, "country"),
        (3, "consent"),
        (3, "tags"),
        (4, "name"),
        (4, "consent"),
    }
    reasons = " ".join(str(warning["reason"]) for warning in result.warnings)
    for part in ("'yes' is not one of subscribed, pending", "needs a consent_source", "'redacted' is not one of"):
        assert part in reasons
    for part in ("no language code", "has no name", "301 characters"):
        assert part in reasons
    ana = people(bare_rt)["+34600000001"]
    assert (ana.name, ana.time_zone, ana.language, ana.consent) == ("Ana", None, "es", Consent.UNKNOWN)
    assert tags_of(bare_rt, "+34600000001") == {"vip": None}
    assert people(bare_rt)["+34600000002"].time_zone == "Europe/Madrid"


def test_a_number_that_may_be_two_peoples_is_kept_and_both_readings_are_named(bare_rt: Runtime, file: Path) -> None:
    file.write_text("phone,name\n34600640001,Ana\n+34600640002,Bo\n+346006,Eva\n")
    result = import_contacts(bare_rt, file, country="DE", dry_run=True)
    assert (result.created, result.refused) == (3, [])
    assert [(warning["line"], warning["reason"]) for warning in result.warnings] == [
        (2, "'34600640001' lacks its plus, and may be +34600640001 or +4934600640001"),
        (4, "'+346006' is possible in no country"),
    ]


def test_the_apostrophe_that_protects_a_cell_is_no_part_of_it(bare_rt: Runtime, file: Path) -> None:
    file.write_text("phone,name,formula,number,town\n'+34600000001,'t Hooft,'=1+1,'0012,'s-Hertogenbosch\n")
    import_contacts(bare_rt, file)
    person = people(bare_rt)["+34600000001"]
    assert person.name == "'t Hooft"
    assert person.attributes == {"formula": "=1+1", "number": "0012", "town": "'s-Hertogenbosch"}


def test_words_of_consent_mean_what_the_operator_says_and_nothing_otherwise(bare_rt: Runtime, file: Path) -> None:
    file.write_text("phone,consent\n+34600000001,Yes\n+34600000002,no\n+34600000003,maybe\n+34600000004,\n")
    result = import_contacts(bare_rt, file, source="Fair", consents={"yes": "subscribed", "no": "not_subscribed"})
    assert [(warning["line"], warning["column"]) for warning in result.warnings] == [(4, "consent")]
    assert {phone: contact.consent for phone, contact in people(bare_rt).items()} == {
        "+34600000001": Consent.SUBSCRIBED,
        "+34600000002": Consent.NOT_SUBSCRIBED,
        "+34600000003": Consent.UNKNOWN,
        "+34600000004": Consent.UNKNOWN,
    }


def test_first_and_last_name_make_the_name_and_a_name_that_somebody_gave_stays(bare_rt: Runtime, file: Path) -> None:
    file.write_text(
        "phone,name,first_name,last_name\n+34600000001,,Ana,Ruiz\n+34600000002,Doña Bea,Bea,Gil\n+34600000003,,Eva,\n"
    )
    import_contacts(bare_rt, file)
    names = {phone[-1]: contact.name for phone, contact in people(bare_rt).items()}
    assert names == {"1": "Ana Ruiz", "2": "Doña Bea", "3": "Eva"}
    file.write_text("phone,last_name\n+34600000001,Sol\n+34600000002,Sol\n+34600000003,Sol\n")
    import_contacts(bare_rt, file)
    names = {phone[-1]: contact.name for phone, contact in people(bare_rt).items()}
    assert names == {"1": "Ana Sol", "2": "Doña Bea", "3": "Eva Sol"}


def test_the_persons_own_country_completes_a_number_before_the_houses(bare_rt: Runtime, file: Path) -> None:
    file.write_text("phone,country\n0612345678,FR\n0151 23456789,DE\n600111222,\n")
    import_contacts(bare_rt, file, country="ES")
    assert set(people(bare_rt)) == {"+33612345678", "+4915123456789", "+34600111222"}


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("vip, wholesale", {"vip": None, "wholesale": None}),
        ("vip;wholesale", {"vip": None, "wholesale": None}),
        ("vip | wholesale", {"vip": None, "wholesale": None}),
        ("vip\r\nwholesale", {"vip": None, "wholesale": None}),
        ("city=Madrid, Spain", {"city": "Madrid, Spain"}),
        ("vip, city=Madrid", {"vip": None, "city": "Madrid"}),
        ("city=Madrid, size=XL", {"city": "Madrid", "size": "XL"}),
        (" , ;", {}),
        ("vip\twholesale", {"vip": None, "wholesale": None}),
        ("vip، جملة", {"vip": None, "جملة": None}),
        ("* myContacts ::: family", {"* myContacts": None, "family": None}),
        ('"vip","a, b"', {"vip": None, "a, b": None}),
        ('["vip", "wholesale"]', {"vip": None, "wholesale": None}),
        ("['vip']", {"vip": None}),
        ("[]", {}),
        ("[vip]", {"[vip]": None}),
    ],
)
def test_tags_stand_behind_any_separator(text: str, tags: dict[str, str | None]) -> None:
    assert read_tags(text) == tags


@pytest.mark.process
def test_the_first_visible_sheet_with_phones_is_taken_or_the_one_that_is_named(
    bare_rt: Runtime, tmp_path: Path
) -> None:
    book = Workbook()
    for title, rows, state in (
        ("Old", [["phone"], ["+34600000001"]], "hidden"),
        ("About", [["This is an export"]], "visible"),
        ("People", [["phone", "name"], ["+34600000002", "Bo"]], "visible"),
        ("More", [["phone", "name"], ["+34600000003", "Eva"]], "visible"),
    ):
        sheet = book.create_sheet(title)
        sheet.sheet_state = state
        for row in rows:
            sheet.append(row)
    del book["Sheet"]
    path = tmp_path / "people.xlsx"
    book.save(path)
    assert import_contacts(bare_rt, path).created == 1
    assert set(people(bare_rt)) == {"+34600000002"}
    import_contacts(bare_rt, path, choices=SheetChoices(sheet="more"))
    assert set(people(bare_rt)) == {"+34600000002", "+34600000003"}
    with pytest.raises(ValueError, match="has no sheet 'Gone'; there are 'Old', 'About', 'People', 'More'"):
        import_contacts(bare_rt, path, choices=SheetChoices(sheet="Gone"))


def test_what_programs_write_around_a_number_is_no_part_of_it(bare_rt: Runtime, file: Path) -> None:
    file.write_text(
        'phone,name,code\np:+34600000001,Ana,"=""0012"""\nwhatsapp:+34600000002,Bo,\n"=""+34600000003""",Eva,\n4.915112345678E+12,Uli,\n'
    )
    result = import_contacts(bare_rt, file, country="DE")
    assert (result.created, result.refused) == (4, [])
    assert set(people(bare_rt)) == {"+34600000001", "+34600000002", "+34600000003", "+4915112345678"}
    assert people(bare_rt)["+34600000001"].attributes == {"code": "0012"}


@pytest.mark.parametrize("number", ["4.9151E+12", "4,91512E+12", "5E+10", "+4.9E12"])
def test_a_number_that_a_spreadsheet_rounded_is_refused_with_that_reason(
    bare_rt: Runtime, file: Path, number: str
) -> None:
    file.write_text(f"phone;name\n{number};Ana\n")
    result = import_contacts(bare_rt, file)
    assert result.refused == [
        {"line": 2, "reason": f"{number!r} was rounded by a spreadsheet: format the column as text"}
    ]


def test_only_what_is_said_to_separate_tags_does(bare_rt: Runtime, file: Path) -> None:
    file.write_text('phone,tags\n+34600000001,"vip, wholesale|new"\n+34600000002,"""a, b"",c"\n')
    import_contacts(bare_rt, file, tag_separator="|")
    assert tags_of(bare_rt, "+34600000001") == {"vip, wholesale": None, "new": None}
    import_contacts(bare_rt, file, tag_separator=",")
    assert tags_of(bare_rt, "+34600000002") == {"a, b": None, "c": None}
    file.write_text('phone,tags\n+34600000003,"vip, wholesale"\n')
    import_contacts(bare_rt, file, tag_separator="\n")
    assert tags_of(bare_rt, "+34600000003") == {"vip, wholesale": None}
