"""Asking the provider: its own host may be private, others may not; it may be slow, away, or another one."""

import base64
import threading

import pytest

from admin.auth.sso import provider as provider_module
from admin.auth.sso.errors import ProviderUnavailableError, SignOnError
from admin.auth.sso.provider import Provider
from models.oidc_settings import OidcSettings
from tests.support.oidc_provider import SayingProvider


def test_endpoints_are_read_once(oidc: SayingProvider) -> None:
    provider = oidc.provider()
    assert provider.endpoints().authorization == f"{oidc.address}/authorize"
    assert provider.endpoints().token == f"{oidc.address}/token"
    assert len(oidc.asked) == 1


def test_a_slash_at_the_end_of_the_issuer_is_the_providers_business(oidc: SayingProvider) -> None:
    oidc.discovery = {"issuer": f"{oidc.address}/"}
    assert oidc.provider().endpoints().issuer == f"{oidc.address}/"


def test_a_provider_of_another_name_is_refused(oidc: SayingProvider) -> None:
    oidc.discovery = {"issuer": "https://evil.example.com"}
    with pytest.raises(SignOnError, match="has another name"):
        oidc.provider().endpoints()


@pytest.mark.parametrize("address", [None, 7, "/token", "ftp://x/y", "javascript:alert(1)"])
def test_an_endpoint_that_is_no_address_is_refused(oidc: SayingProvider, address: object) -> None:
    oidc.discovery = {"token_endpoint": address}
    with pytest.raises(SignOnError, match="token_endpoint"):
        oidc.provider().endpoints()


def test_another_private_host_that_it_names_is_not_called(oidc: SayingProvider) -> None:
    oidc.discovery = {"token_endpoint": "https://169.254.169.254/token"}
    with pytest.raises(SignOnError, match=r"169\.254\.169\.254.*OUTBOUND_ALLOW"):
        oidc.provider().redeem("c", "v", "https://hark.example.com/cb")


def test_a_code_is_redeemed_with_the_verifier_and_the_secret(oidc: SayingProvider) -> None:
    oidc.provider().redeem("c-1", "v-1", "https://hark.example.com/cb")
    path, form = oidc.asked[-1]
    assert path == "/token"
    assert (form["code"], form["code_verifier"], form["grant_type"]) == (["c-1"], ["v-1"], ["authorization_code"])
    credentials = base64.b64decode(form["Authorization"][0].removeprefix("Basic ")).decode()
    assert credentials == "hark:s3cret%26%2B"
    assert "client_secret" not in form


def test_the_secret_goes_into_the_body_where_the_provider_takes_it_there_alone(oidc: SayingProvider) -> None:
    oidc.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    oidc.provider().redeem("c-1", "v-1", "https://hark.example.com/cb")
    assert oidc.asked[-1][1]["client_secret"] == ["s3cret&+"]
    oidc.provider(client_secret=None).redeem("c-1", "v-1", "https://hark.example.com/cb")
    assert "client_secret" not in oidc.asked[-1][1]


def test_a_provider_that_is_away_is_said_so_and_not_asked_again_at_once(oidc: SayingProvider) -> None:
    clock = [0.0]
    provider = Provider(oidc.settings(), monotonic=lambda: clock[0])
    oidc.status = 503
    for _ in range(3):
        with pytest.raises(ProviderUnavailableError, match="does not answer"):
            provider.endpoints()
    assert len(oidc.asked) == 1
    oidc.status, clock[0] = 200, 6.0
    assert provider.endpoints().issuer == oidc.address


def test_an_answer_that_is_no_json_of_ours_is_said_so(oidc: SayingProvider) -> None:
    oidc.status = 404
    with pytest.raises(ProviderUnavailableError, match="HTTP 404"):
        oidc.provider().endpoints()


def test_nothing_listens_there() -> None:
    settings = OidcSettings("http://127.0.0.1:9", "hark", None, None)
    with pytest.raises(ProviderUnavailableError, match="does not answer"):
        Provider(settings).endpoints()


def test_no_more_than_two_wait_for_the_provider(oidc: SayingProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_module, "WAIT_SECONDS", 0.05)
    provider, go_on, inside = oidc.provider(), threading.Event(), threading.Barrier(3)

    def hold() -> None:
        with provider._place():
            inside.wait(10)
            go_on.wait(10)

    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    with pytest.raises(ProviderUnavailableError, match="Many are signing in"):
        provider.endpoints()
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert provider.endpoints().issuer == oidc.address
