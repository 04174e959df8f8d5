"""Personal rewards r_u(x, y): what each person prefers, learnt from what they choose, rate, edit and say."""

from idiolect.reward.gaussian import Gaussian
from idiolect.reward.protocol import PersonalReward

PERSONAL: dict[str, type[PersonalReward]] = {"gaussian": Gaussian}
