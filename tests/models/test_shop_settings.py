"""The settings of asking a shop: what is taken, what is refused, and that one of them alone is not enough."""

from pathlib import Path

import pytest

from models.config import Settings, SettingsError, load_settings


def read(tmp_path: Path, **variables: str) -> Settings:
    return load_settings({"HARK_ENV_FILE": "/dev/null", "HARK_VAR_DIR": str(tmp_path)} | variables, tmp_path)


def test_a_shop_with_a_token_can_be_asked(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("shpat_1\n")
    found = read(tmp_path, SHOPIFY_SHOP="Acme.myshopify.com", SHOPIFY_TOKEN_FILE=str(tmp_path / "token"))
    assert (found.shopify_shop, found.shopify_token, found.shopify_api_version, found.can_ask_shop) == (
        "acme.myshopify.com",
        "shpat_1",
        "2026-10",
        True,
    )


def test_an_app_needs_its_secret(tmp_path: Path) -> None:
    names = {"SHOPIFY_SHOP": "acme.myshopify.com", "SHOPIFY_CLIENT_ID": "abc"}
    assert read(tmp_path, SHOPIFY_SECRET="s", **names).can_ask_shop
    with pytest.raises(SettingsError, match="SHOPIFY_SECRET"):
        read(tmp_path, **names)


def test_a_token_needs_its_shop_and_a_shop_alone_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SHOPIFY_SHOP is not set"):
        read(tmp_path, SHOPIFY_TOKEN="shpat_1")
    assert not read(tmp_path, SHOPIFY_SHOP="acme.myshopify.com").can_ask_shop
    assert not read(tmp_path).can_ask_shop


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOPIFY_SHOP", "shop.example.com"),
        ("SHOPIFY_SHOP", "https://acme.myshopify.com"),
        ("SHOPIFY_SHOP", "acme.myshopify.com.example.com"),
        ("SHOPIFY_SHOP", "acme.myshopify.com@example.com"),
        ("SHOPIFY_SHOP", ".myshopify.com"),
        ("SHOPIFY_API_VERSION", "2026-04"),
        ("SHOPIFY_API_VERSION", "2026-11"),
        ("SHOPIFY_API_VERSION", "unstable"),
        ("SHOPIFY_TOKEN", "two words"),
        ("SHOPIFY_CLIENT_ID", "a\r\nb"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read(tmp_path, **{"SHOPIFY_SHOP": "acme.myshopify.com", "SHOPIFY_SECRET": "s"} | {name: value})
