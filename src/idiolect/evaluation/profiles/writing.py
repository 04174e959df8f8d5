"""Answers to pairs of a request and a profile, as each method writes them through the product's own parts.

What works inside a model is answered by the same model open, and held against its own plain answers; an agent writes at
the loop's own desk. A pair that a method leaves as it was is no measurement of it: it is left out, and told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from pydantic import JsonValue

from idiolect.choosing import Choosing
from idiolect.errors import BadInput, WeightsError
from idiolect.evaluation.hosting import is_moved, turn_of
from idiolect.evaluation.pools import Author, Draws
from idiolect.evaluation.profiles.people import Profile, profiles
from idiolect.evaluation.protocol import Rows, Run
from idiolect.evaluation.runs import code_version
from idiolect.generation import Person, Prepared, compose
from idiolect.generation.parameters.registry import KINDS
from idiolect.method import Method, parse
from idiolect.parts import Parts
from idiolect.writing import Writing

PLAIN = "plain"
CODE = ("generation", "models", "evaluation/hosting.py", "evaluation/pools.py", "evaluation/profiles/writing.py")
CODE_OF_AGENTS = ("boundary", "features", "reward", "choosing.py", "writing.py")


def is_pooled(name: str) -> bool:
    """Whether a method writes several answers of which one is shown: an agent does."""
    return parse(name).agent is not None


@dataclass(frozen=True)
class Asked:
    """A request of the bench."""

    text: str
    source: str
    is_harmful: bool
    is_passed: bool  # by the boundary's screen of requests
    weight: float = 1.0  # requests of its stratum for each that is answered


@dataclass(frozen=True)
class Pair:
    """A request with the profile of who asks it; None for nobody in particular."""

    asked: Asked
    profile: Profile | None

    @property
    def id(self) -> str:
        """A name for it, without the request's words."""
        name = sha256(self.asked.text.encode()).hexdigest()[:12]
        return f"{self.profile.name if self.profile else '-'}/{name}"


@dataclass(frozen=True)
class Prepare:
    """What a method makes of the pairs that it changes; `why` there are others, where the method says."""

    method: Method
    made: Sequence[tuple[Pair, Prepared]]
    why: str = ""

    @property
    def pairs(self) -> list[Pair]:
        """Those that it changes."""
        return [pair for pair, _ in self.made]

    @property
    def is_inside(self) -> bool:
        """Whether the open model answers."""
        return any(not prepared.request.inside.is_empty for _, prepared in self.made)


@dataclass(frozen=True)
class Writer:
    """Writes for every profile."""

    parts: Parts
    author: Author
    adapters: Path | None  # people's own lie in its folders KIND/NAME
    parallel: int

    def prepared(self, name: str, pairs: Sequence[Pair]) -> Prepare:
        """The requests of a method. Raises UnknownMethod."""
        method = parse(name)
        generation = compose(method.generation, self.parts.host)
        made, notes = list[tuple[Pair, Prepared]](), list[str]()
        try:
            for pair in pairs:
                plain = self.author.request(pair.asked.text, pair.id)
                assert pair.profile is not None
                prepared = generation.prepare(plain, self._people[pair.profile.name])
                if method.agent is not None or is_moved(prepared, plain):
                    made.append((pair, prepared))
                else:
                    notes += prepared.notes or ("It left the request as it was.",)
        except (BadInput, WeightsError) as missing:
            return Prepare(method, (), str(missing))
        return Prepare(method, made, notes[0] if notes else "")

    def write(self, prepare: Prepare, n: int, run: Run) -> list[Draws]:
        """n answers to each pair, of an agent its drafts and revisions; what was written before is read back."""
        method = prepare.method
        names = {pair.profile.name for pair in prepare.pairs if pair.profile is not None}
        key = {
            **self._key(method.name, n),
            "people": sha256(repr([(name, self._people[name]) for name in sorted(names)]).encode()).hexdigest(),
            "code": code_version(*CODE, *(CODE_OF_AGENTS if method.agent else ())),
        }

        def written(index: int) -> Draws:
            pair, prepared = prepare.made[index]
            if method.agent is not None:
                return self._by_agent(method, pair, prepared, n)
            return self.author.write(prepared.request, n)

        rows = Rows(f"{method.name}-{n}", Draws, key, [pair.id for pair in prepare.pairs])
        return run.rows(rows, written, workers=max(1, self.parallel // n))

    def plain(self, pairs: Sequence[Pair], n: int, run: Run, *, is_open: bool) -> list[Draws]:
        """n answers to each request by the model alone, or by the same model open."""
        author = replace(self.author, model=self.parts.inside, answers=None) if is_open else self.author

        def written(index: int) -> Draws:
            return author.write(author.request(pairs[index].asked.text, pairs[index].id), n)

        name = f"{PLAIN}-open-{n}" if is_open else f"{PLAIN}-{n}"
        key = {**self._key(PLAIN, n), "open": is_open, "code": code_version(*CODE)}
        rows = Rows(name, Draws, key, [pair.id for pair in pairs])
        return run.rows(rows, written, workers=max(1, self.parallel // n))

    def _key(self, method: str, n: int) -> dict[str, JsonValue]:
        return {**self.author.key, "method": method, "n": n, "adapters": str(self.adapters)}

    @cached_property
    def _people(self) -> dict[str, Person]:
        """All that is known of each, with an adapter of theirs where there is one."""
        return {profile.name: self._person(profile) for profile in profiles()}

    def _person(self, profile: Profile) -> Person:
        found = profile.person(self.parts.learner.space)
        if self.adapters is None:
            return found
        own = {kind: self.adapters / kind / profile.name for kind in KINDS}
        return replace(found, adapters={kind: folder for kind, folder in own.items() if folder.is_dir()})

    def _by_agent(self, method: Method, pair: Pair, prepared: Prepared, n: int) -> Draws:
        assert pair.profile is not None
        learner = self.parts.learner
        belief = pair.profile.belief(learner.reward, learner.space)
        turn = turn_of(self.parts, method, prepared, belief, n, pair.profile.said)
        return Draws.of(self._writing.completions(turn, lambda *_: None, None))

    @cached_property
    def _writing(self) -> Writing:
        parts = self.parts
        return Writing(parts, Choosing(parts.boundary, parts.learner.reward, parts.told, parts.settings.kappa))
