"""Generation: how a belief about a person reaches the model. One file per method, listed here by name."""

from collections.abc import Sequence
from dataclasses import dataclass

from idiolect.errors import UnknownMethod
from idiolect.generation.in_context import InContext
from idiolect.generation.plain import Plain
from idiolect.generation.profile_prompt import ProfilePrompt
from idiolect.generation.protocol import Generation, Host, Method, Person, Prepared
from idiolect.generation.token_values import TokenValues
from idiolect.models.protocol import Request

__all__ = ["GENERATION", "Generation", "Host", "Method", "Person", "Prepared", "TokenValues", "compose"]

GENERATION: dict[str, type[Method]] = {
    "plain": Plain,
    "profile": ProfilePrompt,
    "in-context": InContext,
    "token-values": TokenValues,
}


@dataclass(frozen=True)
class Chain:
    """Several methods, each preparing the request that the one before it made."""

    parts: tuple[Generation, ...]

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Apply each in turn."""
        prepared = Prepared(request)
        for part in self.parts:
            prepared = prepared.then(part.prepare(prepared.request, person))
        return prepared


def compose(names: Sequence[str], host: Host) -> Generation:
    """The methods of these names, opened for one model. Raises UnknownMethod."""
    for name in names:
        if name not in GENERATION:
            raise UnknownMethod(f"no generation method named {name!r}; there are: {', '.join(sorted(GENERATION))}")
    return Chain(tuple(GENERATION[name].open(host) for name in names))
