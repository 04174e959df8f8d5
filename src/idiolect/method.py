"""A method by name, such as `token-values+agent+best-of-4`: generation methods, an agent, a number of candidates."""

from dataclasses import dataclass

from idiolect.alignment.decoding import CHOOSERS, METHODS, WRITERS
from idiolect.errors import BadInput, UnknownMethod
from idiolect.memory.reading import Reading
from idiolect.schema import MethodChosen

PLAIN = "plain"  # the model as it is
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
        return "+".join((*self.generation, *agent, *best_of)) or PLAIN


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
    """Raises UnknownMethod, listing the names there are, and for names that cannot stand together."""
    generation: list[str] = []
    agents: list[str] = []
    choosing: list[tuple[str, int]] = []
    for part in name.split("+"):
        if part in METHODS:
            generation.append(part)
        elif part in WRITERS:
            agents.append(part)
        elif (said := _choosing(part)) is not None:
            choosing.append(said)
        else:
            names = ", ".join([*sorted([*METHODS, *WRITERS]), *(f"{each}-N" for each in CHOOSERS)])
            raise UnknownMethod(f"no method named {part!r}; there are: auto, {names}, joined by '+'")
    _check(name, [*generation, *agents], choosing)
    chooser, candidates = choosing[0] if choosing else ("best-of", None)
    return Method(tuple(generation), candidates, agents[0] if agents else None, chooser)


def _choosing(part: str) -> tuple[str, int] | None:
    """Who picks, and among how many. Raises UnknownMethod for a number that cannot be."""
    chooser, _, number = part.rpartition("-")
    if part in CHOOSERS or (chooser in CHOOSERS and not number.isdecimal()):
        named = chooser if chooser in CHOOSERS else part
        raise UnknownMethod(f"{part}: write a number, such as {named}-8")
    if chooser not in CHOOSERS:
        return None
    if not 1 <= int(number) <= MOST_CANDIDATES:
        raise UnknownMethod(f"{part}: choose among 1 to {MOST_CANDIDATES} candidates")
    return chooser, int(number)


def _check(name: str, writing: list[str], choosing: list[tuple[str, int]]) -> None:
    """Raises UnknownMethod for what is named twice, and for the model as it is beside what changes it."""
    twice = next((each for each in writing if writing.count(each) > 1), None)
    if twice is not None:
        raise UnknownMethod(f"{name}: {twice!r} is named twice; once is enough")
    if len(choosing) > 1:
        raise UnknownMethod(f"{name}: two numbers of candidates are named; leave one of them")
    if PLAIN in writing and len(writing) > 1:
        raise UnknownMethod(
            f"{name}: {PLAIN!r} is the model as it is, so no other way of writing can stand beside it; leave one out"
        )
