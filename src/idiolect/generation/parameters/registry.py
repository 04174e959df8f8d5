"""Where adapters lie: one folder each, beside the database, with a card that says what it is and what it came from.

A folder's name begins with a salted hash of its person, and a new training is a new folder, so that whoever serves
LoRAs by the names of their folders never serves an old one. Written whole or not at all. An adapter is derived from
events: it goes with its person, and as soon as one of the events that it came from is forgotten; so do adapters that
were put together from it. Ids are kept hashed, by a salt that lies in the same folder for its owner to read.
"""

import hmac
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from idiolect.errors import StoreError, WeightsError
from idiolect.generation.parameters.lora_file import WEIGHTS, Lora
from idiolect.memory.address import is_memory, parsed
from idiolect.memory.store import UserStore
from idiolect.models.llamacpp import sha256_of
from idiolect.schema import now

Kind: TypeAlias = Literal["lora", "pieces", "expert"]
KINDS: tuple[Kind, ...] = ("lora", "pieces")  # of a person; experts are nobody's
CARD, GATES, SALT, PART = "card.json", "gates.safetensors", "salt", "part-"
SOUPS, EXPERTS = "soups", "experts"
SUFFIX = ".adapters"  # of the folder beside an SQLite file
MOST = 1000


class Card(BaseModel):
    """What an adapter is, without a word of the person, and without their id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    kind: Kind
    model: str  # its name
    fingerprint: str
    at: datetime = Field(default_factory=now)
    epoch: int = 0  # of the person's memory when it was last looked at
    examples: int = 0
    events: tuple[str, ...] = ()  # hashed
    contributors: tuple[str, ...] = ()  # hashed: the people whose pieces are in it, or whose choices an expert is from
    is_shared: bool = False  # its person allows that others' adapters are put together from its pieces
    sha256: str = ""  # of the weights
    figures: Mapping[str, float] = Field(default_factory=dict)  # of the training


class Adapter(BaseModel):
    """One adapter on the disk."""

    model_config = ConfigDict(frozen=True)

    path: Path
    card: Card
    bytes: int

    @property
    def name(self) -> str:
        """By which an endpoint may serve it."""
        return self.path.name

    @property
    def owner(self) -> str:
        """Hashed."""
        return _owner(self.path)


class Shelf(BaseModel):
    """Some adapters, for programs."""

    adapters: tuple[Adapter, ...]


class Registry:
    """The adapters of one database. Many processes may use one folder."""

    def __init__(self, root: Path, most: int = MOST) -> None:
        """`most` adapters are kept; the one longest unused goes first. The folder is made at the first one."""
        self.root = root
        self._most = most
        self._sound = set[tuple[Path, int, int]]()  # weights that were held against their card

    def hashed(self, identifier: str) -> str:
        """An id as folders and cards have it."""
        return hmac.new(self._salt(), identifier.encode(), sha256).hexdigest()[:24]

    def put(
        self,
        person: UserStore,
        lora: Lora,
        card: Card,
        *,
        events: Iterable[str],
        epoch: int,
        gates: Mapping[str, NDArray[Any]] | None = None,  # Any: safetensors' own signature
    ) -> Adapter:
        """Keep an adapter in the place of the person's earlier one of this kind, whole or not at all.

        `epoch` is that of the person's memory when the events were read. Raises Forgotten where something was forgotten
        since: what may have been learnt from it is dropped.
        """
        from safetensors.numpy import save_file

        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = Path(tempfile.mkdtemp(prefix=PART, dir=self.root))
        try:
            lora.save(part, card.model)
            if gates is not None:
                save_file(dict(gates), part / GATES)
            hashed = tuple(sorted({self.hashed(event) for event in events}))
            update = {"events": hashed, "epoch": epoch, "sha256": sha256_of(part / WEIGHTS)}
            write_card(part, card.model_copy(update=update))
            place = self.root / f"{self.hashed(person.id)}.{card.kind}.{secrets.token_hex(4)}"
            with person.transaction(epoch):  # nothing is forgotten between the look and the move
                old = [each.path for each in self._of(person.id, card.kind)]
                part.rename(place)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        for each in old:
            self._remove(each)
        _stamp(place)
        self._bound()
        return _read(place)

    def get(self, person: UserStore, kind: Kind, fingerprint: str | None) -> Adapter | None:
        """The person's adapter, if there is one and it may still be used.

        Of whatever model it is where there is no fingerprint: an endpoint does not tell what weights it serves.

        Raises WeightsError where it is of another model, or was cut short.
        """
        found = next(iter(self._of(person.id, kind)), None)
        if found is None or not self._is_standing(person, found):
            return None
        if fingerprint is not None and found.card.fingerprint != fingerprint:
            raise WeightsError(
                f"the adapter of {person.id} was trained for {found.card.model}, which is another model or version "
                f"than the one that answers: train it again, `idiolect adapters train -u {person.id}`"
            )
        self._check(found, person.id)
        _stamp(found.path)
        return found

    def adapters(self) -> list[Adapter]:
        """All there are, the newest first."""
        return sorted(self._all("*"), key=lambda each: each.card.at, reverse=True)

    def of(self, person: str) -> list[Adapter]:
        """Those of one person, as they are."""
        return [each for kind in KINDS for each in self._of(person, kind)]

    def shared(self, fingerprint: str) -> list[Adapter]:
        """Those of one model that others' may be put together from, in the order of their names."""
        found = [each for each in self._all("*.lora.*") if each.card.is_shared and (each.path / GATES).is_file()]
        return sorted((each for each in found if each.card.fingerprint == fingerprint), key=lambda each: each.name)

    def unshare(self, person: str) -> int:
        """Drop the gates of a person's pieces, and others' adapters that have pieces of theirs: how many of these."""
        for each in self._of(person, "lora"):
            write_card(each.path, each.card.model_copy(update={"is_shared": False}))
            (each.path / GATES).unlink(missing_ok=True)
        if not self.root.is_dir():
            return 0
        return self._drop_made_of({self.hashed(person)}) + self._drop_experts_of(person)

    def put_expert(self, place: Path, lora: Lora, card: Card) -> Card:
        """Keep a shared LoRA in a place, whole or not at all; its card. Mixtures of the one before are dropped."""
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = Path(tempfile.mkdtemp(prefix=PART, dir=place.parent))
        try:
            lora.save(part, card.model)
            kept = card.model_copy(update={"sha256": sha256_of(part / WEIGHTS)})
            write_card(part, kept)
            shutil.rmtree(place, ignore_errors=True)
            part.rename(place)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(self.root / SOUPS, ignore_errors=True)
        return kept

    def forget(self, person: str, events: Collection[str] | None = None) -> tuple[str, ...]:
        """Delete what came from these events of a person, or from any of theirs: what went, in words for a receipt."""
        if not self.root.is_dir():
            return ()
        hashed = None if events is None else {self.hashed(event) for event in events}
        own = list(self._folders(f"{self.hashed(person)}.*.*"))
        gone = [each for each in own if hashed is None or _is_of(each, lambda card: card.events, hashed)]
        for each in gone:
            self._remove(each)
        is_piece = hashed is None or bool(gone) or not own  # without an adapter nobody can tell what pieces came from
        others = self._drop_made_of({self.hashed(person)}) if is_piece else 0
        experts = self._drop_experts_of(person)
        mixtures = self.root / SOUPS  # their weights were somebody's tastes
        had_mixtures = mixtures.is_dir()
        shutil.rmtree(mixtures, ignore_errors=True)
        told = (
            (f"adapters: {len(gone)}", gone),
            (f"adapters of others with pieces of theirs: {others}", others),
            (f"shared experts trained on their choices: {experts}", experts),
            ("mixtures of experts", had_mixtures),
        )
        return tuple(words for words, is_so in told if is_so)

    def keep_only(self, people: Iterable[str]) -> int:
        """Delete the adapters of people of whom nothing is kept, and what a kill left half written: how many."""
        if not self.root.is_dir():
            return 0
        known = {self.hashed(person) for person in people}
        gone = [each for each in self._folders("*.*.*") if _owner(each) not in known]
        for each in gone:
            self._remove(each)
        self._drop_made_of({_owner(each) for each in gone})
        for each in self._experts():
            if not known.issuperset(read_card(each).contributors):
                self._remove(each)
        return len(gone)

    def _is_standing(self, person: UserStore, adapter: Adapter) -> bool:
        """Whether all it came from is still there; where something was forgotten since, it is looked up."""
        head = person.head()
        if head is not None and head.epoch == adapter.card.epoch:
            return True
        kept = {self.hashed(each.event.id) for each in person.events()} if head else set()
        if head is None or not kept.issuperset(adapter.card.events):
            self._remove(adapter.path)
            self._drop_made_of({_owner(adapter.path)})
            return False
        write_card(adapter.path, adapter.card.model_copy(update={"epoch": head.epoch}))
        return True

    def _check(self, adapter: Adapter, person: str) -> None:
        stat = (adapter.path / WEIGHTS).stat()
        key = (adapter.path, stat.st_mtime_ns, stat.st_size)
        if key in self._sound:
            return
        if sha256_of(adapter.path / WEIGHTS) != adapter.card.sha256:
            raise WeightsError(
                f"the adapter {adapter.path} is not what was written there, it was cut short or changed: train it "
                f"again, `idiolect adapters train -u {person}`"
            )
        self._sound.add(key)

    def _of(self, person: str, kind: Kind) -> list[Adapter]:
        """The newest first; more than one only where a kill came between the new one and the old."""
        if not self.root.is_dir():
            return []
        found = self._all(f"{self.hashed(person)}.{kind}.*")
        return sorted(found, key=lambda each: each.card.at, reverse=True)

    def _all(self, pattern: str) -> list[Adapter]:
        return [_read(each) for each in self._folders(pattern)]

    def _folders(self, pattern: str) -> Iterator[Path]:
        return (each for each in sorted(self.root.glob(pattern)) if (each / CARD).is_file())

    def _drop_made_of(self, people: Collection[str]) -> int:
        pieces = self._folders("*.pieces.*")
        gone = [each for each in pieces if _is_of(each, lambda card: card.contributors, people)]
        for each in gone:
            self._remove(each)
        return len(gone)

    def _drop_experts_of(self, person: str) -> int:
        """Those that were trained on choices which this person shared; nobody can tell on which."""
        gone = [each for each in self._experts() if _is_of(each, lambda card: card.contributors, {self.hashed(person)})]
        for each in gone:
            self._remove(each)
        return len(gone)

    def _experts(self) -> list[Path]:
        return [each for each in (self.root / EXPERTS).glob("*") if (each / CARD).is_file()]

    def _bound(self) -> None:
        folders = list(self._folders("*.*.*"))
        oldest = sorted(folders, key=lambda each: each.stat().st_mtime_ns)
        for each in oldest[: len(folders) - self._most]:
            self._remove(each)

    def _remove(self, folder: Path) -> None:
        """The card first: what is half deleted is none any more."""
        try:
            (folder / CARD).unlink(missing_ok=True)
            shutil.rmtree(folder)
        except FileNotFoundError:  # another process was quicker
            return
        except OSError as failed:
            raise StoreError(f"the adapter {folder} cannot be deleted ({failed}): delete that folder") from failed

    def _salt(self) -> bytes:
        path = self.root / SALT
        with suppress(FileNotFoundError):
            return bytes.fromhex(path.read_text(encoding="ascii"))
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        own = path.with_name(f"{SALT}.{secrets.token_hex(4)}")
        handle = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(handle, secrets.token_hex(16).encode())
        os.close(handle)
        with suppress(FileExistsError):  # another process made it just now
            os.link(own, path)
        own.unlink()
        return bytes.fromhex(path.read_text(encoding="ascii"))


def _read(folder: Path) -> Adapter:
    size = sum(file.stat().st_size for file in folder.iterdir())
    return Adapter(path=folder, card=read_card(folder), bytes=size)


def read_card(folder: Path) -> Card:
    """Raises WeightsError."""
    try:
        return Card.model_validate_json((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as broken:
        raise WeightsError(
            f"the card of the adapter {folder} cannot be read, or is of another version of Idiolect: delete that "
            "folder and train it again"
        ) from broken


def _stamp(folder: Path) -> None:
    """Used now, by the fine clock: that of the file system gives several folders one time."""
    os.utime(folder, ns=(time.time_ns(),) * 2)


def _owner(folder: Path) -> str:
    return folder.name.partition(".")[0]


def _is_of(folder: Path, field: Callable[[Card], Collection[str]], names: Collection[str]) -> bool:
    """Whether a card names one of these; one that can't be read may."""
    try:
        return not set(names).isdisjoint(field(_read(folder).card))
    except WeightsError:
        return True


def write_card(folder: Path, card: Card) -> None:
    """Whole or not at all."""
    beside = folder / f"{CARD}.part"
    beside.write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    beside.replace(folder / CARD)


def open_registry(store: str, named: Path | None) -> Registry | None:
    """Of a store's adapters: in the folder that is named, else beside an SQLite file; other stores have none."""
    url = parsed(store)
    if named is not None or url.get_backend_name() != "sqlite" or is_memory(url):
        return Registry(named.expanduser()) if named else None
    file = Path(url.database or "").expanduser()
    return Registry(file.with_name(file.name + SUFFIX))
