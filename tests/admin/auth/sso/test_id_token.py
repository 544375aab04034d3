"""Which id tokens are believed: signed by one of the provider's keys, for us, for this sign-in, and now."""

from typing import Any

import pytest
from joserfc.jwk import RSAKey

from admin.auth.sso.errors import SignOnError
from admin.auth.sso.id_token import Claims, check_id_token
from admin.auth.sso.provider import Provider
from models.clock import utcnow
from tests.support.oidc_provider import SayingProvider

LONG_AGO = 1_000_000_000


def checked(oidc: SayingProvider, provider: Provider | None = None) -> Claims:
    tokens = {"id_token": oidc.token(), "access_token": "a-1"}
    return check_id_token(provider or oidc.provider(), tokens, "n-1", utcnow())


def test_a_token_for_this_sign_in_is_believed(oidc: SayingProvider) -> None:
    oidc.claims = {"nonce": "n-1", "email": "ana@example.com", "email_verified": True, "amr": ["pwd", "mfa"]}
    claims = checked(oidc)
    assert (claims.subject, claims.verified_email, claims.had_several_factors) == ("u-1", "ana@example.com", True)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example.com"},
        {"aud": "another program"},
        {"aud": ["another program", "a third"]},
        {"aud": ["hark", "another"], "azp": "another"},
        {"exp": LONG_AGO},
        {"exp": "soon"},
        {"iat": 9_999_999_999},
        {"nonce": "of another sign-in"},
        {"sub": 7},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "line\nbreak"},
        {"at_hash": "of another access token"},
    ],
)
def test_a_token_for_somebody_else_or_another_time_is_refused(oidc: SayingProvider, claims: dict[str, Any]) -> None:
    oidc.claims = {"nonce": "n-1"} | claims
    with pytest.raises(SignOnError, match="could not be verified"):
        checked(oidc)


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "exp", "iat", "nonce"])
def test_a_token_that_lacks_what_it_must_say_is_refused(oidc: SayingProvider, name: str) -> None:
    oidc.claims, oidc.without = {"nonce": "n-1"}, {name}
    with pytest.raises(SignOnError):
        checked(oidc)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_without_a_signature_of_a_key_pair_is_refused(oidc: SayingProvider, algorithm: str) -> None:
    oidc.claims, oidc.algorithm = {"nonce": "n-1"}, algorithm
    with pytest.raises(SignOnError):
        checked(oidc)


def test_a_token_that_another_key_signed_is_refused(oidc: SayingProvider) -> None:
    oidc.claims = {"nonce": "n-1"}
    oidc.key = RSAKey.generate_key(2048, {"kid": "first"})
    with pytest.raises(SignOnError):
        checked(oidc)


@pytest.mark.parametrize("token", [None, 7, "", "x", "a.b.c", "é.é.é", "x" * 40_000])
def test_what_is_no_token_is_refused(oidc: SayingProvider, token: object) -> None:
    with pytest.raises(SignOnError):
        check_id_token(oidc.provider(), {"id_token": token}, "n-1", utcnow())


def test_keys_that_change_are_read_again_but_not_at_every_token(oidc: SayingProvider) -> None:
    clock = [1000.0]
    provider = Provider(oidc.settings(), monotonic=lambda: clock[0])
    oidc.claims = {"nonce": "n-1"}
    checked(oidc, provider)
    oidc.key = RSAKey.generate_key(2048, {"kid": "second"})
    oidc.published = [oidc.key]
    with pytest.raises(SignOnError):
        checked(oidc, provider)  # the keys are a moment old
    clock[0] += 31
    assert checked(oidc, provider).subject == "u-1"
    assert [path for path, _ in oidc.asked].count("/keys") == 2


def test_what_the_token_lacks_is_asked_of_the_provider_if_it_speaks_of_the_same_person(oidc: SayingProvider) -> None:
    oidc.claims = {"nonce": "n-1"}
    oidc.user_info = {"sub": "u-1", "email": "ana@example.com", "email_verified": True, "nonce": "x"}
    assert checked(oidc).verified_email == "ana@example.com"
    oidc.user_info["sub"] = "u-2"
    assert checked(oidc).verified_email is None


@pytest.mark.parametrize("verified", [False, None, "false", "no", 1, "True "])
def test_an_email_that_the_provider_did_not_verify_is_none(verified: object) -> None:
    assert Claims("i", "s", {"email": "ana@example.com", "email_verified": verified}).verified_email is None


def test_whether_somebody_was_asked_again_is_the_providers_word(oidc: SayingProvider) -> None:
    now = utcnow()
    assert Claims("i", "s", {"auth_time": int(now.timestamp())}).was_asked_after(now)
    for at in (int(now.timestamp()) - 120, None, "now", True):
        assert not Claims("i", "s", {"auth_time": at}).was_asked_after(now)
