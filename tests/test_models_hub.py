"""Downloads from a hub, which here is a local server that answers as the real one does."""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from idiolect.errors import BadInput, ModelError, UnknownModel, WeightsError
from idiolect.models import hub

CONTENT = b"GGUF" + bytes(range(256)) * 8_000


class Hub:
    """One repository, `me/small-GGUF`, with one file; the file lies in a store that the hub redirects to."""

    def __init__(self) -> None:
        self.cut_after: list[int] = []  # the next downloads break off after so many bytes
        self.sha256 = hashlib.sha256(CONTENT).hexdigest()
        self.gated = False
        self.ranges: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/store":
                    outer.store(self)
                elif outer.gated:
                    outer.reply(self, 403, b"", {"X-Error-Code": "GatedRepo"})
                elif self.path == "/me/small-GGUF/resolve/main/small-Q4_K_M.gguf":
                    outer.reply(self, 302, b"", {"Location": "/store", "X-Linked-Etag": f'"{outer.sha256}"'})
                else:
                    outer.reply(self, 401, b"", {"X-Error-Code": "RepoNotFound"})

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def reply(self, to: BaseHTTPRequestHandler, status: int, data: bytes, fields: Mapping[str, str]) -> None:
        to.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | dict(fields)).items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(data)

    def store(self, to: BaseHTTPRequestHandler) -> None:
        asked = to.headers["Range"]
        self.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start == len(CONTENT):
            return self.reply(to, 416, b"", {})
        end = self.cut_after.pop(0) if self.cut_after else len(CONTENT)
        fields = {"Content-Length": str(len(CONTENT) - start), "Content-Range": f"bytes {start}-/{len(CONTENT)}"}
        return self.reply(to, 206, CONTENT[start:end], fields)


@pytest.fixture
def local() -> Iterator[Hub]:
    running = Hub()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def environment(local: Hub, tmp_path: Path) -> dict[str, str]:
    return {"HF_ENDPOINT": f"http://127.0.0.1:{local.server.server_port}", "XDG_CACHE_HOME": str(tmp_path)}


NAME = "hf:me/small-GGUF/small-Q4_K_M.gguf"


@pytest.mark.parametrize("name", [NAME, "hf:me/small-Q4_K_M.gguf"])
def test_a_file_is_downloaded_once(local: Hub, environment: dict[str, str], name: str) -> None:
    path = hub.fetch(name, environment=environment)
    assert path.read_bytes() == CONTENT
    local.server.shutdown()  # from here on there is no network
    assert hub.fetch(name, environment=environment) == path
    assert [file.name for file in path.parent.iterdir()] == ["small-Q4_K_M.gguf"]


def test_a_download_that_is_cut_off_goes_on_by_itself(local: Hub, environment: dict[str, str]) -> None:
    local.cut_after = [1_000_000]
    assert hub.fetch(NAME, environment=environment).read_bytes() == CONTENT
    assert local.ranges[0] == "bytes=0-"
    assert len(local.ranges) == 2
    assert int(local.ranges[1].removeprefix("bytes=").removesuffix("-")) > 0


def test_when_the_network_stays_away_it_goes_on_where_it_was(local: Hub, environment: dict[str, str]) -> None:
    local.cut_after = [1_500_000, 0]
    with pytest.raises(
        ModelError, match=r"could not be downloaded \(.*\), 1\.5 MB are there; .* ask again and it goes on"
    ):
        hub.fetch(NAME, environment=environment)
    assert hub.fetch(NAME, environment=environment).read_bytes() == CONTENT
    assert local.ranges[1] == local.ranges[2] != "bytes=0-"


def test_a_file_that_was_whole_when_the_process_died_is_taken(local: Hub, environment: dict[str, str]) -> None:
    part = hub.cache(environment) / "me" / "small-GGUF" / "small-Q4_K_M.gguf.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    assert hub.fetch(NAME, environment=environment).read_bytes() == CONTENT


def test_another_sha256_than_the_hub_says_is_refused_and_removed(local: Hub, environment: dict[str, str]) -> None:
    local.sha256 = "0" * 64
    with pytest.raises(WeightsError, match=r"sha256 .* but the hub says 0000"):
        hub.fetch(NAME, environment=environment)
    assert not [path for path in hub.cache(environment).rglob("*") if path.is_file()]


def test_a_file_that_the_hub_does_not_have_is_named_with_where_it_was_looked_for(environment: dict[str, str]) -> None:
    with pytest.raises(UnknownModel, match=r"no other\.gguf in me/other-GGUF, me/other-gguf, me/other"):
        hub.fetch("hf:me/other.gguf", environment=environment)


def test_a_gated_model_says_how_to_get_in(local: Hub, environment: dict[str, str]) -> None:
    local.gated = True
    with pytest.raises(ModelError, match=r"accept its terms .* HF_TOKEN"):
        hub.fetch(NAME, environment=environment)


def test_without_a_network_the_error_says_what_else_works(local: Hub, environment: dict[str, str]) -> None:
    local.server.shutdown()
    local.server.server_close()
    with pytest.raises(ModelError, match=r"when the network is back, ask again .* or name a GGUF file on this machine"):
        hub.fetch(NAME, environment=environment)


@pytest.mark.parametrize("name", ["hf:", "hf:Qwen/Qwen3-4B", "hf:file.gguf", "hf:me/../../etc/x.gguf", "hf:me//x.gguf"])
def test_a_name_that_is_no_gguf_file_on_a_hub_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match=r"the form is hf:OWNER/REPO/FILE\.gguf"):
        hub.fetch(name)


@pytest.mark.parametrize("stem", ["small-Q4_K_M", "small.IQ2_XS", "small-f16", "small"])
def test_the_repository_follows_from_the_file(stem: str) -> None:
    assert hub.parsed(f"hf:me/{stem}.gguf") == ("me", ["small-GGUF", "small-gguf", "small"], f"{stem}.gguf")
