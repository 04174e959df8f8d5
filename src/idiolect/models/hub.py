"""GGUF files from the Hugging Face hub: `hf:OWNER/REPO/FILE.gguf`, or `hf:OWNER/FILE.gguf`, from which REPO follows.

The download shows its progress on stderr, goes on where it was cut off, and lies in the hub's own cache, which other
tools share. `HF_ENDPOINT` names another hub, `HF_TOKEN` opens gated models, `HF_HUB_OFFLINE=1` asks nobody.
"""

import importlib
import re
from pathlib import Path

from idiolect.errors import BadInput, MissingExtra, ModelError, UnknownModel

PREFIX = "hf:"
FORM = "hf:OWNER/REPO/FILE.gguf"
QUANTIZATION = re.compile(r"[-._](I?Q\d\w*|B?F16|F32)$", re.IGNORECASE)


def fetch(name: str, *, endpoint: str | None = None, cache: Path | None = None) -> Path:
    """Where the file lies on this machine; it is downloaded when it is not there yet."""
    owner, repositories, file = parsed(name)
    try:
        hub = importlib.import_module("huggingface_hub")
        errors = importlib.import_module("huggingface_hub.errors")
    except ImportError as missing:
        raise MissingExtra(
            f"{name} needs huggingface_hub, which is not installed: pip install 'idiolect[local]'"
        ) from missing
    for repository in repositories:
        try:
            return Path(hub.hf_hub_download(f"{owner}/{repository}", file, endpoint=endpoint, cache_dir=cache))
        except errors.GatedRepoError as closed:
            raise ModelError(
                f"{owner}/{repository} asks for consent: accept its terms on the hub's page and set HF_TOKEN"
            ) from closed
        except errors.LocalEntryNotFoundError as offline:
            raise ModelError(
                f"the hub cannot be reached, and {name} was not downloaded before: connect to the network, "
                "or give the path of a GGUF file on this machine"
            ) from offline
        except (errors.RepositoryNotFoundError, errors.EntryNotFoundError):
            continue
        except (errors.HfHubHTTPError, errors.HFValidationError, OSError) as failure:
            raise ModelError(
                f"{name} could not be downloaded ({_first_line(failure)}); ask again: it goes on from there"
            ) from failure
    tried = ", ".join(f"{owner}/{repository}" for repository in repositories)
    raise UnknownModel(f"the hub has no {file} in {tried}; give the whole name: {FORM}")


def parsed(name: str) -> tuple[str, list[str], str]:
    """Owner, the repositories it may lie in, and the file."""
    parts = name.removeprefix(PREFIX).split("/")
    if not name.endswith(".gguf") or len(parts) < 2 or not all(parts):
        raise BadInput(f"{name!r} does not name a GGUF file on the hub; the form is {FORM}")
    if len(parts) > 2:
        return parts[0], [parts[1]], "/".join(parts[2:])
    stem = QUANTIZATION.sub("", parts[1].removesuffix(".gguf"))
    return parts[0], [f"{stem}-GGUF", f"{stem}-gguf", stem], parts[1]


def _first_line(failure: Exception) -> str:
    return str(failure).strip().split("\n", 1)[0][:200] or type(failure).__name__
