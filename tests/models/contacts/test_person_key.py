"""The spellings of one number, and the key under which a person is known."""

import pytest

from models.contacts.person_key import canonical_wa_id, person_key


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
        ("22518139912", "2250718139912"),
        ("22505123456", "2250505123456"),
        ("22540123456", "2250140123456"),
        ("22521234567", "22521234567"),  # a landline in Ivory Coast
        ("2250718139912", "2250718139912"),
        ("22997123456", "2290197123456"),
        ("2290197123456", "2290197123456"),
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
