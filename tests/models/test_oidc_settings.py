"""The settings of single sign-on."""

from pathlib import Path

import pytest

from models.config import SettingsError, load_settings
from models.oidc_settings import OidcSettings

GIVEN = {"OIDC_ISSUER": "https://login.example.com/realms/acme/", "OIDC_CLIENT_ID": "hark"}


def read(directory: Path, **variables: str) -> OidcSettings | None:
    return load_settings({"HARK_ENV_FILE": "/dev/null", **variables}, directory).oidc


def test_without_them_there_is_no_single_sign_on(tmp_path: Path) -> None:
    assert read(tmp_path) is None


def test_they_are_read_together_and_the_secret_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    found = read(tmp_path, **GIVEN, OIDC_CLIENT_SECRET_FILE=str(tmp_path / "secret"), OIDC_ROLE_CLAIM="groups")
    assert found == OidcSettings("https://login.example.com/realms/acme", "hark", "s3cret", "groups")


@pytest.mark.parametrize("name", ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ROLE_CLAIM"])
def test_one_alone_is_a_mistake(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: single sign-on needs both"):
        read(tmp_path, **{name: "https://login.example.com"})


@pytest.mark.parametrize("issuer", ["login.example.com", "ftp://login.example.com", "https://login.example.com/?x=1"])
def test_an_issuer_is_an_address(tmp_path: Path, issuer: str) -> None:
    with pytest.raises(SettingsError, match=r"OIDC_ISSUER=.*allowed is an http or https URL"):
        read(tmp_path, **(GIVEN | {"OIDC_ISSUER": issuer}))


def test_an_issuer_without_tls_is_on_this_machine_or_the_operators_own(tmp_path: Path) -> None:
    plain = GIVEN | {"OIDC_ISSUER": "http://login.internal:8080"}
    with pytest.raises(SettingsError, match="allowed is https, or http on this machine"):
        read(tmp_path, **plain)
    assert read(tmp_path, **plain, OUTBOUND_ALLOW="login.internal:8080")
    assert read(tmp_path, **(GIVEN | {"OIDC_ISSUER": "http://127.0.0.1:8080"}))
