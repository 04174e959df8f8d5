"""The methods of training, by name. Importing this needs torch."""

from idiolect.alignment.training.methods.dpo import DPO
from idiolect.alignment.training.methods.sft import SFT
from idiolect.alignment.training.protocol import Method
from idiolect.alignment.training.settings import TrainingSettings

TRAINING: dict[str, type[Method[TrainingSettings]]] = {
    "sft": SFT,
    "dpo": DPO,
}
