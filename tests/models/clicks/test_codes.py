"""Codes of tracked links: short, in one spelling, and not to be guessed."""

from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clicks.codes import MAC_BYTES, MAX_CHARACTERS, LinkSigner, RecipientCode, read_code
from models.crypto import new_token

KEY, OTHER_KEY = new_token(), new_token()
IDS = st.integers(min_value=1, max_value=2**63 - 1)


@given(IDS, IDS)
def test_a_code_says_its_link_and_recipient_and_fits_a_button(link_id: int, recipient_id: int) -> None:
    text = LinkSigner(link_id, KEY).code(recipient_id)
    code = read_code(text)
    assert code is not None
    assert (code.link_id, code.recipient_id) == (link_id, recipient_id)
    assert code.is_signed_by(KEY)
    assert len(code.mac) == MAC_BYTES == 8
    assert len(text) <= MAX_CHARACTERS
    assert not code.is_signed_by(OTHER_KEY)
    assert not replace(code, recipient_id=recipient_id % 1000 + 1 + (recipient_id < 1001)).is_signed_by(KEY)
    assert not replace(code, link_id=link_id % 1000 + 1 + (link_id < 1001)).is_signed_by(KEY)


def test_codes_of_a_usual_size_have_22_characters() -> None:
    assert len(LinkSigner(40_000, KEY).code(12_000_000)) == 20


@given(st.text(max_size=50))
def test_any_text_is_read_or_refused(text: str) -> None:
    code = read_code(text)
    assert code is None or isinstance(code, RecipientCode)


def _spelled(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


MAC = bytes(8)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "A" * (MAX_CHARACTERS + 1),
        _spelled(MAC),
        _spelled(b"\x01" + MAC),
        _spelled(b"\x01\x00" + MAC),  # no recipient
        _spelled(b"\x81\x00\x05" + MAC),  # a number in another spelling
        _spelled(b"\x01\x05\x05" + MAC),  # one number too many
        _spelled(b"\xff" * 9 + b"\x7f\x05" + MAC),  # above 63 bits
        _spelled(b"\x01\x85" + MAC),  # a number without an end
        _spelled(b"\x01\x05" + MAC) + "=",
        _spelled(b"\x01\x05" + MAC) + "\n",
        _spelled(b"\x01\x05\x06" + MAC)[:-1] + "B",
        "é" + _spelled(b"\x01\x05" + MAC)[1:],
    ],
)
def test_another_form_or_spelling_is_no_code(text: str) -> None:
    assert read_code(text) is None


def test_the_last_character_has_one_spelling() -> None:
    text = LinkSigner(1, KEY).code(300)  # 11 bytes: the last character has bits to spare
    assert read_code(text) is not None
    same_bytes = [text[:-1] + last for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
    signed = [code for other in same_bytes if (code := read_code(other)) is not None and code.is_signed_by(KEY)]
    assert len(signed) == 1
