"""Retrieval: past texts of the person, near to the question, stand in the prompt (LaMP, Salemi et al., 2304.11406).

    y ~ pi(. | R(x, P_u, k), x),   R in {BM25, dense, recency}

P_u are the texts that the person wrote or preferred, and other turns with their answers, the newest 200; what this
conversation says already is none of them. The nearest stand first.
Shared: the template, the embedder.  Per user: P_u.  Cold start, or k = 0: plain.
"""

from collections.abc import Sequence
from typing import ClassVar, Self

from idiolect.explain import day
from idiolect.generation.nearest import LACKING, Embed, nearest
from idiolect.generation.protocol import Host, Person, Prepared
from idiolect.generation.system_text import SystemText, is_same, one_line, question, template
from idiolect.memory.quotable import PastText
from idiolect.models.protocol import Request
from idiolect.prompting import OfRetrieval

TEMPLATE = "retrieval-1"
LONGEST = 400  # characters of each text
TOLD = {
    "answered": "you answered",
    "preferred": "the answer that they preferred was",
    "written": "they wrote in the answer's place",
}
NAMED = {"bm25": "words", "dense": "meaning", "recency": "time"}


class Retrieval:
    """Shows the model the k past texts that are nearest to the question."""

    family: ClassVar[str] = "prompting"

    def __init__(self, system: SystemText, settings: OfRetrieval | None = None, embed: Embed | None = None) -> None:
        self.system = system
        self.settings = settings or OfRetrieval()
        self.embed = embed

    @classmethod
    def open(cls, host: Host) -> Self:
        """Counts tokens as the host's model does."""
        return cls(host.system_text, host.prompting.retrieval, host.embed)

    def prepare(self, request: Request, person: Person) -> Prepared:
        """Append the nearest texts to the system message; with none nothing changes."""
        texts = [each for each in profile(person) if not _stands_in(request, each)]
        if not texts or not self.settings.k:
            return Prepared(request)
        order = nearest(self.settings.by, question(request), texts, self.embed)[: self.settings.k]
        near = [texts[i] for i in order]
        text, kept = self.system.filled(request, self.settings.budget_tokens, near, _rendered)
        if not kept:
            return Prepared(request)
        turns = tuple(each.turn for each in near[:kept] if each.turn is not None)
        return Prepared(self.system.add(request, text), notes=(self._note(kept),), turns=turns)

    def _note(self, shown: int) -> str:
        by = self.settings.by if self.embed is not None else LACKING.get(self.settings.by, self.settings.by)
        instead = ", since there is no embedder" if by != self.settings.by else ""
        told = f"{shown} of their texts, found by {NAMED[by]}{instead}"
        return f"The model was shown {told} (template {TEMPLATE})."


def profile(person: Person) -> Sequence[PastText]:
    """P_u; of a person whose turns are not kept, the answers that they preferred."""
    return person.texts or [PastText(asked, chosen, "preferred") for asked, chosen, _ in person.choices]


def _stands_in(request: Request, past: PastText) -> bool:
    """Whether the conversation has it, as question or as answer: the target itself is never in P_u."""
    said = (message.text for message in request.messages if message.role in ("user", "assistant"))
    return any(is_same(each, past.asked) or is_same(each, past.text) for each in said)


def _rendered(texts: Sequence[PastText]) -> str:
    return template(TEMPLATE).render(texts=[_quotation(each) for each in texts]).strip()


def _quotation(past: PastText) -> str:
    when = f"On {day(past.turn.at)} they" if past.turn else "They"
    return f'{when} asked: "{one_line(past.asked)}"; {TOLD[past.source]}: "{one_line(past.text, LONGEST)}"'
