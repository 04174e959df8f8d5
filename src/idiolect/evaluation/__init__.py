"""Benches, simulated people, statistics and the demonstration. Nothing but the command uses this room."""

from idiolect.evaluation.adapters import AdapterCosts
from idiolect.evaluation.choice import Choice
from idiolect.evaluation.compliance import ComplianceBench
from idiolect.evaluation.decoders import Decoders
from idiolect.evaluation.diversity import Diversity
from idiolect.evaluation.drift import DriftBench
from idiolect.evaluation.elicitation import Elicitation
from idiolect.evaluation.fairness import Fairness
from idiolect.evaluation.flattery import Flattery
from idiolect.evaluation.footprint import Footprint
from idiolect.evaluation.latency import Latency
from idiolect.evaluation.locomo_recall import LocomoRecall
from idiolect.evaluation.lore_official import LoreOfficial
from idiolect.evaluation.prefeval_extract import PrefevalExtract
from idiolect.evaluation.prefeval_recall import PrefevalRecall
from idiolect.evaluation.profiles import Profiles
from idiolect.evaluation.protocol import Bench
from idiolect.evaluation.psoups import Psoups
from idiolect.evaluation.reward_speed import RewardSpeed
from idiolect.evaluation.safety import Safety
from idiolect.evaluation.side_by_side import SideBySide
from idiolect.evaluation.steering import Steering
from idiolect.evaluation.toy_training import ToyTraining
from idiolect.evaluation.toy_world import ToyWorld
from idiolect.evaluation.transfer import Transfer
from idiolect.evaluation.uplift import Uplift

BENCHES: dict[str, type[Bench]] = {
    "adapters": AdapterCosts,
    "choice": Choice,
    "compliance": ComplianceBench,
    "decoders": Decoders,
    "diversity": Diversity,
    "drift": DriftBench,
    "elicitation": Elicitation,
    "fairness": Fairness,
    "flattery": Flattery,
    "footprint": Footprint,
    "latency": Latency,
    "locomo-recall": LocomoRecall,
    "lore-official": LoreOfficial,
    "peers": SideBySide,
    "prefeval-extract": PrefevalExtract,
    "prefeval-recall": PrefevalRecall,
    "profiles": Profiles,
    "psoups": Psoups,
    "reward-speed": RewardSpeed,
    "toy-training": ToyTraining,
    "toy-world": ToyWorld,
    "transfer": Transfer,
    "safety": Safety,
    "steering": Steering,
    "uplift": Uplift,
}
