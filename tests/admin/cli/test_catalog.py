"""`flask catalog`: reading, listing and searching products."""

import pytest

from bot.sandbox.seed import CATALOG_ID
from tests.support.cli_app import Shell

pytestmark = [pytest.mark.usefixtures("number_added"), pytest.mark.sqlite_unless_proved]
COUNTS = {"catalogs": 1, "products": 24, "created": 24, "gone": 0, "skipped": 0}


def test_the_catalogs_are_read_and_listed(shell: Shell) -> None:
    assert shell.data("catalog", "sync", "--json") == COUNTS
    assert shell.ok("catalog", "sync") == "1 catalogs, 24 products, 0 created, 0 gone, 0 skipped\n"
    (row,) = shell.data("catalog", "list", "--json")
    assert (row["catalog_id"], row["linked"], row["products"], row["gone"], row["error"]) == (
        CATALOG_ID,
        True,
        24,
        0,
        "",
    )
    assert CATALOG_ID in shell.ok("catalog", "list")


def test_products_are_found_by_sku_and_by_words(shell: Shell) -> None:
    shell.ok("catalog", "sync")
    found = shell.data("catalog", "search", "sku-7", "--json")
    assert [(item["sku"], item["price"]) for item in found["products"]] == [
        ("SKU-7", {"amount": "7.49", "currency": "EUR"})
    ]
    assert shell.data("catalog", "search", "LAMP", "--limit", "1", "--json")["total"] == 7
    page = shell.data("catalog", "search", "--limit", "20", "--json")
    assert (page["total"], len(page["products"])) == (24, 20)
    rest = shell.data("catalog", "search", "--after", page["next"], "--json")
    assert (len(rest["products"]), rest["next"]) == (4, None)
    assert "SKU-7" in shell.ok("catalog", "search", "SKU-7")


def test_a_product_that_is_gone_is_found_only_if_asked_for(shell: Shell) -> None:
    shell.ok("catalog", "sync")
    shell.meta.call(lambda: shell.meta.sim.world.catalogs.by_id[CATALOG_ID].remove("SKU-7"))
    assert shell.data("catalog", "sync", "--json")["gone"] == 1
    assert shell.data("catalog", "search", "SKU-7", "--json")["total"] == 0
    assert shell.data("catalog", "search", "SKU-7", "--gone", "--json")["products"][0]["gone_at"]


def test_what_meta_refuses_is_one_line(shell: Shell) -> None:
    shell.meta.configure(catalog_permission=False)
    line = shell.refused("catalog", "sync")
    assert "catalog_management" in line
    result = shell.run("catalog", "list")
    assert result.exit_code == 0
    assert "catalog_management" in result.stderr


@pytest.mark.parametrize("arguments", [("--catalog", "9"), ("--limit", "0"), ("--limit", "201")])
def test_a_wrong_option_is_one_line(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert "catalog 9" in shell.refused("catalog", "search", *arguments) or "limit=" in shell.refused(
        "catalog", "search", *arguments
    )
