"""`serve` as a process: it says where it is, answers there, and stops when it is told to."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from idiolect.server.run import is_loopback

SERVE = """
from idiolect.server.run import serve
from idiolect.settings import Settings
serve(Settings(model="scripted", embedder="none", port=0))
"""


def test_a_server_prints_its_address_answers_there_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    serving = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        cwd=tmp_path,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert serving.stdout is not None
    told = serving.stdout.readline()
    address = next(word for word in told.split() if word.startswith("http://127.0.0.1:"))
    assert "scripted" in told
    assert httpx.get(f"{address}/healthz").json()["status"] == "ok"
    serving.send_signal(signal.SIGINT)
    _, complaints = serving.communicate(timeout=30)
    assert serving.returncode == 0
    assert "Traceback" not in complaints


def test_only_this_machines_own_addresses_are_taken_for_such() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "127.9.9.9"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", ""))
