"""The tables. Evidence is `event`; everything else is found or derived from it, and goes when it goes.

Every key begins with the person, or with the seq of one of their events, so ids of two people never meet: the same
export can be imported for two people, and nobody learns from a clash that an id exists.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
SEQUENCE = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER PRIMARY KEY counts by itself in SQLite

person = Table(
    "person",
    METADATA,
    Column("id", String(128), primary_key=True),  # this row is what a writer of the person locks in PostgreSQL
    Column("epoch", BigInteger, nullable=False, server_default="0"),  # changes whenever something is forgotten
    sqlite_with_rowid=False,
)

event = Table(
    "event",
    METADATA,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("person", ForeignKey("person.id"), nullable=False),
    Column("id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),  # UTC
    Column("payload", Text, nullable=False),  # JSON of schema.AnyEvent, less what stands in columns or is the default
    UniqueConstraint("person", "id"),
    Index(None, "person", "kind", "seq"),
    Index(None, "person", "seq"),
    sqlite_autoincrement=True,  # a seq is never given twice, not even after erasure
)

answer = Table(
    "answer",
    METADATA,
    Column("person", String(128), primary_key=True),
    Column("id", String, primary_key=True),  # of an answer or of one of its candidates
    Column("event", ForeignKey("event.seq", ondelete="CASCADE"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

vector = Table(
    "vector",
    METADATA,
    Column("person", String(128), primary_key=True),
    Column("candidate", String, primary_key=True),
    Column("version", String, primary_key=True),  # of the space that measured it
    Column("data", LargeBinary, nullable=False),  # float32, little-endian
    ForeignKeyConstraint(["person", "candidate"], ["answer.person", "answer.id"], ondelete="CASCADE"),
)

state = Table(
    "state",
    METADATA,
    Column("person", ForeignKey("person.id"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("version", String, nullable=False),
    Column("through", BigInteger, nullable=False),  # seq of the last event folded in
    Column("seen", BigInteger, nullable=False),
    Column("layout", Text, nullable=False),  # JSON: name -> dtype and shape, in the order of `data`
    Column("data", LargeBinary, nullable=False),
)

embedding = Table(
    "embedding",
    METADATA,
    Column("event", ForeignKey("event.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("part", Integer, primary_key=True, autoincrement=False),  # which statement of it, or side of the turn
    Column("version", String, primary_key=True),  # of the embedder
    Column("scale", Float, nullable=False),
    Column("data", LargeBinary, nullable=False),  # int8; times `scale` it is the vector
    sqlite_with_rowid=False,
)

audit = Table(
    "audit",
    METADATA,
    Column("seq", SEQUENCE, primary_key=True, autoincrement=True),
    Column("person", ForeignKey("person.id"), nullable=False, index=True),
    Column("at", DateTime(timezone=True), nullable=False),  # UTC
    Column("action", String, nullable=False),
    Column("what", Text, nullable=False),  # JSON: ids and counts, never a text
)

recipient = Table(
    "recipient",
    METADATA,
    Column("person", String(128), primary_key=True),  # empty: nobody's any more
    Column("day", String(10), primary_key=True),  # 2026-03-02; of nobody's the month alone
    Column("endpoint", String, primary_key=True),
    Column("kind", String, primary_key=True),  # of what was shown to it, never a text
    Column("times", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

api_key = Table(
    "api_key",
    METADATA,
    Column("id", String(16), primary_key=True),  # the part of a key that may be shown
    Column("sha256", String(64), nullable=False),  # of the whole key, which is kept nowhere
    Column("tenant", String(32), nullable=False),
    Column("person", String(128)),  # the only one for whom it opens; of all others of its tenant there is nobody
    Column("label", String, nullable=False),
    Column("scopes", String, nullable=False),  # parted by spaces
    Column("created", DateTime(timezone=True), nullable=False),  # UTC, as the two that follow
    Column("expires", DateTime(timezone=True)),
    Column("revoked", DateTime(timezone=True)),
    Column("per_minute", Integer),
    Column("tokens_per_month", BigInteger),
    Column("dollars_per_month", Float),
)

key_use = Table(
    "key_use",
    METADATA,
    Column("key", ForeignKey("api_key.id", ondelete="CASCADE"), primary_key=True),
    Column("period", String(16), primary_key=True),  # a month, 2026-03, or a minute of it, 2026-03-02T10:41
    Column("requests", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("dollars", Float, nullable=False),
)
