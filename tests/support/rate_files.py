"""A rate card as a file."""

from tests.support.paths import EXAMPLES

EXAMPLE = EXAMPLES / "rates.csv"
HEAD = "country,category,amount,currency,valid_from\n"
SPAIN = "ES,marketing,0.0615,EUR,2026-01-01\n"
