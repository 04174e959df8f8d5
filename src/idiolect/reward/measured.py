"""Files of choices as features, on disk: measured in blocks, kept, memory-mapped, and gone on with after a stop.

A folder for each file, preference space and embedder. The first pass reads the whole file, so that what is wrong with
line 40,000 is told before an hour of measuring and not after.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from idiolect.errors import DataError
from idiolect.features.embedder import Embedder
from idiolect.features.space import PreferenceSpace
from idiolect.reward.choice_file import Row, opened
from idiolect.reward.held_out import FEWEST
from idiolect.reward.population import Population, Progress
from idiolect.reward.protocol import Asked, Chosen, Evidence, Tied
from idiolect.reward.public_sets import Tally, rows_of

BLOCK = 64  # choices that are measured between two saves
IN_MEMORY = 1 << 26  # numbers; pairs beyond that lie on disk
VERSION = 2  # of a folder's form
DONE = "done"  # the file that says how many choices are measured


@dataclass(frozen=True)
class Measured:
    """n choices among a answers: phi (a, d), those of one choice together, the chosen one first.

    `starts` (n + 1,) says where each choice's answers begin; `prompts` (n, e) are embeddings, if there is an embedder;
    `digests` (n,) tell choices apart by who was asked what, whatever was chosen.
    """

    folder: Path
    sha256: str
    left_out: dict[str, int]
    users: tuple[str, ...]
    lines: NDArray[np.int64]
    owner: NDArray[np.int32]
    starts: NDArray[np.int64]
    tied: NDArray[np.bool_]
    weight: NDArray[np.float32]
    digests: NDArray[np.uint64]
    phi: NDArray[np.float32]
    prompts: NDArray[np.float32] | None

    def population(self) -> Population:
        """As pairs: one of k answers is k - 1 pairs that share its weight; a tie is half a choice of each."""
        sizes = np.diff(self.starts)
        row = np.repeat(np.arange(len(sizes)), sizes - 1)
        place = np.arange(len(row)) - np.repeat(np.cumsum(sizes - 1) - (sizes - 1), sizes - 1)
        better, worse = self.starts[row], self.starts[row] + 1 + place
        weight = self.weight[row] / (sizes - 1)[row] * np.where(self.tied[row], 0.5, 1.0)
        tied = self.tied[row]
        better, worse = np.append(better, worse[tied]), np.append(worse, better[tied])
        row, weight = np.append(row, row[tied]), np.append(weight, weight[tied])
        phi = self._room("pairs", (len(row), 2, self.phi.shape[1]))
        for first in range(0, len(row), 1 << 14):
            block = slice(first, first + (1 << 14))
            phi[block, 0], phi[block, 1] = self.phi[better[block]], self.phi[worse[block]]
        asked = None
        if self.prompts is not None:
            asked = self._room("pairs-prompts", (len(row), self.prompts.shape[1]))
            for first in range(0, len(row), 1 << 14):
                asked[first : first + (1 << 14)] = self.prompts[row[first : first + (1 << 14)]]
        return Population(self.users, phi, self.owner[row], weight.astype(np.float32), asked)

    def doubts(self) -> list[str]:
        """Why a reward that is fitted on these choices knows less than it seems to, and what would mend it."""
        people, choices = len(self.users), len(self.lines)
        found = []
        if people == 1:
            found.append("one person's choices do not tell what another would choose: give those of several people")
        if choices == people:
            found.append("nobody chose twice, so that people cannot be told apart: give several choices of each")
        if people < FEWEST:
            found.append(
                f"of fewer than {FEWEST} people nobody is left out of the fit, and nothing tells when to stop or how "
                f"sure to be: these are {people}"
            )
        if self.tied.all():
            found.append(
                "every choice is a tie: the reward prefers nothing until it is fitted on choices that say more"
            )
        return found

    def by_user(self) -> Iterator[tuple[str, NDArray[np.intp]]]:
        """Each person's choices, by their place among all."""
        order = np.argsort(self.owner, kind="stable")
        ends = np.searchsorted(self.owner[order], np.arange(len(self.users) + 1))
        for number, user in enumerate(self.users):
            yield user, order[ends[number] : ends[number + 1]]

    def of(self, user: str) -> NDArray[np.intp]:
        """One person's choices, in the file's order."""
        return self._places.get(user, np.array([], np.intp))

    @cached_property
    def _places(self) -> dict[str, NDArray[np.intp]]:
        return dict(self.by_user())

    def choice(self, place: int) -> Chosen | Tied:
        """One choice as evidence; its texts are not kept."""
        phi = np.asarray(self.phi[self.starts[place] : self.starts[place + 1]], np.float64)
        asked = None if self.prompts is None else Asked(embedding=np.asarray(self.prompts[place], np.float64))
        kind = Tied if self.tied[place] else Chosen
        return kind(phi, float(self.weight[place]), asked)

    def evidence(self, places: NDArray[np.intp]) -> list[Evidence]:
        """Several of them."""
        return [self.choice(int(place)) for place in places]

    def _room(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """An array to be filled, on disk where it is large."""
        if int(np.prod(shape)) <= IN_MEMORY:
            return np.zeros(shape, np.float32)
        return np.memmap(self.folder / f"{name}.f32", np.float32, "w+", shape=shape)


def measured(
    path: Path,
    space: PreferenceSpace,
    embedder: Embedder | None,
    cache: Path,
    form: str = "choices",
    progress: Progress | None = None,
) -> Measured:
    """The choices of a file as features, measured where the cache does not hold them yet.

    Raises DataError with the line's number for a file of another form, before anything is measured.
    """
    done = progress or (lambda share, what: None)
    done(0.0, "reading")
    sha = _sha256(path)
    key = f"{VERSION} {sha} {form} {space.version} {embedder.name if embedder else 'none'}"
    folder = cache / sha256(key.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "index.npz").exists():
        _write_index(path, form, folder)
    with np.load(folder / "index.npz") as index:
        arrays = {name: index[name] for name in index.files}
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    answers, choices = int(arrays["starts"][-1]), len(arrays["lines"])
    phi = _mapped(folder / "phi.f32", (answers, space.dim))
    prompts = _mapped(folder / "prompts.f32", (choices, embedder.dim)) if embedder else None
    _fill(rows_of(path, form), arrays["starts"], space, embedder, folder, (phi, prompts), done)
    return Measured(folder, sha, about["left_out"], tuple(about["users"]), **arrays, phi=phi, prompts=prompts)


def _write_index(path: Path, form: str, folder: Path) -> None:
    users: dict[str, int] = {}
    tally = Tally()
    lines, owner, sizes, tied, weight = list[int](), list[int](), list[int](), list[bool](), list[float]()
    digests = list[int]()
    for row in rows_of(path, form, tally):
        lines.append(row.line)
        owner.append(users.setdefault(row.user, len(users)))
        sizes.append(len(row.answers))
        tied.append(row.tied)
        weight.append(row.weight)
        digests.append(_digest(row))
    if not lines:
        why = ", ".join(f"{count} times: {why}" for why, count in tally.left_out.items())
        raise DataError(f"{path} holds no choice that says anything ({why})")
    about = {"users": list(users), "left_out": tally.left_out}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
    np.savez(
        folder / "part.npz",
        lines=np.array(lines, np.int64),
        owner=np.array(owner, np.int32),
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        tied=np.array(tied, np.bool_),
        weight=np.array(weight, np.float32),
        digests=np.array(digests, np.uint64),
    )
    (folder / "part.npz").replace(folder / "index.npz")


def _fill(
    rows: Iterator[Row],
    starts: NDArray[np.int64],
    space: PreferenceSpace,
    embedder: Embedder | None,
    folder: Path,
    into: tuple[NDArray[np.float32], NDArray[np.float32] | None],
    done: Progress,
) -> None:
    phi, prompts = into
    marker = folder / DONE
    first = int(marker.read_text(encoding="utf-8")) if marker.exists() else 0
    if first < len(starts) - 1:
        next(islice(rows, first, first), None)
    while first < len(starts) - 1:
        block = list(islice(rows, BLOCK))
        texts = [answer for row in block for answer in row.answers]
        last = first + len(block)
        phi[starts[first] : starts[last]] = space.phi(texts, embedder.embed(texts) if embedder else None)
        if prompts is not None and embedder is not None:
            prompts[first:last] = embedder.embed([row.prompt for row in block])
        for array in into:
            if isinstance(array, np.memmap):
                array.flush()
        marker.write_text(str(last), encoding="utf-8")
        first = last
        done(first / (len(starts) - 1), "measuring answers")


def _mapped(path: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    """An array on disk; where it is not there as a whole, all is measured anew."""
    if path.exists() and path.stat().st_size == 4 * shape[0] * shape[1]:
        return np.memmap(path, np.float32, "r+", shape=shape)
    path.with_name(DONE).unlink(missing_ok=True)
    return np.memmap(path, np.float32, "w+", shape=shape)


def _digest(row: Row) -> int:
    said = json.dumps([row.user, row.prompt, sorted(row.answers)])
    return int.from_bytes(sha256(said.encode()).digest()[:8], "big")


def _sha256(path: Path) -> str:
    found = sha256()
    with opened(path) as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()
