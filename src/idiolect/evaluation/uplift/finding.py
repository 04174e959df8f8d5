"""Which method was best: the one that wins most against plain answers, of those that cost little fluency."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from idiolect.evaluation.protocol import Figure
from idiolect.evaluation.uplift.tables import by_stage
from idiolect.generation.found import Best, Found

MOST_RISE = 0.15  # of the negative log-likelihood a token under the plain model


def best_of(metrics: Mapping[str, Figure], default: str) -> tuple[Best, ...]:
    """By stage, the highest win-rate on the mean over the kinds of people; of stages with a written answer alone."""
    wins: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    spoilt, written = set[str](), set[int]()
    for (_, stage), rows in by_stage(metrics, default).items():
        for method, row in rows.items():
            wins[stage][method].append(row["win_vs_plain"].value)
            if "nll_rise" in row and row["nll_rise"].value > MOST_RISE:
                spoilt.add(method)
            if "unmoved" in row:
                written.add(stage)
    found = []
    for stage in sorted(written):
        means = {method: sum(own) / len(own) for method, own in wins[stage].items() if method not in spoilt}
        if means:
            method = max(means, key=lambda name: means[name])
            found.append(Best(evidence=stage, method=method, win=round(means[method], 3)))
    return tuple(found)


def note(path: Path, fingerprint: str, best: tuple[Best, ...]) -> None:
    """Write down what was found of a model, beside what the file says of others."""
    known = Found.load(path) if path.exists() else Found()
    Found(models={**known.models, fingerprint: best}).save(path)
