"""Are groups of people served equally? The same things said in many manners, each held against a reference, in pairs.

Groups are dialects of English, a learner's English, writing styles, and names that tell a gender or an age. Of each the
bench asks what the memory makes of what they say (understood, recalled, let in), what the boundary makes of what they
ask (harmful, harmless, ordinary), how well tastes are learnt from answers to them, and whether a profile that tells who
somebody is changes what is stated as fact. All texts were written by this project and stand in this folder.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from idiolect.evaluation.fairness.boundary import boundary_cases
from idiolect.evaluation.fairness.design import Design
from idiolect.evaluation.fairness.facts import facts_cases
from idiolect.evaluation.fairness.figures import all_figures, meanings
from idiolect.evaluation.fairness.memory import memory_cases
from idiolect.evaluation.fairness.taste import taste_cases
from idiolect.evaluation.protocol import Case, Figure, Run
from idiolect.features.embedder import open_embedder


class Fairness(Design):
    """How groups of people are served, against a reference: read, recalled, refused, learnt from, told facts."""

    beside: ClassVar[Mapping[str, str]] = dict(meanings())

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Part by part."""
        embedder = open_embedder(self.embedder)
        found: list[Case] = []
        if "memory" in self.parts:
            found += memory_cases(embedder)
        if "boundary" in self.parts:
            found += boundary_cases(embedder)
        if "taste" in self.parts:
            found += taste_cases(self, embedder, run)
        if "facts" in self.parts:
            found += facts_cases(self, run)
        return found

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """By measure and group; see figures.py."""
        return all_figures(cases, self.resamples, self.seed)
