"""An agent that drafts, criticises and revises (after Self-Refine, 2303.17651, and TPO, 2501.12895).

    y_0 = best of n drafts;   y_{t+1} = y'  if  r_u(x, y') > r_u(x, y_t)  and  r_0(x, y') >= tau,  else stop;   t < 2

where y' is the best of n revisions, asked for by what is believed of the person that y_t goes against: statements by
the compliance scorer, and attributes that are sure. So r_u never falls, and no rounds are best-of-n. A model that takes
tools may first look up what is remembered, propose something to be, or ask the person (tools.py).

Shared: the template.  Per user: statements and posterior.  Cold start: drafts alone, nothing more is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from idiolect.errors import BadInput, ModelError, Stopped
from idiolect.generation.agent.criticising import Fault, faults
from idiolect.generation.agent.drafting import Drafting
from idiolect.generation.agent.protocol import Desk
from idiolect.generation.system_text import one_line, question, template
from idiolect.models.protocol import OnCompletion, Request
from idiolect.schema import Completion, Message, Round

TEMPLATE = "revise-1"
ROUNDS = 2  # Self-Refine and TPO gain most in the first two


@dataclass
class Reviser:
    """Revises at most so many times."""

    family: ClassVar[str] = "agent"

    rounds: int = ROUNDS
    _drafting: Drafting = field(default_factory=Drafting)

    @classmethod
    def open(cls, rounds: int) -> Self:
        """0: drafts alone."""
        return cls(rounds)

    def write(self, request: Request, desk: Desk, n: int, on_completion: OnCompletion) -> Sequence[Completion]:
        """The drafts, then the revisions that were accepted, each better than all before it."""
        drafts = self._drafting.drafts(request, desk, n)
        pool = list(drafts.completions)
        for at, completion in enumerate(pool):
            on_completion(at, completion)
        for _ in range(0 if drafts.is_question else self.rounds):
            revision = self._revision(drafts.request, desk, n, pool)
            if revision is None:
                break
            on_completion(len(pool), revision)
            pool.append(revision)
        return pool

    def _revision(self, request: Request, desk: Desk, n: int, pool: Sequence[Completion]) -> Completion | None:
        """One round: an answer that is better than all of the pool, or None."""
        judged = desk.judged([each.text for each in pool])
        if judged.chosen is None:
            return None  # the boundary admits none of them: there is nothing to make better
        wrong = faults(judged, judged.chosen, desk.statements, desk.tastes)
        if not wrong:
            return None
        about = tuple(each.about for each in wrong)
        desk.tell()
        try:
            asking = revising(request, pool[judged.chosen].text, wrong)
            revisions = desk.complete(asking, n)
        except Stopped:
            raise
        except (BadInput, ModelError) as failed:  # the answer that there is stands
            desk.revised(Round(criticised=about))
            desk.note(f"A revision could not be written: {failed}")
            return None
        revisions = [each for each in revisions if _answers(each.text, pool[judged.chosen].text, wrong, desk)]
        if not revisions:  # a small model repeats what it was asked for, which r_u may like
            desk.revised(Round(criticised=about))
            desk.note("The revisions did not answer the question, so the answer before them stands.")
            return None
        best, made = _best(desk, pool, judged.chosen, revisions, about)
        desk.revised(made)
        return best if made.accepted else None


def revising(request: Request, answer: str, wrong: Sequence[Fault]) -> Request:
    """Asks for another answer in which these faults are mended."""
    text = (
        template(TEMPLATE)
        .render(
            question=one_line(question(request)),
            tastes=[each.words for each in wrong if not each.is_said],
            statements=[each.words for each in wrong if each.is_said],
        )
        .strip()
    )
    asked = (Message(role="assistant", content=answer), Message(role="user", content=text))
    return replace(request, messages=(*request.messages, *asked))


def _answers(text: str, before: str, wrong: Sequence[Fault], desk: Desk) -> bool:
    """Whether a revision still answers what was asked, and doesn't recite what was wished ("- warm answers")."""
    folded = text.casefold()
    return desk.is_about(text, before) and not any(each.words in folded for each in wrong if not each.is_said)


def _best(
    desk: Desk, pool: Sequence[Completion], current: int, revisions: Sequence[Completion], about: tuple[str, ...]
) -> tuple[Completion, Round]:
    """The revision that gains most of those that may take the place of the current answer, if any may; else of all.

    One may if it gains, the boundary admits it, and the loop would choose it of the pool with it: so caution about what
    is unsure holds here too.
    """
    texts = [each.text for each in pool]
    among = desk.judged([texts[current], *(each.text for each in revisions)])
    gains, admitted = (among.scores.mean - among.scores.mean[0])[1:], among.admitted[1:]
    order = sorted(range(len(revisions)), key=lambda at: (not admitted[at], -gains[at]))
    for at in order:
        if admitted[at] and gains[at] > 0 and desk.judged([*texts, revisions[at].text]).chosen == len(pool):
            return revisions[at], _round(about, gains[at], admitted=True, accepted=True)
    return revisions[order[0]], _round(about, gains[order[0]], admitted=admitted[order[0]], accepted=False)


def _round(about: tuple[str, ...], gain: float, *, admitted: bool, accepted: bool) -> Round:
    return Round(criticised=about, gain=round(float(gain), 4), admitted=admitted, accepted=accepted)
