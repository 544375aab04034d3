"""Reading phone numbers, the person key and the mask for logs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contacts.phone import NotAPhoneError, canonical_wa_id, mask_phone, person_key, read_phone


@pytest.mark.parametrize(
    ("raw", "country", "e164", "home"),
    [
        ("+34600111222", None, "+34600111222", "ES"),
        ("+34 600 11-12.22", None, "+34600111222", "ES"),
        ("(+34) 600111222", None, "+34600111222", "ES"),
        ("0034600111222", None, "+34600111222", "ES"),
        ("600111222", "ES", "+34600111222", "ES"),
        ("34600111222", "ES", "+34600111222", "ES"),
        ("34600111222.0", "ES", "+34600111222", "ES"),
        ("'+34600111222", None, "+34600111222", "ES"),
        ("tel:+34600111222", None, "+34600111222", "ES"),
        ("\u202a+34 600\u2011111\u00a0222\u202c", None, "+34600111222", "ES"),
        ("+٣٤٦٠٠١١١٢٢٢", None, "+34600111222", "ES"),
        ("+1 (212) 555-0123", None, "+12125550123", "US"),
        ("+14165550123", None, "+14165550123", "CA"),
        ("+39 06 1234567", None, "+39061234567", "IT"),
        ("+77011234567", None, "+77011234567", "KZ"),
        ("+5215512345678", None, "+525512345678", "MX"),
        ("+5210012345678", None, "+520012345678", "MX"),
        ("+54 11 15 2345 6789", None, "+5491123456789", "AR"),
        ("011 15 2345-6789", "AR", "+5491123456789", "AR"),
        ("+80012345678", None, "+80012345678", None),
    ],
)
def test_a_number_is_read_however_it_is_written(raw: str, country: str | None, e164: str, home: str | None) -> None:
    phone = read_phone(raw, country)
    assert (phone.e164, phone.country, phone.problem) == (e164, home, None)
    assert phone.stored == e164


@pytest.mark.parametrize("raw", ["+34600", "+999123456789", "+34600111222333444", "12345678901234567890"])
def test_a_number_that_cannot_exist_is_kept_as_invalid(raw: str) -> None:
    phone = read_phone(raw, "ES")
    assert (phone.e164, phone.problem, phone.stored) == (None, "invalid_phone", raw)


def test_a_number_without_calling_code_is_kept_and_stored_one_way() -> None:
    phone = read_phone(" 600 111 222 ", None)
    assert (phone.raw, phone.e164, phone.problem) == ("600 111 222", None, "missing_calling_code")
    assert phone.stored == read_phone("600-111-222", None).stored == "600111222"


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "+",
        "abc",
        "123",
        "+12",
        "anna@example.com",
        "3.46E+10",
        "+34600111222,+34600111333",
        "9" * 21,
        "1 " * 40,
        "\0",
    ],
)
def test_what_is_no_number_at_all_is_refused_in_one_line(raw: str) -> None:
    with pytest.raises(NotAPhoneError) as refused:
        read_phone(raw, None)
    assert "is no phone number" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_default_country_is_not_the_numbers_fault() -> None:
    with pytest.raises(ValueError, match="'XX' is no country") as refused:
        read_phone("+34600111222", "XX")
    assert not isinstance(refused.value, NotAPhoneError)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80), st.sampled_from([None, "ES", "US", "AR"]))
def test_any_text_is_either_a_number_or_refused(raw: str, country: str | None) -> None:
    try:
        phone = read_phone(raw, country)
    except NotAPhoneError:
        return
    assert (phone.e164 is None) == (phone.problem is not None)
    assert phone.stored.lstrip("+").isdigit()
    if phone.e164:
        assert read_phone(phone.e164, None).e164 == phone.e164


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("551187654321", "5511987654321"),
        ("5511987654321", "5511987654321"),
        ("551131234567", "551131234567"),  # a landline has no ninth digit
        ("5215512345678", "525512345678"),
        ("525512345678", "525512345678"),
        ("54111523456789", "5491123456789"),
        ("549111523456789", "5491123456789"),
        ("5491123456789", "5491123456789"),
        ("541123456789", "541123456789"),  # a landline
        ("54999999999999", "54999999999999"),
        ("34600111222", "34600111222"),
        ("+34 600111222", "34600111222"),
    ],
)
def test_the_spellings_of_one_number_become_one(spelling: str, canonical: str) -> None:
    assert canonical_wa_id(spelling) == canonical
    assert canonical_wa_id(canonical) == canonical


def test_a_person_is_known_by_number_then_by_bsuid_then_by_record() -> None:
    bsuid = "BR.13491208655302741918"
    wa_id, phone = "551187654321", "+34600111222"
    assert person_key(wa_id=wa_id, phone=phone, portfolio_id=7, bsuid=bsuid, contact_id=5) == "wa:5511987654321"
    assert person_key(phone=phone, portfolio_id=7, bsuid=bsuid, contact_id=5) == "wa:34600111222"
    assert person_key(portfolio_id=7, bsuid=bsuid, contact_id=5) == f"bs:7:{bsuid}"
    assert person_key(bsuid="BR.1", contact_id=5) == "c:5"
    with pytest.raises(ValueError, match="a person needs"):
        person_key()


def test_a_masked_number_cannot_be_called() -> None:
    assert mask_phone("+34600111222") == "+34…222"
    assert mask_phone("5511987654321") == "55…321"
    assert mask_phone("1234567") == mask_phone("") == mask_phone(None) == "…"
