"""People gain an epoch, embeddings and an audit trail. Of the old rows nothing was forgotten: epoch 0."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("person", sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("ix_event_person_seq", "event", ["person", "seq"])
    op.create_table(
        "embedding",
        sa.Column("event", SEQUENCE, nullable=False, autoincrement=False),
        sa.Column("part", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("scale", sa.Float, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("event", "part", "version", name="pk_embedding"),
        sa.ForeignKeyConstraint(["event"], ["event.seq"], name="fk_embedding_event", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("person", sa.String(128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_audit_person"),
    )
    op.create_index("ix_audit_person", "audit", ["person"])


def downgrade() -> None:
    for table in ("audit", "embedding"):
        op.drop_table(table)
    op.drop_index("ix_event_person_seq", "event")
    with op.batch_alter_table("person") as batch:
        batch.drop_column("epoch")
