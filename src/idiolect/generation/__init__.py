"""Generation: how a belief about a person reaches the model. One file per method, listed here by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from idiolect.errors import UnknownMethod
from idiolect.generation.bridge import Bridge
from idiolect.generation.edits import Edits
from idiolect.generation.encoding.soft_prompt import SoftPrompt
from idiolect.generation.encoding.steering import Steering
from idiolect.generation.encoding.style_vector import StyleVector
from idiolect.generation.in_context import InContext
from idiolect.generation.parameters.own import OwnLora
from idiolect.generation.parameters.pieces import Pieces
from idiolect.generation.parameters.soups import Soups, SoupsOfFactors
from idiolect.generation.plain import Plain
from idiolect.generation.profile_prompt import ProfilePrompt
from idiolect.generation.protocol import Generation, Host, Method, Person, Prepared
from idiolect.generation.retrieval import Retrieval
from idiolect.generation.system_text import SystemText
from idiolect.generation.token_values import TokenValues
from idiolect.models.protocol import Request

__all__ = ["GENERATION", "Generation", "Host", "Method", "Person", "Prepared", "TokenValues", "compose"]

GENERATION: dict[str, type[Method]] = {
    "plain": Plain,
    "profile": ProfilePrompt,
    "retrieval": Retrieval,
    "in-context": InContext,
    "bridge": Bridge,
    "edits": Edits,
    "token-values": TokenValues,
    "lora": OwnLora,
    "soups": Soups,
    "soups-factors": SoupsOfFactors,
    "pieces": Pieces,
    "steering": Steering,
    "style-vector": StyleVector,
    "soft-prompt": SoftPrompt,
}


@dataclass(frozen=True)
class Chain:
    """Several methods, each preparing the request that the one before it made."""

    parts: tuple[Generation, ...]
    system: SystemText

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Apply each in turn, to a conversation that leaves room for the answer."""
        fitted, left_out = self.system.fitted(request)
        prepared = Prepared(fitted, notes=(self._note(left_out),) if left_out else ())
        for part in self.parts:
            prepared = prepared.then(part.prepare(prepared.request, person))
        told = (prepared.request.messages, *prepared.request.inside.beside)
        return replace(prepared, is_told=any(messages != fitted.messages for messages in told))

    def _note(self, left_out: int) -> str:
        oldest = "oldest message was" if left_out == 1 else f"oldest {left_out} messages were"
        context = f"the model's context of {self.system.context} tokens"
        return f"The conversation is longer than {context}: its {oldest} left out."


def compose(names: Sequence[str], host: Host, known: Mapping[str, type[Method]] = GENERATION) -> Generation:
    """The methods of these names, of this room or of those that are known, opened for one model.

    Raises UnknownMethod.
    """
    for name in names:
        if name not in known:
            raise UnknownMethod(f"no generation method named {name!r}; there are: {', '.join(sorted(known))}")
    return Chain(tuple(known[name].open(host) for name in names), host.system_text)
