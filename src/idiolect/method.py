"""A method by name, such as `token-values+agent+best-of-4`: generation methods, an agent, a number of candidates."""

import re
from dataclasses import dataclass

from idiolect.alignment.decoding import CHOOSERS
from idiolect.errors import BadInput, UnknownMethod
from idiolect.generation import GENERATION
from idiolect.generation.agent import AGENTS
from idiolect.memory.reading import Reading
from idiolect.schema import MethodChosen

AUTOMATIC = "auto"  # what suits the model and the person
MOST_CANDIDATES = 16  # beyond this, best-of-N learns to please the reward's errors


@dataclass(frozen=True)
class Method:
    """What to do with a request; `candidates` is None where the name does not say."""

    generation: tuple[str, ...]
    candidates: int | None = None
    agent: str | None = None  # who writes with the request; None: the model alone
    chooser: str = "best-of"  # who picks one of several

    @property
    def name(self) -> str:
        """The name that would be parsed to this method."""
        best_of = () if self.candidates in (None, 1) else (f"{self.chooser}-{self.candidates}",)
        agent = () if self.agent is None else (self.agent,)
        return "+".join((*self.generation, *agent, *best_of)) or "plain"


def chosen_for(person: Reading) -> str | None:
    """The name of the method that was chosen for one person; None: as the settings say."""
    for recorded in person.newest("method", most=1):
        if isinstance(recorded.event, MethodChosen):
            return recorded.event.method
    return None


def without_agent(name: str) -> Method:
    """One that only prepares a request. Raises BadInput for one that writes in several steps, and UnknownMethod."""
    method = parse(name)
    if method.agent is not None:
        raise BadInput(f"{name} writes in several steps, which is not measured here: leave out {method.agent!r}")
    return method


def parse(name: str) -> Method:
    """Raises UnknownMethod, listing the names there are."""
    generation: list[str] = []
    candidates: int | None = None
    agent: str | None = None
    chooser = "best-of"
    for part in name.split("+"):
        if (match := re.fullmatch(r"(.+)-(\d{1,3})", part)) and match[1] in CHOOSERS:
            chooser, candidates = match[1], int(match[2])
            if not 1 <= candidates <= MOST_CANDIDATES:
                raise UnknownMethod(f"{part}: choose among 1 to {MOST_CANDIDATES} candidates")
        elif part in GENERATION:
            generation.append(part)
        elif part in AGENTS:
            agent = part
        else:
            names = ", ".join([*sorted([*GENERATION, *AGENTS]), *(f"{each}-N" for each in CHOOSERS)])
            raise UnknownMethod(f"no method named {part!r}; there are: auto, {names}, joined by '+'")
    return Method(tuple(generation), candidates, agent, chooser)
