"""The catalogs of the accounts and their products, in tables of their own; an account keeps when its catalogs were listed."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "catalog",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("waba_id", sa.Integer(), nullable=False),
        sa.Column("meta_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("is_linked", sa.Boolean(), nullable=False),
        sa.Column("synced_at", moment, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("reading_since", moment, nullable=True),
        sa.Column("reading_after", sa.Text(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["waba_id"], ["waba.id"], name=op.f("fk_catalog_waba_id_waba")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog")),
    )
    op.create_index("uq_catalog_meta", "catalog", ["waba_id", "meta_id"], unique=True)
    op.create_table(
        "product",
        sa.Column("id", big, nullable=False),
        sa.Column("catalog_id", sa.Integer(), nullable=False),
        sa.Column("retailer_id", sa.String(100), nullable=False),
        sa.Column("meta_id", sa.String(64), nullable=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("price_text", sa.String(60), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(3), nullable=True),
        sa.Column("availability", sa.String(40), nullable=True),
        sa.Column("visibility", sa.String(40), nullable=True),
        sa.Column("review_status", sa.String(40), nullable=True),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("brand", sa.String(200), nullable=True),
        sa.Column("seen_at", moment, nullable=False),
        sa.Column("gone_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["catalog_id"], ["catalog.id"], name=op.f("fk_product_catalog_id_catalog")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
    )
    op.create_index("uq_product_retailer", "product", ["catalog_id", "retailer_id"], unique=True)
    op.create_table(
        "product_search",
        sa.Column("product_id", big, autoincrement=False, nullable=False),
        sa.Column("catalog_id", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("is_gone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_product_search_product_id_product"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product_search")),
    )
    op.add_column("waba", sa.Column("catalogs_read_at", moment, nullable=True))
    op.add_column("waba", sa.Column("catalogs_error", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("waba", "catalogs_error")
    op.drop_column("waba", "catalogs_read_at")
    op.drop_table("product_search")
    op.drop_table("product")
    op.drop_table("catalog")
