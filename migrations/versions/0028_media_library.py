"""The media library: files stand in a table of their own, and media handles refer to them. No large table is touched.

Files that were uploaded for a number become files of the library, once per content; where they lie does not change.
"""

from pathlib import PurePath

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)
DESCRIBED = ("mime_type", "file_name", "path", "size_bytes")


def upgrade() -> None:
    files = op.create_table(
        "media_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("storage_key", sa.String(120), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("mime_type", sa.String(100), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("duration_seconds", sa.Float(), nullable=True),
        sa.Column("created_by", sa.String(254), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("deleted_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_file")),
        sa.UniqueConstraint("sha256", name=op.f("uq_media_file_sha256")),
        sa.UniqueConstraint("storage_key", name=op.f("uq_media_file_storage_key")),
    )
    handles = sa.table(
        "media_handle",
        *(sa.column(name) for name in ("sha256", *DESCRIBED)),
        sa.column("id", sa.Integer()),
        sa.column("created_at", moment),
    )
    rows: dict[str, dict[str, object]] = {}
    for handle in op.get_bind().execute(sa.select(handles).order_by(handles.c.id)).mappings():
        kind = str(handle["mime_type"]).partition("/")[0]
        rows.setdefault(
            handle["sha256"],
            {
                "sha256": handle["sha256"],
                "storage_key": PurePath(handle["path"]).name,
                "name": handle["file_name"],
                "kind": kind if kind in {"image", "video"} else "document",
                "mime_type": handle["mime_type"],
                "size_bytes": handle["size_bytes"],
                "created_by": "",
                "created_at": handle["created_at"],
            },
        )
    if rows:
        op.bulk_insert(files, list(rows.values()))
    with op.batch_alter_table("media_handle") as batch:
        for name in DESCRIBED:
            batch.drop_column(name)
        batch.add_column(sa.Column("uploading_until", moment, nullable=True))
        batch.create_foreign_key(op.f("fk_media_handle_sha256_media_file"), "media_file", ["sha256"], ["sha256"])


def downgrade() -> None:
    with op.batch_alter_table("media_handle") as batch:
        batch.drop_constraint(op.f("fk_media_handle_sha256_media_file"), type_="foreignkey")
        batch.drop_column("uploading_until")
        batch.add_column(sa.Column("mime_type", sa.String(100), nullable=False, server_default=""))
        batch.add_column(sa.Column("file_name", sa.String(255), nullable=False, server_default=""))
        batch.add_column(sa.Column("path", sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("size_bytes", sa.Integer(), nullable=False, server_default="0"))
    described = {
        "mime_type": "mime_type",
        "file_name": "name",
        "path": "'media/' || storage_key",
        "size_bytes": "size_bytes",
    }
    for column, source in described.items():
        op.execute(
            f"UPDATE media_handle SET {column} = (SELECT {source} FROM media_file WHERE media_file.sha256 = media_handle.sha256)"
        )
    with op.batch_alter_table("media_handle") as batch:
        for column in described:
            batch.alter_column(column, server_default=None)
    op.drop_table("media_file")
