"""Plain: the model as it is. The baseline of every comparison; it ignores who asks.

    y ~ pi(. | x)

Shared: the model.  Per user: nothing.
"""

from typing import ClassVar, Self

from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.models.protocol import Request


class Plain:
    """Passes the request on unchanged."""

    family: ClassVar[str] = "prompting"

    @classmethod
    def open(cls, host: Host) -> Self:
        """The same for every model."""
        return cls()

    def prepare(self, request: Request, person: Person) -> Prepared:
        """The request itself."""
        return Prepared(request)
