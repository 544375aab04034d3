"""Files that were uploaded for numbers become files of the library."""

from alembic import command
from sqlalchemy import create_engine, text

from models.db.migrate import alembic_config, upgrade_schema

BEFORE = "0027"
NOW = {"now": "2026-03-21 10:00:00.000000"}
PICTURE, PAPER = "a" * 64, "b" * 64
ROWS = (
    "INSERT INTO portfolio (id, meta_id) VALUES (1, 'p')",
    "INSERT INTO waba (id, portfolio_id, waba_id, name, state) VALUES (1, 1, 'w', '', 'ok')",
    *(
        f"""INSERT INTO number (id, waba_id, phone_number_id, name, access_token, status, quality, created_at)
        VALUES ({number}, 1, '{number}', 'Shop', 't', 'CONNECTED', 'GREEN', :now)"""
        for number in (1, 2)
    ),
    *(
        f"""INSERT INTO media_handle (id, number_id, sha256, media_id, mime_type, file_name, path, size_bytes, created_at)
        VALUES ({handle}, {number}, '{sha256}', {media_id}, '{mime}', '{name}', '/srv/var/media/{sha256}{suffix}', {handle},
        :now)"""
        for handle, number, sha256, media_id, mime, name, suffix in (
            (1, 1, PICTURE, "'77'", "image/png", "spring.png", ".png"),
            (2, 2, PICTURE, "NULL", "image/png", "again.png", ".png"),
            (3, 1, PAPER, "NULL", "text/plain", "notes.txt", ""),
        )
    ),
)
FILES = (
    "SELECT sha256, storage_key, name, kind, mime_type, size_bytes, created_by, deleted_at FROM media_file ORDER BY id"
)


def test_each_content_becomes_one_file_and_its_ids_at_meta_stay(unmigrated_url: str) -> None:
    upgrade_schema(unmigrated_url, BEFORE)
    engine = create_engine(unmigrated_url)
    with engine.begin() as connection:
        for row in ROWS:
            connection.execute(text(row), NOW)
    upgrade_schema(unmigrated_url)
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(text(FILES))] == [
            (PICTURE, f"{PICTURE}.png", "spring.png", "image", "image/png", 1, "", None),
            (PAPER, PAPER, "notes.txt", "document", "text/plain", 3, "", None),
        ]
        handles = connection.execute(text("SELECT number_id, sha256, media_id FROM media_handle ORDER BY id"))
        assert [tuple(row) for row in handles] == [(1, PICTURE, "77"), (2, PICTURE, None), (1, PAPER, None)]
    command.downgrade(alembic_config(unmigrated_url), BEFORE)
    with engine.connect() as connection:
        handles = connection.execute(
            text("SELECT number_id, file_name, path, size_bytes FROM media_handle ORDER BY id")
        )
        assert [tuple(row) for row in handles][1:] == [
            (2, "spring.png", f"media/{PICTURE}.png", 1),
            (1, "notes.txt", f"media/{PAPER}", 3),
        ]
    engine.dispose()
