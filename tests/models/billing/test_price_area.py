"""The country under which a message is billed."""

import pytest

from models.billing.price_area import country_of


@pytest.mark.parametrize(
    ("area", "country"),
    [
        ("ES+346", "ES"),
        ("+346", "ES"),
        ("US+346", "ES"),
        ("CA+1201", "CA"),
        ("+1201", "US"),
        ("+1416", "CA"),
        ("KZ+770", "KZ"),
        ("+790", "RU"),
        ("GB+447", "GB"),
        ("+870", None),
        ("FR", "FR"),
        ("", None),
    ],
)
def test_a_message_is_billed_under_the_country_of_its_number(area: str, country: str | None) -> None:
    assert country_of(area) == country
