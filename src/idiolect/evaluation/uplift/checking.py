"""What is measured of every answer that is shown: its likelihood under the plain model, and the boundary's verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from pydantic import JsonValue

from idiolect.errors import BadInput
from idiolect.evaluation.pools import Draws, Written
from idiolect.evaluation.protocol import Rows, Run
from idiolect.evaluation.runs import code_version
from idiolect.evaluation.uplift.scene import Scene
from idiolect.models import WhiteBox
from idiolect.schema import Message, Noun


class Likelihood(Noun):
    """Nats a token."""

    nll: float


class Admitted(Noun):
    """Whether the boundary lets an answer be shown."""

    admitted: bool


@dataclass(frozen=True)
class Checks:
    """Of answers to test prompts, each looked at once."""

    scene: Scene
    run: Run

    @cached_property
    def plain_refused(self) -> list[float]:
        """Of each test prompt, the share of plain answers that the boundary does not admit."""
        asked = [(at, text) for at, draws in enumerate(self.scene.plain) for text in draws.texts]
        shares = iter(self.refused(asked))
        return [sum(next(shares) for _ in draws.texts) / len(draws.texts) for draws in self.scene.plain]

    def refused(self, shown: Sequence[tuple[int, str]]) -> list[float]:
        """1 for each text that the boundary does not admit as an answer to a test prompt."""
        boundary = self.scene.parts.boundary

        def judge(index: int) -> Admitted:
            prompt, text = shown[index]
            asked = (Message(role="user", content=self.scene.prompts[prompt]),)
            return Admitted(admitted=boundary.admits(boundary.judge_answer(asked, text)))

        key = {"boundary": boundary.version, "code": code_version("boundary", "features")}
        rows = Rows("admitted", Admitted, key, [self._name(*each) for each in shown])
        return [float(not each.admitted) for each in self.run.rows(rows, judge)]

    def likely(self, shown: Sequence[tuple[int, Written]]) -> list[float | None]:
        """Nats a token under the plain model; None where neither the engine tells nor the model can be opened."""
        missing = [(at, each) for at, each in shown if each.nll is None]
        model = self._inside if missing else None
        if model is None:
            return [each.nll for _, each in shown]

        def read(index: int) -> Likelihood:
            prompt, answer = missing[index]
            asked = model.prompt_ids(self.scene.author.request(self.scene.prompts[prompt]).messages)
            is_cut = answer.tokens >= most  # an answer that was cut has no end, and is unlikely to have one there
            ids = model.tokenize(answer.text)
            with model.alone() as network:
                return Likelihood(nll=-network.mean_logprob(asked, ids if is_cut and ids else [*ids, model.end]))

        most = self.scene.author.sampling.max_tokens
        key: dict[str, JsonValue] = {
            "model": model.fingerprint,
            "system": self.scene.author.system,
            "longest": most,
            "code": code_version("models/white_box", "evaluation/uplift/checking.py"),
        }
        names = [self._name(at, each.text) for at, each in missing]
        found = dict(zip(names, self.run.rows(Rows("likelihood", Likelihood, key, names), read), strict=True))
        return [each.nll if each.nll is not None else found[self._name(at, each.text)].nll for at, each in shown]

    @cached_property
    def _inside(self) -> WhiteBox | None:
        try:
            return self.scene.parts.inside
        except BadInput:  # an endpoint, or a stand-in
            return None

    def _name(self, prompt: int, text: str) -> str:
        return sha256(f"{self.scene.prompts[prompt]}\x1e{text}".encode()).hexdigest()[:24]


def opponents_of(pool: Draws) -> list[float]:
    """Nats a token of plain answers, where the engine tells."""
    return [each.nll for each in pool.answers if each.nll is not None]
