"""Rates of numbers before and after the column may be empty."""

from alembic import command
from sqlalchemy import create_engine, text

from models.db.migrate import alembic_config, upgrade_schema

ROWS = (
    "INSERT INTO portfolio (id) VALUES (1)",
    "INSERT INTO waba (id, portfolio_id, waba_id, name, state) VALUES (1, 1, '10', 'Shop', 'ok')",
    """INSERT INTO number (id, waba_id, phone_number_id, name, access_token, status, quality, messages_per_second, created_at)
    VALUES (1, 1, '11', 'A', 'x', 'CONNECTED', 'GREEN', 80, '2026-01-01 00:00:00'),
           (2, 1, '12', 'B', 'x', 'CONNECTED', 'GREEN', 300, '2026-01-01 00:00:00')""",
)


def test_eighty_becomes_what_meta_says_and_another_value_stays(unmigrated_url: str) -> None:
    upgrade_schema(unmigrated_url, "0009")
    engine = create_engine(unmigrated_url)
    with engine.begin() as connection:
        for row in ROWS:
            connection.execute(text(row))

    def rates() -> list[int | None]:
        with engine.connect() as connection:
            return list(connection.scalars(text("SELECT messages_per_second FROM number ORDER BY id")))

    upgrade_schema(unmigrated_url, "0010")
    assert rates() == [None, 300]
    command.downgrade(alembic_config(unmigrated_url), "0009")
    assert rates() == [80, 300]
    engine.dispose()
