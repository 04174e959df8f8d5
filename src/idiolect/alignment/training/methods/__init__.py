"""The methods of training, by name. Importing this needs torch."""

from idiolect.alignment.training.methods.dpo import DPO
from idiolect.alignment.training.methods.group_dpo import GroupDPO
from idiolect.alignment.training.methods.maxmin import MaxMin
from idiolect.alignment.training.methods.modpo import MODPO
from idiolect.alignment.training.methods.p_dpo import PDPO
from idiolect.alignment.training.methods.panacea import Panacea
from idiolect.alignment.training.methods.policy_gradient import GRPO, RLOO
from idiolect.alignment.training.methods.ric import RiC
from idiolect.alignment.training.methods.sft import SFT
from idiolect.alignment.training.methods.soups import Soups
from idiolect.alignment.training.protocol import Method
from idiolect.alignment.training.settings import TrainingSettings

TRAINING: dict[str, type[Method[TrainingSettings]]] = {
    "sft": SFT,
    "dpo": DPO,
    "p-dpo": PDPO,
    "modpo": MODPO,
    "group-dpo": GroupDPO,
    "maxmin": MaxMin,
    "soups": Soups,
    "rewards-in-context": RiC,
    "rloo": RLOO,
    "grpo": GRPO,
    "panacea": Panacea,
}
