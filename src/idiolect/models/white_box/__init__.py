"""The white box: a transformers model whose logits, hidden states, prompts, layers and adapters are open."""

from idiolect.models.white_box.engine import WhiteBox
from idiolect.models.white_box.settings import WhiteBoxSettings

__all__ = ["WhiteBox", "WhiteBoxSettings"]
