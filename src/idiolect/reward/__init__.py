"""Personal rewards r_u(x, y): what each person prefers, learnt from what they choose, rate, edit and say."""

from idiolect.reward.adapter import Adapter
from idiolect.reward.dpa import DPA
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.gpo import GPO
from idiolect.reward.judge import Judge
from idiolect.reward.lore import LoRe
from idiolect.reward.pal_a import PALA
from idiolect.reward.pal_b import PALB
from idiolect.reward.pref import PReF
from idiolect.reward.prlhf import PRLHF
from idiolect.reward.protocol import PersonalReward
from idiolect.reward.synthesizeme import SynthesizeMe
from idiolect.reward.universal import Universal
from idiolect.reward.vpl import VPL

PERSONAL: dict[str, type[PersonalReward]] = {
    "adapter": Adapter,
    "dpa": DPA,
    "gaussian": Gaussian,
    "gpo": GPO,
    "judge": Judge,
    "lore": LoRe,
    "pal-a": PALA,
    "pal-b": PALB,
    "pref": PReF,
    "prlhf": PRLHF,
    "synthesizeme": SynthesizeMe,
    "universal": Universal,
    "vpl": VPL,
}
