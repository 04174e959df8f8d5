"""From events to the statements that hold: duplicates merge, the newer one goes before, what was chosen fades."""

from idiolect.memory.consolidation.fold import Consolidated

__all__ = ["Consolidated"]
