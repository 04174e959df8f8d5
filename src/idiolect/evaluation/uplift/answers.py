"""Everybody is answered every test prompt by every method, and their r* says how good the answers are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from idiolect.alignment.decoding import CHOOSERS
from idiolect.evaluation.pools import Draws, Written, measured
from idiolect.evaluation.protocol import Case, Run
from idiolect.evaluation.statistics import distinct, wins
from idiolect.evaluation.uplift.checking import Checks, opponents_of
from idiolect.evaluation.uplift.design import TAILORED, Design
from idiolect.evaluation.uplift.people import Sitting, kept_bytes, sittings
from idiolect.evaluation.uplift.scene import Scene
from idiolect.evaluation.uplift.tailoring import Tailor
from idiolect.evaluation.uplift.writing import Answered, Tailoring, Writer, timed
from idiolect.method import Method, parse
from idiolect.schema import Array

PLAIN = ((), ("plain",))
COSTS = ("calls", "prompt_tokens", "written_tokens", "seconds")


@dataclass(frozen=True)
class Offer:
    """Candidates with their phi (n, d), the plain answers that the chosen one is held against, and what it took."""

    candidates: Draws
    phi: Array
    opponents: Draws
    costs: dict[str, float]


@dataclass(frozen=True)
class Shown:
    """The answer that a method shows at one sitting."""

    at: Sitting
    answer: Written
    place: int  # among the candidates
    offer: Offer


@dataclass
class Answering:
    """Writes what several methods share once."""

    design: Design
    scene: Scene
    run: Run
    written: dict[tuple[str, ...], list[Answered]] = field(default_factory=dict)

    def cases(self) -> Iterable[Case]:
        """One for each method, person, stage and test prompt."""
        tailor, checks = Tailor(self.design, self.scene, self.run), Checks(self.scene, self.run)
        for name in self.design.named:
            method = parse(name)
            asked = sittings(self.design, self.scene, method)
            people = list(dict.fromkeys(at.person.name for at in asked))
            made: Tailoring = {person: {} for person in people}
            for kind in sorted(TAILORED.intersection(method.generation)):
                for person, each in tailor.made(kind, people).items():
                    made[person][kind] = each
            shown = [
                self._shown(method, at, offer)
                for at, offer in zip(asked, self._offers(method, asked, made), strict=True)
            ]
            yield from _cases(name, shown, made, self.scene, checks)

    def _offers(self, method: Method, asked: Sequence[Sitting], made: Tailoring) -> list[Offer]:
        if method.agent is None and method.generation in PLAIN:
            n = min(method.candidates or 1, self.design.candidates)
            found = timed(self.design, self.scene, self.run, n)
            costs = {name: float(np.mean([getattr(each, name) for each in found])) for name in COSTS}
            return [self._pooled(at, n, costs) for at in asked]
        drawn = self._written(method, asked, made)
        n = 1 if method.agent else method.candidates or 1
        candidates = [Draws(answers=each.answers[:n]) for each in drawn]
        phi = measured("phi", candidates, self.scene.space, self.scene.embedder, self.run)
        plain = [self.scene.plain[at.prompt] for at in asked]
        costs_of = [self._costs(each, n) for each in drawn]
        return [Offer(*each) for each in zip(candidates, phi, plain, costs_of, strict=True)]

    def _written(self, method: Method, asked: Sequence[Sitting], made: Tailoring) -> list[Answered]:
        """As many answers as the greediest method of this generation chooses among; an agent writes for itself."""
        key = (*method.generation, *((method.agent, str(method.candidates)) if method.agent else ()))
        if key not in self.written:
            same = [method] if method.agent else [parse(name) for name in self.design.named]
            alike = [each for each in same if each.generation == method.generation and each.agent == method.agent]
            n = max(each.candidates or 1 for each in alike)
            self.written[key] = Writer(self.design, self.scene, self.run, method, n, made).answers(asked)
        return self.written[key]

    def _pooled(self, at: Sitting, n: int, costs: dict[str, float]) -> Offer:
        """Candidates and opponents from one pool, never the same answer, and split anew for every person and prompt."""
        rng = np.random.default_rng((self.design.seed, at.prompt, *at.person.name.encode()))
        pool = self.scene.plain[at.prompt]
        order = rng.permutation(self.design.candidates + self.design.opponents).tolist()
        mine, others = order[:n], order[self.design.candidates :]
        return Offer(pool.picked(mine), self.scene.phi[at.prompt, mine], pool.picked(others), costs)

    def _costs(self, each: Answered, n: int) -> dict[str, float]:
        """Of n of the answers, where more were written for another method: the others' tokens and time left out."""
        share = 1.0
        if each.answers[n:]:
            share = sum(answer.tokens for answer in each.answers[:n]) / max(1, each.written_tokens)
        return {
            "calls": float(each.calls),
            "prompt_tokens": float(each.prompt_tokens),
            "written_tokens": share * each.written_tokens,
            "seconds": share * each.seconds,
            "unmoved": float(not each.moved),
        }

    def _shown(self, method: Method, at: Sitting, offer: Offer) -> Shown:
        scores = self.scene.reward.score(at.stage.belief, offer.phi)
        chosen = CHOOSERS[method.chooser](scores, [True] * len(offer.phi), self.design.kappa) or 0
        return Shown(at, offer.candidates.answers[chosen], chosen, offer)


def _cases(name: str, shown: Sequence[Shown], made: Tailoring, scene: Scene, checks: Checks) -> Iterable[Case]:
    method = parse(name)
    likely = checks.likely([(each.at.prompt, each.answer) for each in shown])
    refused = checks.refused([(each.at.prompt, each.answer.text) for each in shown])
    for each, nll, no in zip(shown, likely, refused, strict=True):
        at, pool = each.at, scene.plain[each.at.prompt]
        reward = float(at.person.reward([each.answer.text])[0])
        own = made.get(at.person.name, {})
        scores = {
            "win": float(wins(np.array(reward), at.person.reward(each.offer.opponents.texts)).mean()),
            "reward": reward,
            "fit": at.person.fit,
            "tokens": each.answer.tokens,
            "repetition": each.answer.repetition,
            "plain_repetition": float(np.mean([plain.repetition for plain in pool.answers])),
            "distinct": distinct([each.answer.text]),
            "plain_distinct": float(np.mean([distinct([text]) for text in pool.texts])),
            "refused": no,
            "plain_refused": checks.plain_refused[at.prompt],
            "bytes": float(kept_bytes(method, at, own)),
            **each.offer.costs,
        }
        if own:
            scores["train_s"] = sum(one.seconds for one in own.values())
        if nll is not None and (plain := opponents_of(pool)):
            scores |= {"nll": nll, "plain_nll": float(np.mean(plain))}
        yield Case(
            id=f"{at.person.name}/{name}@{at.count}/{at.prompt}",
            group=at.person.name,
            scores=scores,
            choice=str(each.place),
        )
