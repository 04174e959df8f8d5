"""What Alembic runs: the migrations, inside the transaction of the connection that was handed over."""

from alembic import context
from sqlalchemy import Connection

from idiolect.memory.migrations import VERSION_TABLE
from idiolect.memory.tables import METADATA

connection = context.config.attributes["connection"]
assert isinstance(connection, Connection)
context.configure(
    connection=connection,
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    render_as_batch=True,  # SQLite changes a table by writing it anew
)
with context.begin_transaction():
    context.run_migrations()
