"""Reading phone numbers, and the mask for logs."""

from collections.abc import Iterator
from contextlib import suppress

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumber
from phonenumbers import PhoneNumberFormat as F
from phonenumbers import PhoneNumberType as T

from models.contacts.person_key import canonical_wa_id
from models.contacts.phone import NotAPhoneError, mask_phone, read_phone, readings


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
        ("4915123456789", "DE", "+4915123456789", "DE"),
        ("49 151 23456780", "DE", "+4915123456780", "DE"),
        ("38344123456", "XK", "+38344123456", "XK"),
        ("34600111222", "US", "+34600111222", "ES"),
        ("447400123456", "IN", "+447400123456", "GB"),
        ("5215512345678", "MX", "+525512345678", "MX"),
        ("+4915123456789.00", None, "+4915123456789", "DE"),
        ("34600100053.000", "ES", "+34600100053", "ES"),
        ("34,600,111,222", "ES", "+34600111222", "ES"),
        ("600\u034f111\ufe0f222\u3164", "ES", "+34600111222", "ES"),
        ("+34 91 123 45 67 ext. 12", None, "+34911234567", "ES"),
        ("(212) 555-0123 x45", "US", "+12125550123", "US"),
        ("+22518139912", None, "+2250718139912", "CI"),
        ("+2250718139912", None, "+2250718139912", "CI"),
        ("+22997123456", None, "+2290197123456", "BJ"),
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


def test_a_masked_number_cannot_be_called() -> None:
    assert mask_phone("+34600111222") == "+34…222"
    assert mask_phone("5511987654321") == "55…321"
    assert mask_phone("1234567") == mask_phone("") == mask_phone(None) == "…"


@pytest.mark.parametrize(
    ("raw", "country", "e164"),
    [
        ("+49 151 23456780 / 88", None, "+4915123456780"),
        ("+49 30 901820/21", None, "+4930901820"),
        ("+34600111222,+34600111333", None, "+34600111222"),
        ("600111222; 600111333", "ES", "+34600111222"),
        ("+34600111222 or +34600111333", None, "+34600111222"),
        ("+34 600 111 222\n+34 600 111 333", None, "+34600111222"),
        ("0151/23456789", "DE", "+4915123456789"),  # one number: its area code alone is none
        ("030/901820", "DE", "+4930901820"),
    ],
)
def test_of_two_numbers_the_first_is_read_where_it_is_whole_by_itself(raw: str, country: str | None, e164: str) -> None:
    phone = read_phone(raw, country)
    assert phone.e164 == e164
    assert phone.stored == e164


@pytest.mark.parametrize("raw", ["12 / 600111222", "+34 6001 / 12", "600 or 700"])
def test_two_numbers_of_which_the_first_is_not_whole_are_refused_as_two(raw: str) -> None:
    with pytest.raises(NotAPhoneError, match="holds two numbers"):
        read_phone(raw, "ES")


def test_decimals_behind_a_number_are_no_part_of_it() -> None:
    with pytest.raises(NotAPhoneError, match="it has decimals"):
        read_phone("34600100053.5", "ES")


@pytest.mark.parametrize(
    ("raw", "country", "meanings"),
    [
        ("34600640001", "DE", ("+34600640001", "+4934600640001")),
        ("15123456789", "DE", ("+15123456789", "+4915123456789")),
    ],
)
def test_a_number_without_plus_that_may_be_two_peoples_is_kept_as_unclear(
    raw: str, country: str, meanings: tuple[str, ...]
) -> None:
    phone = read_phone(raw, country)
    assert (phone.e164, phone.problem, phone.stored) == (None, "unclear_phone", raw)
    assert readings(raw, country) == meanings
    assert readings(meanings[0], country) == ()


KINDS = (T.MOBILE, T.FIXED_LINE, T.TOLL_FREE, T.VOIP, T.PERSONAL_NUMBER, T.PREMIUM_RATE)
COUNTRIES = ("DE", "US", "IN", "ID", "XK", "MX", "BR", "NG", "ES")


def spellings(number: PhoneNumber, region: str) -> Iterator[tuple[str, str | None]]:
    """A number as people and spreadsheets write it, and the country that a national spelling belongs to."""
    e164 = phonenumbers.format_number(number, F.E164)
    international = phonenumbers.format_number(number, F.INTERNATIONAL)
    yield from ((e164, None), (international, None), (f"00{e164[1:]}", None), (f"tel:{e164}", None))
    yield from ((e164[1:], None), (international[1:], None), (f"{e164[1:]}.0", None), (f"{e164[1:]}.00", None))
    yield f"\u202a{international}\u202c", None
    yield phonenumbers.format_number(number, F.NATIONAL), region
    yield phonenumbers.national_significant_number(number), region


@pytest.mark.parametrize("kind", KINDS)
def test_no_spelling_of_a_number_is_read_as_another_persons(kind: int) -> None:
    examples = {region: phonenumbers.example_number_for_type(region, kind) for region in phonenumbers.SUPPORTED_REGIONS}
    wrong = []
    for region, number in examples.items():
        if number is None:
            continue
        truth = canonical_wa_id(phonenumbers.format_number(number, F.E164))
        for raw, belongs_to in spellings(number, region):
            for country in [belongs_to] if belongs_to else [None, region, *COUNTRIES]:
                with suppress(NotAPhoneError):
                    read = read_phone(raw, country).e164
                    if read is not None and canonical_wa_id(read) != truth:
                        wrong.append((region, raw, country, read))
    assert wrong == []
