"""How much better personalized answers are: win-rate against independent plain answers, for people of hidden taste.

People are simulated: half have tastes inside the preference space, half outside. Each gives feedback, choices between
two plain answers to training prompts, and is then answered test prompts that nobody gave feedback on. Methods are
named as in requests: `best-of-8` chooses among eight plain answers of a pool, `token-values` writes one, and so on;
methods of equal generation share their answers. An answer is held by r* against several plain answers to the same
prompt, of the same temperature and system text, drawn independently of it; ties count half. Intervals draw users.
Whatever a method writes goes through the product's own parts, so that it is measured as it answers people.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from idiolect.evaluation.protocol import Case, Figure, Report, Run
from idiolect.evaluation.uplift.answers import Answering
from idiolect.evaluation.uplift.design import Design
from idiolect.evaluation.uplift.figures import all_figures
from idiolect.evaluation.uplift.finding import best_of, note
from idiolect.evaluation.uplift.scene import open_parts, set_scene
from idiolect.evaluation.uplift.statements import answer_statements
from idiolect.evaluation.uplift.tables import side_by_side


class Uplift(Design):
    """Win-rate of personalized answers against plain ones, for simulated people inside and outside the space."""

    def cases(self, data: Path | None, run: Run) -> list[Case]:
        """Draw the pool, teach everybody, answer everybody."""
        assert data is not None  # the harness has asked for it
        _ = self.named  # what can't be measured is said before anything is drawn
        parts = open_parts(self)
        try:
            scene = set_scene(self, data, run, parts)
            cases = [*Answering(self, scene, run).cases(), *answer_statements(self, scene, run)]
            if self.found is not None:
                note(self.found, parts.model.fingerprint, best_of(all_figures(self, cases), self.named[0]))
            return cases
        finally:
            parts.close()

    def tables(self, report: Report) -> list[Table]:
        """A line for each method, and under them what is not of a method."""
        return list(side_by_side(report.metrics, self.named[0]))

    def figures(self, cases: Sequence[Case]) -> dict[str, Figure]:
        """By kind of people, measure, pieces of feedback and method; the default method's have no suffix."""
        return all_figures(self, cases)
