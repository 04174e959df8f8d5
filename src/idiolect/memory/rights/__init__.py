"""What a person may do with their own memory: see it, take it along, forget parts of it, have all of it erased."""

from idiolect.memory.rights.auditing import AuditLine, audited
from idiolect.memory.rights.erasing import erase
from idiolect.memory.rights.forgetting import forget, forget_period, forget_source, forget_topic
from idiolect.memory.rights.receipt import Caches, Receipt
from idiolect.memory.rights.transfer import Restored, export, import_again

__all__ = [
    "AuditLine",
    "Caches",
    "Receipt",
    "Restored",
    "audited",
    "erase",
    "export",
    "forget",
    "forget_period",
    "forget_source",
    "forget_topic",
    "import_again",
]
