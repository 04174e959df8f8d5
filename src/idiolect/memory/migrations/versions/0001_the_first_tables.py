"""The first tables: people, their events, where their answers are found, vectors of candidates, and beliefs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

SEQUENCE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event",
        sa.Column("seq", SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("person", sa.String(128), nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_event"),
        sa.UniqueConstraint("person", "id", name="uq_event_person_id"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_event_person"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_person_kind_seq", "event", ["person", "kind", "seq"])
    op.create_table(
        "answer",
        sa.Column("person", sa.String(128), nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("event", SEQUENCE, nullable=False),
        sa.PrimaryKeyConstraint("person", "id", name="pk_answer"),
        sa.ForeignKeyConstraint(["event"], ["event.seq"], name="fk_answer_event", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_answer_event", "answer", ["event"])
    op.create_table(
        "vector",
        sa.Column("person", sa.String(128), nullable=False),
        sa.Column("candidate", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("person", "candidate", "version", name="pk_vector"),
        sa.ForeignKeyConstraint(
            ["person", "candidate"], ["answer.person", "answer.id"], name="fk_vector_answer", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "state",
        sa.Column("person", sa.String(128), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("through", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("layout", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("person", "name", name="pk_state"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_state_person"),
    )


def downgrade() -> None:
    for table in ("state", "vector", "answer", "event", "person"):
        op.drop_table(table)
