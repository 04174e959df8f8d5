"""What models were shown is counted. Of the turns before nothing was counted: there are no rows of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "recipient",
        sa.Column("person", sa.String(128), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("endpoint", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("times", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("person", "day", "endpoint", "kind", name="pk_recipient"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("recipient")
