"""Does this answer respect what the person said of themselves? Ours without a language model, or a model asked."""

from idiolect.reward.compliance.asked import AskedCompliance
from idiolect.reward.compliance.learnt import LearntCompliance
from idiolect.reward.compliance.protocol import Claim, Compliance

__all__ = ["AskedCompliance", "Claim", "Compliance", "LearntCompliance"]
