"""An import whose process is killed leaves whole batches, and goes on when it is started again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import exports
from idiolect.memory.importers import import_file
from idiolect.memory.importers.keeping import BATCH
from idiolect.memory.store import open_store

IMPORT = """
import sys
from idiolect.memory.importers import import_file
from idiolect.memory.store import open_store

with open_store(sys.argv[1]) as store, open(sys.argv[2], "rb") as stream:
    print("begun", flush=True)
    import_file(store.user("ana"), stream, name="list.jsonl")
"""
ENTRIES = 1500


def test_a_killed_import_leaves_whole_batches_and_goes_on_when_it_is_started_again(tmp_path: Path) -> None:
    file, database = tmp_path / "list.jsonl", str(tmp_path / "me.db")
    file.write_bytes(exports.lines([{"text": f"I like fruit {index}"} for index in range(ENTRIES)]))
    open_store(database).close()
    kept = [0]
    for wait_s in (0.15, 0.3, 0.6):
        arguments = [sys.executable, "-c", IMPORT, database, str(file)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as importer:
            assert importer.stdout is not None
            assert importer.stdout.readline() == "begun\n"
            time.sleep(wait_s)
            os.kill(importer.pid, signal.SIGKILL)
        with open_store(database) as store:
            kept.append(len(store.user("ana").events()))
        assert kept[-1] % BATCH == 0 or kept[-1] == ENTRIES
        assert kept[-1] >= kept[-2]
    with open_store(database) as store, file.open("rb") as stream:
        report = import_file(store.user("ana"), stream, name="list.jsonl")
        ids = [each.event.id for each in store.user("ana").events()]
    assert (report.already, report.proposed) == (kept[-1], ENTRIES - kept[-1])
    assert len(set(ids)) == len(ids) == ENTRIES
