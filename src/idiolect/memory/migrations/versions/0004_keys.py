"""Keys that open the server, and what each was used for. Before them there were none: everybody was of one tenant."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("tenant", sa.String(32), nullable=False),
        sa.Column("person", sa.String(128), nullable=True),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("scopes", sa.String, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked", sa.DateTime(timezone=True), nullable=True),
        sa.Column("per_minute", sa.Integer, nullable=True),
        sa.Column("tokens_per_month", sa.BigInteger, nullable=True),
        sa.Column("dollars_per_month", sa.Float, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
    )
    op.create_table(
        "key_use",
        sa.Column("key", sa.String(16), nullable=False),
        sa.Column("period", sa.String(16), nullable=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("dollars", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("key", "period", name="pk_key_use"),
        sa.ForeignKeyConstraint(["key"], ["api_key.id"], name="fk_key_use_api_key", ondelete="CASCADE"),
    )


def downgrade() -> None:
    for table in ("key_use", "api_key"):
        op.drop_table(table)
