"""Defines `flask catalog`: the products that campaigns can name."""

from dataclasses import asdict

import click

from admin.cli.shared import Group, as_json, error_line, fail, print_json, print_table, runtime_here
from admin.operations.catalog import accounts_without_catalogs, catalog_rows, find_products, product_json, sync_all
from models.catalog.search import PAGE
from models.clock import utcnow

_COLUMNS = ("id", "catalog_id", "name", "account", "linked", "products", "gone", "synced_at", "error")
_PRODUCT_COLUMNS = ("sku", "name", "price", "availability", "visibility", "review_status", "gone_at")


@click.group("catalog", cls=Group)
def catalog() -> None:
    """Products of Meta's catalogs."""


@catalog.command("sync")
@as_json
def sync(is_json: bool) -> None:
    """Read every account's catalogs and products from Meta."""
    total, failures = sync_all(runtime_here(), utcnow())
    if is_json:
        print_json(total.to_json())
    else:
        click.echo(", ".join(f"{count} {word}" for word, count in total.to_json().items()))
    if failures:
        fail("; ".join(f"account {waba_pk}: {error_line(error)}" for waba_pk, error in failures))


@catalog.command("list")
@as_json
def list_catalogs(is_json: bool) -> None:
    """The catalogs of our accounts, and how many products each has."""
    with runtime_here().database.read() as session:
        rows = [asdict(row) for row in catalog_rows(session)]
        without = accounts_without_catalogs(session)
    if is_json:
        print_json(rows)
        return
    print_table(rows, _COLUMNS)
    for name, read_at, error in without:
        why = error or ("no catalog is linked to it at Meta" if read_at else "its catalogs were not read yet")
        click.echo(f"account {name}: {why}", err=True)


@catalog.command("search")
@click.argument("query", default="")
@click.option("--catalog", "catalog_pk", type=int, help="Only in this catalog, by its id in `flask catalog list`.")
@click.option("--limit", default=PAGE, show_default=True, help="How many products at most, up to 200.")
@click.option("--after", default="", help="Without a query: go on behind this SKU.")
@click.option("--gone", "with_gone", is_flag=True, help="Also products that Meta lists no more.")
@as_json
def search(query: str, catalog_pk: int | None, limit: int, after: str, with_gone: bool, is_json: bool) -> None:
    """Find products by SKU or words of the name; without QUERY all of them."""
    with runtime_here().database.read() as session:
        page = find_products(session, query, catalog_pk=catalog_pk, after=after, limit=limit, with_gone=with_gone)
        products = [product_json(product) for product in page.products]
    if is_json:
        print_json({"total": page.total, "next": page.next_after, "products": products})
        return
    print_table([row | {"price": _price(row)} for row in products], _PRODUCT_COLUMNS)
    if page.total > len(products):
        click.echo(f"{len(products)} of {page.total}", err=True)


def _price(row: dict[str, object]) -> object:
    price = row["price"]
    return f"{price['amount']} {price['currency']}" if isinstance(price, dict) else row["price_text"]
