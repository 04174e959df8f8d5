"""Idiolect: any large language model, adapted to each person it serves, inside limits that no preference can move."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idiolect.assistant import Assistant
    from idiolect.schema import Answer, Candidate, Feedback, Message, Profile, Sampling
    from idiolect.settings import Settings, load_settings

__all__ = [
    "Answer",
    "Assistant",
    "Candidate",
    "Feedback",
    "Message",
    "Profile",
    "Sampling",
    "Settings",
    "load_settings",
]

_HOMES = {"Assistant": "idiolect.assistant", "Settings": "idiolect.settings", "load_settings": "idiolect.settings"}

if not TYPE_CHECKING:  # the type checker is to see the names above, and no others

    def __getattr__(name: str) -> object:
        """Imported at first use, so that `idiolect --help` starts at once."""
        if name not in __all__:
            raise AttributeError(f"module 'idiolect' has no attribute {name!r}")
        return getattr(import_module(_HOMES.get(name, "idiolect.schema")), name)
