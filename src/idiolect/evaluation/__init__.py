"""Benches, simulated people, statistics and the demonstration. Nothing but the command uses this room."""

from idiolect.evaluation.latency import Latency
from idiolect.evaluation.prefeval_extract import PrefevalExtract
from idiolect.evaluation.protocol import Bench
from idiolect.evaluation.psoups import Psoups
from idiolect.evaluation.uplift import Uplift

BENCHES: dict[str, type[Bench]] = {"latency": Latency, "prefeval-extract": PrefevalExtract, "psoups": Psoups, "uplift": Uplift}
