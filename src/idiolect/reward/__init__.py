"""Personal rewards r_u(x, y): what each person prefers, learnt from what they choose, rate, edit and say."""

from idiolect.reward.attribute_weighted import DPA, PReF
from idiolect.reward.gaussian import Gaussian
from idiolect.reward.gpo import GPO
from idiolect.reward.lore import LoRe
from idiolect.reward.pal import PALA, PALB
from idiolect.reward.protocol import PersonalReward
from idiolect.reward.universal import Universal
from idiolect.reward.vpl import VPL

PERSONAL: dict[str, type[PersonalReward]] = {
    "dpa": DPA,
    "gaussian": Gaussian,
    "gpo": GPO,
    "lore": LoRe,
    "pal-a": PALA,
    "pal-b": PALB,
    "pref": PReF,
    "universal": Universal,
    "vpl": VPL,
}
