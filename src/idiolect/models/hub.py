"""GGUF files from the Hugging Face hub: `hf:OWNER/REPO/FILE.gguf`, or `hf:OWNER/FILE.gguf`, from which REPO follows.

A file is downloaded once, with a progress bar on stderr, under a name of its own until it is whole and has the sha256
that the hub says; a download that was cut off goes on from there. `HF_ENDPOINT` names another hub, `HF_TOKEN` opens
gated models.
"""

import hashlib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from idiolect.errors import BadInput, ModelError, UnknownModel, WeightsError

PREFIX = "hf:"
FORM = "hf:OWNER/REPO/FILE.gguf"
HUB = "https://huggingface.co"
ATTEMPTS = 5
QUANTIZATION = re.compile(r"[-._](I?Q\d\w*|B?F16|F32)$", re.IGNORECASE)
SHA256 = re.compile(r"[0-9a-f]{64}")


def fetch(name: str, *, environment: Mapping[str, str] = os.environ) -> Path:
    """Where the file lies on this machine; it is downloaded when it is not there yet."""
    owner, repositories, file = parsed(name)
    places = {repository: cache(environment) / owner / repository / file for repository in repositories}
    for place in places.values():
        if place.is_file():
            return place
    hub = environment.get("HF_ENDPOINT", HUB).rstrip("/")
    token = environment.get("HF_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(follow_redirects=True, timeout=30, headers=headers) as client:
        for repository, place in places.items():
            url = f"{hub}/{quote(owner)}/{quote(repository)}/resolve/main/{quote(file)}"
            if _download(client, url, place, name):
                return place
    tried = ", ".join(f"{owner}/{repository}" for repository in repositories)
    raise UnknownModel(f"{hub} has no {file} in {tried} that is open to you; the whole form is {FORM}")


def parsed(name: str) -> tuple[str, list[str], str]:
    """Owner, the repositories it may lie in, and the file."""
    parts = name.removeprefix(PREFIX).split("/")
    is_path = all(part and not part.startswith(".") for part in parts)
    if not name.endswith(".gguf") or len(parts) < 2 or not is_path:
        raise BadInput(f"{name!r} does not name a GGUF file on the hub; the form is {FORM}")
    if len(parts) > 2:
        return parts[0], [parts[1]], "/".join(parts[2:])
    stem = QUANTIZATION.sub("", parts[1].removesuffix(".gguf"))
    return parts[0], [f"{stem}-GGUF", f"{stem}-gguf", stem], parts[1]


def cache(environment: Mapping[str, str]) -> Path:
    """Where downloaded models lie."""
    base = environment.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "idiolect" / "models"


def _download(client: httpx.Client, url: str, place: Path, name: str) -> bool:
    """Whether the hub has the file; then it lies at its place."""
    part = place.with_name(place.name + ".part")
    for left in range(ATTEMPTS - 1, -1, -1):
        had = part.stat().st_size if part.exists() else 0
        try:
            with client.stream("GET", url, headers={"Range": f"bytes={had}-"}) as response:
                if not _is_there(response, name):
                    return False
                _write(response, part, name)
                expected = _sha256_said(response)
        except httpx.TransportError as broken:
            got = part.stat().st_size if part.exists() else 0
            if not left or got <= had:  # without progress another attempt would not help
                raise ModelError(
                    f"{name} could not be downloaded ({broken}), {got / 1e6:.1f} MB are there; "
                    "when the network is back, ask again and it goes on from there, or name a GGUF file on this machine"
                ) from broken
        except OSError as full:
            raise WeightsError(
                f"{name} cannot be written to {place.parent} ({full.strerror}); make room there"
            ) from full
        else:
            _verify(part, expected, name)
            part.replace(place)
            return True
    return False


def _is_there(response: httpx.Response, name: str) -> bool:
    code = response.headers.get("x-error-code", "")
    if code == "GatedRepo" or response.status_code == 403:
        raise ModelError(f"{name} asks for consent: accept its terms on the hub's page, and set HF_TOKEN to your token")
    if response.status_code in {401, 404}:  # 401 is also what strangers hear of a repository that does not exist
        return False
    if response.status_code not in {200, 206, 416}:
        raise ModelError(f"the hub answered {response.status_code} for {name}; try again later")
    return True


def _write(response: httpx.Response, part: Path, name: str) -> None:
    if response.status_code == 416:  # all of it was there
        return
    part.parent.mkdir(parents=True, exist_ok=True)
    is_rest = response.status_code == 206
    have = part.stat().st_size if is_rest and part.exists() else 0
    length = response.headers.get("content-length")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with (
        part.open("ab" if is_rest else "wb") as file,
        Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress,
    ):
        task = progress.add_task(f"downloading {name}", total=have + int(length) if length else None, completed=have)
        for piece in response.iter_bytes():
            file.write(piece)
            progress.advance(task, len(piece))


def _sha256_said(response: httpx.Response) -> str | None:
    """The hub says the sha256 of a large file where it redirects to its store."""
    for heard in (*response.history, response):
        tag = str(heard.headers.get("x-linked-etag", "")).strip('"')
        if SHA256.fullmatch(tag):
            return tag
    return None


def _verify(part: Path, expected: str | None, name: str) -> None:
    if expected is None:
        return
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        part.unlink()
        raise WeightsError(f"{name} came with sha256 {found}, but the hub says {expected}; it was removed: ask again")
