"""Files that Hark and other programs export."""

from pathlib import Path

from jobs.core.runtime import Runtime
from jobs.imports.contacts import import_contacts
from jobs.imports.header import Header
from jobs.imports.known_exports import certain_fields
from jobs.imports.reader import SheetChoices
from jobs.imports.result import write_rejects
from tests.support.import_rig import counts, people, tags_of


def test_shopifys_customers_are_taken_with_the_phone_of_their_address_where_they_have_no_other(
    bare_rt: Runtime, file: Path
) -> None:
    file.write_text(
        "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Country Code,Default Address Phone,Phone,"
        "Total Spent,Tax Exempt,Tags\n"
        "'7012345678901,Ana,Ruiz,ana@example.com,yes,ES,'+34600100048,'+34600100046,1,no,\"vip, newsletter\"\n"
        "'7012345678902,Bo,Gil,bo@example.com,no,ES,600100047,,0,no,\n"
        "'7012345678903,Eva,Sol,,no,ES,,,0,no,\n"
    )
    result = import_contacts(bare_rt, file)
    assert (counts(result), [refusal["line"] for refusal in result.refused]) == ((2, 0, 0, 1), [4])
    kept = people(bare_rt)
    ana, bo = kept["+34600100046"], kept["+34600100047"]
    assert (ana.name, ana.first_name, ana.last_name, ana.country) == ("Ana Ruiz", "Ana", "Ruiz", "ES")
    assert ana.attributes["Customer ID"] == "7012345678901"
    assert bo.email == "bo@example.com"
    assert tags_of(bare_rt, "+34600100046") == {"vip": None, "newsletter": None}


def test_the_columns_of_other_programs_are_known() -> None:
    google = ["Given Name", "Family Name", "Phone 1 - Value", "Phone 2 - Value", "Labels", "Notes"]
    assert certain_fields(Header(google)) == {
        "Given Name": "first_name",
        "Family Name": "last_name",
        "Phone 1 - Value": "phone",
        "Phone 2 - Value": "phone_if_empty",
        "Labels": "tags",
    }
    mailchimp = ["Email Address", "First Name", "Phone Number", "MEMBER_RATING", "EUID", "TAGS"]
    assert certain_fields(Header(mailchimp)) == {
        "Email Address": "email",
        "First Name": "first_name",
        "Phone Number": "phone",
    }
    hubspot = ["Record ID", "First Name", "Last Name", "Phone Number"]
    assert certain_fields(Header(hubspot))["Phone Number"] == "phone"


def test_what_has_a_fields_own_name_goes_first_and_what_somebody_says_before_all(bare_rt: Runtime, file: Path) -> None:
    file.write_text("Phone,phone_if_empty,First Name,first_name,Last Name\n,+34600000001,x,Ana,Ruiz\n")
    assert import_contacts(bare_rt, file, columns={"Last Name": "family"}).refused == []
    ana = people(bare_rt)["+34600000001"]
    assert (ana.name, ana.attributes) == ("Ana", {"First Name": "x", "family": "Ruiz"})


def test_refused_rows_that_are_mended_come_in_as_the_file_itself_would(bare_rt: Runtime, file: Path) -> None:
    original = (
        ",phone,name,Notes,Notes,-5\n7,nonsense,'=1+1,\"a\r\nb\",two,'0012\n7,'+34600000002,José,x,y,'@z\n".replace(
            "\r\n", "\r\n"
        )
    )
    file.write_bytes(original.encode("cp1252"))
    choices = SheetChoices(encoding="cp1252")
    result = import_contacts(bare_rt, file, dry_run=True, choices=choices)
    mended, back = file.with_name("mended.csv"), file.with_name("back.csv")
    write_rejects(file, [*result.refused, {"line": 4, "reason": "=x"}], back, choices)
    text = back.read_bytes().decode()
    assert text.startswith("\ufeffrefused_line,refused_why,,phone,name,Notes,Notes,'-5\r\n")
    mended.write_bytes(text.replace("nonsense", "+34600000001").encode())
    file.write_bytes(original.replace("nonsense", "+34600000001").encode("cp1252"))
    import_contacts(bare_rt, mended, columns={"column 1": "number"})
    as_mended = {phone: (person.name, person.attributes) for phone, person in people(bare_rt).items()}
    assert as_mended == {
        "+34600000001": ("=1+1", {"Notes": "a\r\nb", "-5": "0012", "number": "7"}),
        "+34600000002": ("José", {"Notes": "x", "-5": "@z", "number": "7"}),
    }
    again = import_contacts(bare_rt, file, columns={"column 1": "number"}, choices=choices)
    assert counts(again) == (0, 0, 2, 0)
