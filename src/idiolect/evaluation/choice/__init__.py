"""Which answer will this person prefer? Every family of personal rewards, on the same people, choices and features.

Simulated people of mixed tastes (people.py), half of whose reward functions lie outside our preference space, choose
between real answers of many language models. A method's shared part is fitted on the training people's choices, its
settings chosen on a quarter of them, as many tried for every method. Then people whom it has met, and people whom it
has not, are learnt from 0, 1, 2, 5, ... of their choices, and predicted on prompts that were chosen on and on others.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import numpy as np

from idiolect.evaluation.choice.answers import Material, open_material
from idiolect.evaluation.choice.contenders import contenders
from idiolect.evaluation.choice.design import Design
from idiolect.evaluation.choice.figures import COST, all_figures, of_predictions
from idiolect.evaluation.choice.judged import JUDGED, judged
from idiolect.evaluation.choice.people import SEEN, UNSEEN, Exam, Participant, exam, participants
from idiolect.evaluation.choice.plot import drawn
from idiolect.evaluation.choice.references import references
from idiolect.evaluation.choice.trial import Outcome, Scene, Tested, Trial
from idiolect.evaluation.protocol import Case, Figure, Run
from idiolect.reward.workers import Workers


class Choice(Design):
    """Accuracy, calibration and regret of every personal reward after 0 to 50 choices among real answers."""

    staged: ClassVar[bool] = True

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Everybody by every method at every stage."""
        assert data is not None  # the harness has asked for it
        material = open_material(self, data, run)
        people = participants(self, material, run)
        tested = [each for at, each in enumerate(people) if each.group == UNSEEN or at < self.evaluated]
        exams = self._exams(material, tested)
        found = list[Case]()
        for name, rows in references(self, material, tested, exams).items():
            found += _cases(name, tested, rows, exams)
        scene, default = Scene(self, material, people, exams), dict[str, Outcome]()
        for trial, outcomes, seconds in self._trials(scene, run):
            for at, stage in enumerate(self.stages):
                rows = [{UNSEEN: each.stages[at].unseen, SEEN: each.stages[at].seen} for each in outcomes]
                found += _cases(f"{trial.contender.name}@{stage}", tested, rows, exams)
            found += _costs(trial, outcomes, seconds)
            if trial.contender.name == self.default:
                default = {who.name: outcome for who, outcome in zip(scene.tested, outcomes, strict=True)}
        return [*found, *judged(scene, default, run)] if self.judge else found

    @property
    def unmeasured(self) -> str:
        """The rewards that ask a language model, where none was named."""
        return "" if self.judge else f"not run: {', '.join(JUDGED)}; they ask a model: --set judge=NAME"

    def _trials(self, scene: Scene, run: Run) -> list[tuple[Trial, list[Outcome], float]]:
        """Of every method; as many are under way as there are workers, so that none waits for the last of a method."""
        trials = [Trial(scene, each) for each in contenders(self.methods, self.tried)]
        with Workers(self.workers, scene) as workers, ThreadPoolExecutor(workers.count) as threads:

            def tried(trial: Trial) -> tuple[Trial, list[Outcome], float]:
                return trial, trial.run(run, workers), trial.fit_seconds(run, workers)

            return list(threads.map(tried, trials))

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """By method, measure and stage."""
        return all_figures(self, cases)

    def drawn(self, metrics: Mapping[str, Figure]) -> str:
        """Accuracy against the number of choices."""
        return drawn(metrics, self.default)

    def _exams(self, material: Material, tested: Sequence[Participant]) -> dict[str, Exam]:
        kinds = {
            UNSEEN: (self.tests, self.rankings, range(material.seen, len(material.sheets))),
            SEEN: (-(-self.tests // 2), -(-self.rankings // 2), range(material.seen)),
        }
        return {f"{each.name}/{kind}": exam(each, material, *asked) for each in tested for kind, asked in kinds.items()}


def _cases(
    name: str, tested: Sequence[Participant], rows: Sequence[Mapping[str, Tested]], exams: Mapping[str, Exam]
) -> Iterator[Case]:
    """Of a method at a stage. People who were met and people who were not are binned apart, and so are the prompts."""
    for kind in (UNSEEN, SEEN):
        for group in (UNSEEN, SEEN):
            at = [number for number, who in enumerate(tested) if who.group == group]
            likely = [exams[f"{tested[number].name}/{kind}"].pairs.p for number in at]
            p = [np.array(rows[number][kind].p) for number in at]
            for number, scores in zip(at, of_predictions(p, likely), strict=True):
                scores["regret"] = float(np.mean(rows[number][kind].regret))
                who = tested[number].name
                yield Case(id=f"{who}/{name}/{kind}", group=who, scores=scores, choice=kind)


def _costs(trial: Trial, outcomes: Sequence[Outcome], fit_seconds: float) -> Iterator[Case]:
    """What each person takes at the last stage, and what the shared part took."""
    name = trial.contender.name
    yield Case(id=f"all/{name}/{COST}", group="all", scores={"fit_seconds": fit_seconds}, choice=COST)
    for who, outcome in zip(trial.scene.tested, outcomes, strict=True):
        last = outcome.stages[-1]
        scores = {"add_user_ms": last.seconds * 1000, "bytes_a_user": float(last.bytes)}
        yield Case(id=f"{who.name}/{name}/{COST}", group=who.name, scores=scores, choice=COST)
