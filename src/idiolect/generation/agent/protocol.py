"""What an agent is, and what it may do for one turn: write, have texts judged, look up, propose."""

from collections.abc import Sequence
from typing import ClassVar, Protocol, Self

from idiolect.generation.agent.criticising import Tastes
from idiolect.models.protocol import OnCompletion, Request
from idiolect.reward.judged import Judged
from idiolect.schema import Completion, Preference, Round


class Desk(Protocol):
    """One turn of one person, as an agent sees it. What it does here stands in the trace."""

    @property
    def takes_tools(self) -> bool:
        """Whether the model may be offered tools."""

    @property
    def tastes(self) -> Tastes:
        """What is believed of the person, for this prompt."""

    @property
    def statements(self) -> Sequence[Preference]:
        """What was recalled of the person, and what was looked up since."""

    def complete(self, request: Request, n: int = 1) -> Sequence[Completion]:
        """As the model writes them; what it takes is counted. Raises as `Model.complete` does."""

    def judged(self, texts: Sequence[str]) -> Judged:
        """As the loop will judge them: by the client's own messages and the texts, then by r_u with the statements."""

    def is_about(self, text: str, answer: str) -> bool:
        """Whether a text is still about what was asked, or what the answer to it says."""

    def search(self, query: str) -> Sequence[Preference]:
        """What is remembered of the person that bears on a query and may go to this model."""

    def propose(self, text: str) -> str:
        """Propose something to be remembered, for the person to decide; what came of it, in a sentence for a model."""

    def tell(self) -> None:
        """Something of the person is about to stand in what the model is asked."""

    def revised(self, made: Round) -> None:
        """A round is over."""

    def note(self, sentence: str) -> None:
        """Say something in the trace. Never a person's words."""


class Workflow(Protocol):
    """An agent of the room. Safe in threads: a turn's state is the desk's."""

    family: ClassVar[str]

    @classmethod
    def open(cls, rounds: int) -> Self:
        """An agent that revises at most so many times."""

    def write(self, request: Request, desk: Desk, n: int, on_completion: OnCompletion) -> Sequence[Completion]:
        """At least n candidates, of which the loop chooses as the agent would; or the one question to ask instead.

        `on_completion` is called with each one's place as it is added. Raises as `Model.complete` does.
        """
