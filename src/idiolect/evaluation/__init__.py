"""Benches, simulated people, statistics and the demonstration. Nothing but the command uses this room."""

from idiolect.evaluation.latency import Latency
from idiolect.evaluation.locomo_recall import LocomoRecall
from idiolect.evaluation.prefeval_extract import PrefevalExtract
from idiolect.evaluation.prefeval_recall import PrefevalRecall
from idiolect.evaluation.protocol import Bench
from idiolect.evaluation.psoups import Psoups
from idiolect.evaluation.uplift import Uplift

BENCHES: dict[str, type[Bench]] = {
    "latency": Latency,
    "locomo-recall": LocomoRecall,
    "prefeval-extract": PrefevalExtract,
    "prefeval-recall": PrefevalRecall,
    "psoups": Psoups,
    "uplift": Uplift,
}
