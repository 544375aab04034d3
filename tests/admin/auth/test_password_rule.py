"""Which passwords may be chosen, and what is said of the others."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from admin.auth.password_rule import check_password_rule
from models.errors import OperatorError

NAMES = ("ana.lopez85@tienda.example", "Ana López", "hark.tienda.example", "x7Kq-2")


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "a sentence of my own", "long enough a one", "xk7-Qp2v-9aBs-Zz4m", "ana likes green tea",
     "tres tristes tigres", "una lámpara y dos gatos", "кошка пьёт холодный чай", "a" * 20 + " b c d e f", "𝒜 wörld of tea"],
)  # fmt: skip
def test_a_few_words_are_a_good_password(password: str) -> None:
    check_password_rule(password, NAMES)


@pytest.mark.parametrize("password", ["", "short", "123456789", "x" * 201])
def test_the_length_is_what_it_was(password: str) -> None:
    with pytest.raises(OperatorError, match="10 to 200 characters"):
        check_password_rule(password, NAMES)


@pytest.mark.parametrize(
    "password",
    ["password123", "Password1!", "P@ssw0rd2026", "qwertyuiop", "1q2w3e4r5t", "1234567890", "aaaaaaaaaaaa", "iloveyou2026",
     "letmein12345", "December2026", "Summer2026!", "trustno1trustno1", "contraseña123", "Passwort2026", "motdepasse1",
     "senha123456", "пароль123456", "whatsapp2026", "abcdefghijkl", "x" * 200],
)  # fmt: skip
def test_what_is_common_is_refused_in_one_line(password: str) -> None:
    with pytest.raises(OperatorError, match="easy to guess") as refused:
        check_password_rule(password, NAMES)
    assert "\n" not in str(refused.value)
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    ["ana.lopez85@tienda.example", "AnaLopez2026", "López-Ana-1", "an4l0p3z-26", "zepolana2026", "tienda-tienda", "Hark-2026!!",
     "hark2026hark", "x7Kq-2-x7Kq-2", "ANA LÓPEZ !!!", "l0pe2 lop3z lopez"],
)  # fmt: skip
def test_ones_own_name_and_the_installations_are_refused(password: str) -> None:
    with pytest.raises(OperatorError, match="little more than your name"):
        check_password_rule(password, NAMES)


def test_short_parts_of_an_address_forbid_nothing() -> None:
    check_password_rule("abba sings at sea", ("a@b", "", "b", ""))


def test_no_password_takes_long_and_threads_do_not_mix_their_names() -> None:
    began = time.process_time()
    check_password_rule("4@8({[<3691!|0$5+7%2" * 10, NAMES)
    assert time.process_time() - began < 5

    def is_allowed(place: int) -> bool:
        try:
            check_password_rule("wolfgang amadeus", (f"user{place}@b", "Wolfgang Amadeus" if place % 2 else ""))
        except OperatorError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(is_allowed, range(20))) == [place % 2 == 0 for place in range(20)]
