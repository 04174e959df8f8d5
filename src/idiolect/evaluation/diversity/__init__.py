"""Do answers narrow once a person is known? The spread of topics, words and views after a hundred turns.

Simulated people of hidden tastes choose between two answers a hundred times. Then they ask questions of opinion, each
twice, and are answered by the plain model, by a choice among its answers, and by the whole method. Of each person: how
far apart the answers to different questions are (mean cosine distance, and the effective number of topics, the Vendi
score), how far apart two answers to the same question are, how many pairs of words are different, how often two answers
take different views of the question (the nearer of two sentences, or neither), and how well the answers are liked.
Beside it a person who has said twenty things of other topics: what is recalled for the questions, and how many answers
mention it. A difference is paired by person, or question; intervals draw these.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

import numpy as np

from idiolect.errors import BadInput
from idiolect.evaluation.diversity.answering import ASKED, Scene, people_cases
from idiolect.evaluation.diversity.design import Design
from idiolect.evaluation.diversity.recalling import recall_cases
from idiolect.evaluation.diversity.texts import read_questions
from idiolect.evaluation.pools import Author, draw_pool
from idiolect.evaluation.protocol import Case, Figure, Run
from idiolect.evaluation.statistics import over_users, paired
from idiolect.features.embedder import open_embedder
from idiolect.features.space import PreferenceSpace
from idiolect.method import parse
from idiolect.models import LlamaCppSettings, open_model
from idiolect.parts import DEFAULT_SYSTEM
from idiolect.reward.gaussian import Gaussian
from idiolect.schema import Array, Sampling

PROMPT_TOKENS = 700  # with a profile before it
ARMS = ("choice", "profile")
MEASURES: Mapping[str, str] = {
    "topics_spread": "mean cosine distance of answers to different questions",
    "topics_number": "effective number of topics (Vendi score)",
    "answers_spread": "cosine distance of two answers to one question",
    "words": "different pairs of words over all",
    "views": "two answers to one question that take different sides",
    "sided": "answers that take a side",
    "liked": "what the answers are worth to the person, in standard deviations",
}


class Diversity(Design):
    """Whether answers narrow after a hundred turns: topics, words and views, with a profile and without."""

    beside: ClassVar[Mapping[str, str]] = {
        **MEASURES,
        "recalled": "questions for which something said of other topics is recalled",
        "recalled_pairs": "pairs of a question and something said of other topics",
        "mentions": "answers that mention something said of other topics",
    }

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Teach the people, answer them, and try recall."""
        embedder = open_embedder(self.embedder)
        if embedder is None:
            raise BadInput("the spread of answers is that of their embeddings: set the embedder to minilm")
        prompts = files("idiolect").joinpath("resources", "prompts.txt").read_text(encoding="utf-8").splitlines()
        llama = LlamaCppSettings(parallel=self.parallel, context=PROMPT_TOKENS + self.max_tokens)
        author = Author(
            open_model(self.model, llama=llama),
            Sampling(temperature=self.temperature, max_tokens=self.max_tokens),
            DEFAULT_SYSTEM,
        )
        try:
            questions = read_questions()
            space, answers = PreferenceSpace.shipped(), (parse(self.method).candidates or 1) * ASKED
            plain = draw_pool(author, [each.text for each in questions], answers, self.seed, run)
            scene = Scene(self, author, embedder, space, Gaussian.shipped(space), questions, plain, run)
            return [*people_cases(scene, prompts[: self.training]), *recall_cases(scene)]
        finally:
            author.model.close()

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """Of each measure the plain answers' own, and the difference that a choice and a profile make."""
        found: dict[str, Figure] = {}
        for measure in MEASURES:
            plain, people = _column(cases, "/plain", measure)
            found[f"{measure}/plain"] = over_users(plain, people, resamples=self.resamples, seed=self.seed)
            for arm in ARMS:
                own, _ = _column(cases, f"/{arm}", measure)
                found[f"{measure}/{arm}"] = paired(own, plain, people, resamples=self.resamples, seed=self.seed)
        for score in ("recalled", "recalled_pairs", "mentions_plain", "mentions"):
            values, questions = _column(cases, "", score)
            found[score] = over_users(values, questions, resamples=self.resamples, seed=self.seed)
        return found


def _column(cases: Sequence[Case], ending: str, score: str) -> tuple[Array, list[str]]:
    own = [case for case in cases if case.id.endswith(ending) and score in case.scores]
    return np.array([case.scores[score] for case in own]), [case.group for case in own]
