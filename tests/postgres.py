"""A real PostgreSQL server for tests: started once, on a socket in a folder of its own, stopped when the tests end."""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@cache
def server() -> Path:
    """The folder of its socket. Skips the test where PostgreSQL is not installed."""
    if not PROGRAMS:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="idiolect-pg-"))
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres")
    run("initdb", "--pgdata", str(folder / "data"), "--auth", "trust", "--username", "ana", "--no-instructions")
    settings = f"-k {folder} -c listen_addresses=''"
    run(
        "pg_ctl",
        "--pgdata",
        str(folder / "data"),
        "--log",
        str(folder / "log"),
        "--options",
        settings,
        "--wait",
        "start",
    )
    atexit.register(stop, folder)
    return folder


def stop(folder: Path) -> None:
    """Stop it and remove everything of it."""
    run("pg_ctl", "--pgdata", str(folder / "data"), "--mode", "immediate", "stop")
    shutil.rmtree(folder)


def run(program: str, *arguments: str) -> None:
    """Run one of its programs, as a user that it accepts."""
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(
        [PROGRAMS[-1] / program, *arguments], check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, timeout=60
    )


def address(socket: Path, schema: str = "public", role: str = "ana", database: str = "postgres") -> str:
    """For open_store."""
    return f"postgresql://{role}@/{database}?host={socket}&options=-csearch_path%3D{schema}"


def empty_database() -> Iterator[str]:
    """The address of a fresh schema, dropped afterwards."""
    socket, schema = server(), f"t{uuid4().hex}"
    engine = create_engine(address(socket).replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        yield address(socket, schema)
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


def files_of_tables(word: bytes, address: str) -> list[Path]:
    """Files of the tables with this word, as they are on the disk."""
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CHECKPOINT"))
    engine.dispose()
    files = [path for path in (server() / "data" / "base").rglob("*") if path.is_file()]
    return [path for path in files if word in path.read_bytes()]
