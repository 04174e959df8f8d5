"""What a method of training is, and what it is given."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, TypeAlias, TypeVar

from idiolect.alignment.training.data import Pair, Split
from idiolect.alignment.training.items import Item, Said, Tokens
from idiolect.alignment.training.settings import TrainingSettings
from idiolect.errors import BadInput
from idiolect.schema import Array

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from idiolect.alignment.training.inner.course import Stage
    from idiolect.alignment.training.inner.policy import Policy

S_co = TypeVar("S_co", bound=TrainingSettings, covariant=True)
Scorer: TypeAlias = Callable[[str, Sequence[str]], Array]  # a prompt and answers (n) -> (n,), an objective's rewards
INSTEAD = (
    "until then `idiolect adapters train -u USER` learns from 20 choices of one person, and "
    "`--method profile+token-values` from any"
)


@dataclass
class Job:
    """What a training works with. `notes` are what its user should know."""

    data: Split
    tokens: Tokens
    network: "Callable[[], PreTrainedModel]"  # as it was published, loaded anew at every call
    scorers: Mapping[str, Scorer] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def pair(self, pair: Pair, user: int = 0, profile: str = "") -> tuple[Said, Said]:
        """The preferred answer and the other."""
        prompt = self.tokens.prompt(pair.prompt, profile)
        return (
            Said(prompt, self.tokens.answer(pair.chosen), user),
            Said(prompt, self.tokens.answer(pair.rejected), user),
        )

    def number(self, user: str) -> int:
        """Of a person, from 1; 0 for one that nothing is trained on."""
        return self._numbers.get(user, 0)

    def __post_init__(self) -> None:
        self._numbers = {name: at + 1 for at, name in enumerate(self.data.users)}


class Method(ABC, Generic[S_co]):
    """A method: settings, and courses of training one after the other. It is opened once for each run."""

    Settings: ClassVar[type[TrainingSettings]]
    instead: ClassVar[str] = INSTEAD  # what to use where there is too little data

    def __init__(self, settings: S_co) -> None:
        self.settings = settings

    def check(self, job: Job) -> None:
        """Raises BadInput where the data do not do, with the number that is needed and what to use instead."""
        enough(self, "pairs of answers", len(job.data.own), self.settings.least)

    @abstractmethod
    def stages(self, job: Job) -> "Iterator[Stage]":
        """The courses. A later one may begin from the policy of an earlier one, which is trained by then."""

    def courses(self, job: Job) -> int:
        """How many there will be."""
        return 1

    def held(self, job: Job) -> list[Item]:
        """What tells, when it is over, what was learnt: pairs, the preferred answer first."""
        return [Item(job.pair(pair), weight=pair.weight) for pair in job.data.held]

    def figures(self, job: Job, policy: "Policy") -> dict[str, float]:
        """Of its own, for the card."""
        return {}


def enough(method: Method[TrainingSettings], what: str, have: int, least: int) -> None:
    """Raises BadInput with the number needed, and what to use instead."""
    if have < least:
        raise BadInput(f"this training needs {least} {what}, and here are {have}: {method.instead}")
