"""What `idiolect doctor` looks at. A check returns what it found, or raises an IdiolectError with the next step."""

import platform
import socket
import sys
from collections.abc import Callable, Iterator
from importlib import metadata

import numpy as np

from idiolect.cli.options import opened_model
from idiolect.errors import IdiolectError, MissingExtra, ModelError, SettingsError
from idiolect.models.protocol import Request
from idiolect.schema import Message, Noun, Sampling
from idiolect.settings import Settings, config_file

OLDEST = (3, 11)
PATIENCE_S = 2.0  # with what listens on the port
HEALTH = {"status", "version", "model", "people"}  # what our own /healthz tells
EXTRAS = {"xllamacpp": "local", "onnxruntime": "local", "onnx": "local", "tokenizers": "local"}


class Check(Noun):
    """One thing that was looked at; `detail` says what was found, or what is wrong and how to mend it."""

    name: str
    ok: bool
    detail: str


class Examination(Noun):
    """All checks."""

    checks: tuple[Check, ...]
    ok: bool  # all of them


def examined(settings: Settings) -> Examination:
    """Every check once, whatever the others say."""
    found = [*(_checked(name, check, settings) for name, check in CHECKS.items()), *_store(settings)]
    return Examination(checks=tuple(found), ok=all(check.ok for check in found))


def _checked(name: str, check: Callable[[Settings], str], settings: Settings) -> Check:
    try:
        return Check(name=name, ok=True, detail=check(settings))
    except IdiolectError as error:
        return Check(name=name, ok=False, detail=str(error))


def python(_: Settings) -> str:
    """The interpreter."""
    if sys.version_info < OLDEST:
        raise SettingsError(f"Python {platform.python_version()} is too old; Idiolect needs 3.11 or newer")
    return f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"


def packages(settings: Settings) -> str:
    """Idiolect and the optional packages that these settings use."""
    wanted = {name for name in EXTRAS if settings.embedder == "minilm" or name == "xllamacpp"}
    if settings.base_url:
        wanted.discard("xllamacpp")
    found = {name: version for name in sorted(wanted) if (version := _version(name))}
    for name in sorted(wanted - found.keys()):
        raise MissingExtra(f"{name} is not installed: pip install 'idiolect[{EXTRAS[name]}]'")
    return ", ".join([f"idiolect {_version('idiolect')}", *(f"{name} {version}" for name, version in found.items())])


def configuration(_: Settings) -> str:
    """Where the settings came from."""
    file = config_file()
    return f"from {file}" if file else "no idiolect.toml: defaults, variables IDIOLECT_... and arguments"


def weights(settings: Settings) -> str:
    """The starter's file and its sha256."""
    from idiolect.models.starter import starter_path

    if settings.model != "starter":
        return f"the starter is not used: the model is {settings.model}"
    return f"{starter_path().name}: sha256 as expected"


def model(settings: Settings) -> str:
    """Whether the model answers."""
    asked = Request((Message(role="user", content="Say hello."),), Sampling(max_tokens=8, temperature=0))
    with opened_model(settings) as opened:
        completion = opened.complete(asked)[0]
    if not completion.text.strip():
        raise ModelError(f"{settings.model} answered with no text; try another model")
    return f"{settings.model} answered with {completion.completion_tokens} tokens"


def embedder(settings: Settings) -> str:
    """Whether texts become unit vectors."""
    from idiolect.features.embedder import open_embedder

    opened = open_embedder(settings.embedder)
    if opened is None:
        return "none: attributes alone are learnt"
    length = float(np.linalg.norm(opened.embed(["A short text."])[0]))
    if abs(length - 1) > 1e-3:
        raise ModelError(f"{opened.name} gave a vector of length {length:.3f} in place of 1: install its package again")
    return f"{opened.name}: {opened.dim} dimensions"


def boundary(settings: Settings) -> str:
    """The policy in force, and whether trained heads judge beside its rules."""
    from idiolect.boundary import open_boundary
    from idiolect.features.embedder import open_embedder

    opened = open_boundary(settings, open_embedder(settings.embedder))
    return f"policy {opened.version}, from {settings.policy or 'the package'}"


def port(settings: Settings) -> str:
    """Whether the server could listen."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            where, reason = f"{settings.host}:{settings.port}", error.strerror
            if _is_ours(settings):
                return f"Idiolect is already running at {where}"
            raise SettingsError(f"{where} can't be listened on ({reason}): stop what uses it, or set `port`") from error
    return f"{settings.host}:{settings.port} is free"


def _is_ours(settings: Settings) -> bool:
    """Whether what listens there is an Idiolect."""
    import httpx

    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - asked, not bound
    url = f"http://[{host}]" if ":" in host else f"http://{host}"
    try:
        said = httpx.get(f"{url}:{settings.port}/healthz", timeout=PATIENCE_S, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(said, dict) and HEALTH.issubset(said)


CHECKS: dict[str, Callable[[Settings], str]] = {
    "python": python,
    "packages": packages,
    "settings": configuration,
    "weights": weights,
    "model": model,
    "embedder": embedder,
    "boundary": boundary,
    "port": port,
}


def _store(settings: Settings) -> Iterator[Check]:
    from idiolect.memory.store import open_store

    try:
        opened = open_store(settings.store)
    except IdiolectError as error:
        yield Check(name="store", ok=False, detail=str(error))
        return
    try:
        for name, ok, detail in opened.check():
            yield Check(name=f"store: {name}", ok=ok, detail=detail)
    finally:
        opened.close()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
