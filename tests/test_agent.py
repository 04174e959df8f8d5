"""The agent on texts whose reward is known: what it accepts, when it stops, what it asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idiolect.alignment.decoding.best_of_n import best
from idiolect.errors import BadInput, ModelError, Stopped
from idiolect.generation.agent.criticising import MOST, Tastes, faults
from idiolect.generation.agent.revising import Reviser
from idiolect.models.protocol import Request
from idiolect.reward.judged import Judged
from idiolect.reward.protocol import Scores
from idiolect.schema import Completion, Message, Preference, Round, Verdict, now

ASKED = Request((Message(role="user", content="What is a quick dinner?"),))
TAU = 0.5
NUTS = Preference(id="evt-1", kind="constraint", text="I have a nut allergy", object="nuts", polarity=-1, at=now())


@dataclass
class Table:
    """A desk at which r_u(x, y) = m phi(y): all that is judged is given by text, what the model writes call by call."""

    phi: Mapping[str, float]
    r_0: Mapping[str, float]
    written: list[Sequence[str] | Exception]
    mean: float = 1.0
    told: Mapping[str, float] = field(default_factory=dict)
    sd: Mapping[str, float] = field(default_factory=dict)
    astray: Sequence[str] = ()
    takes_tools: bool = False
    asked: list[Request] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_told: bool = False

    @property
    def tastes(self) -> Tastes:
        return Tastes(("length",), np.array([self.mean]), np.array([0.1]))

    @property
    def statements(self) -> Sequence[Preference]:
        return (NUTS,) if self.told else ()

    def complete(self, request: Request, n: int = 1) -> Sequence[Completion]:
        self.asked.append(request)
        texts = self.written[len(self.asked) - 1]
        if isinstance(texts, Exception):
            raise texts
        return [Completion(text=text, finish_reason="stop", prompt_tokens=1, completion_tokens=1) for text in texts]

    def judged(self, texts: Sequence[str]) -> Judged:
        phi = np.array([[self.phi[text]] for text in texts])
        told = np.array([[self.told[text] for text in texts]]) if self.told else np.zeros((0, len(texts)))
        mean = phi[:, 0] * self.mean + told.sum(axis=0)
        scores = Scores(mean - mean.mean(), np.array([self.sd.get(text, 0.0) for text in texts]))
        admitted = tuple(self.r_0.get(text, 1.0) >= TAU for text in texts)
        verdicts = tuple(Verdict(score=self.r_0.get(text, 1.0)) for text in texts)
        return Judged(phi, verdicts, admitted, told, scores, best(scores, admitted, 0.5))

    def is_about(self, text: str, answer: str) -> bool:
        return text not in self.astray

    def search(self, query: str) -> Sequence[Preference]:
        raise AssertionError(f"nobody calls tools here, but was asked for {query}")

    def propose(self, text: str) -> str:
        raise AssertionError(f"nobody calls tools here, but {text} was proposed")

    def tell(self) -> None:
        self.is_told = True

    def revised(self, made: Round) -> None:
        self.rounds.append(made)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


def written(desk: Table, rounds: int = 2, n: int = 2) -> list[str]:
    ended: list[int] = []
    completions = Reviser(rounds).write(ASKED, desk, n, lambda at, _: ended.append(at))
    assert ended == list(range(len(completions)))  # each is measured, once, at its place
    return [each.text for each in completions]


values = st.floats(-3, 3).map(lambda value: round(value, 2))
answers = st.lists(st.tuples(values, st.sampled_from([0.0, 1.0]), values.map(abs)), min_size=6, max_size=6)


@given(answers, st.integers(0, 2))
def test_r_u_rises_with_every_revision_that_is_taken_and_the_boundary_holds(
    drawn: list[tuple[float, float, float]], rounds: int
) -> None:
    texts = [f"answer {at}" for at in range(6)]
    phi, r_0, sd = ({text: each[at] for text, each in zip(texts, drawn, strict=True)} for at in range(3))
    desk = Table(phi, r_0, [texts[:2], texts[2:4], texts[4:]], sd=sd)
    pool = written(desk, rounds)
    drafts, revisions = pool[:2], pool[2:]
    first = desk.judged(drafts).chosen
    course = [phi[text] for text in (*([] if first is None else [drafts[first]]), *revisions)]
    assert all(later > earlier for earlier, later in pairwise(course))
    assert all(r_0[text] >= TAU for text in revisions)
    assert len(revisions) == sum(made.accepted for made in desk.rounds) <= len(desk.rounds) <= rounds
    if revisions:  # what the loop will choose of the pool is what was accepted last
        assert desk.judged(pool).chosen == len(pool) - 1


def test_with_no_rounds_the_drafts_are_all() -> None:
    desk = Table({"a": -1.0, "b": -2.0}, {}, [("a", "b")])
    assert written(desk, rounds=0) == ["a", "b"]
    assert len(desk.asked) == 1


def test_an_answer_that_nothing_speaks_against_is_not_revised() -> None:
    desk = Table({"a": 1.0, "b": -2.0}, {}, [("a", "b")])
    assert written(desk) == ["a", "b"]
    assert (len(desk.asked), desk.is_told) == (1, False)


def test_the_revision_is_asked_for_by_what_the_best_draft_goes_against() -> None:
    desk = Table({"a": -1.0, "b": -2.0, "c": 1.0, "d": 0.1}, {}, [("a", "b"), ("c", "d")])
    assert written(desk) == ["a", "b", "c"]
    asking = desk.asked[1].messages
    assert asking[:1] == ASKED.messages
    assert (asking[1].role, asking[1].text) == ("assistant", "a")
    assert "I would rather have long answers." in asking[2].text
    assert desk.rounds == [Round(criticised=("length",), gain=2.0, admitted=True, accepted=True)]
    assert desk.is_told


def test_a_better_answer_outside_the_boundary_is_not_taken_and_no_third_is_asked_for() -> None:
    desk = Table({"a": -1.0, "c": 2.0}, {"c": 0.0}, [("a",), ("c",)])
    assert written(desk, n=1) == ["a"]
    assert desk.rounds == [Round(criticised=("length",), gain=3.0, admitted=False, accepted=False)]
    assert len(desk.asked) == 2


def test_a_revision_that_strays_from_the_question_is_not_taken_however_it_pleases() -> None:
    desk = Table({"a": -1.0, "- long answers": 3.0}, {}, [("a",), ("- long answers",)], astray=("- long answers",))
    assert written(desk, n=1) == ["a"]
    assert desk.rounds == [Round(criticised=("length",))]
    assert "did not answer the question" in desk.notes[0]


def test_a_revision_that_recites_what_was_wished_is_none() -> None:
    desk = Table({"a": -1.0, "Sure! Long answers: yes.": 3.0}, {}, [("a",), ("Sure! Long answers: yes.",)])
    assert written(desk, n=1) == ["a"]


def test_what_the_boundary_admits_none_of_is_not_revised() -> None:
    desk = Table({"a": -1.0}, {"a": 0.0}, [("a",)])
    assert written(desk, n=1) == ["a"]
    assert desk.rounds == []


def test_a_broken_limit_is_told_in_the_persons_words_and_kept_by_its_id() -> None:
    desk = Table({"a": 1.0, "b": 1.0}, {}, [("a",), ("b",)], mean=0.0, told={"a": -3.0, "b": 3.0})
    assert written(desk, n=1) == ["a", "b"]
    assert 'Mind what I said: "I have a nut allergy".' in desk.asked[1].messages[-1].text
    assert desk.rounds[0].criticised == ("evt-1",)


@pytest.mark.parametrize("failure", [BadInput("too long"), ModelError("busy")])
def test_a_revision_that_fails_leaves_the_draft_and_says_so(failure: Exception) -> None:
    desk = Table({"a": -1.0}, {}, [("a",), failure])
    assert written(desk, n=1) == ["a"]
    assert desk.rounds == [Round(criticised=("length",))]
    assert str(failure) in desk.notes[0]


def test_whoever_leaves_meanwhile_is_not_answered() -> None:
    with pytest.raises(Stopped):
        written(Table({"a": -1.0}, {}, [("a",), Stopped("left")]), n=1)


def test_the_gravest_faults_are_told_first_and_not_too_many() -> None:
    names = ("length", "warmth", "formality", "humour", "an unnamed direction")
    tastes = Tastes(names, np.array([1.0, -2.0, 3.0, 0.5, 9.0]), np.full(5, 0.1))
    unsure = Tastes(names, tastes.mean, np.full(5, 10.0))
    phi = np.array([[-1.0, 1.0, -1.0, -1.0, -1.0]])
    judged = Judged(phi, (Verdict(score=1.0),), (True,), np.zeros((0, 1)), Scores(np.zeros(1), np.zeros(1)), 0)
    found = faults(judged, 0, (), tastes)
    assert [(each.about, each.cost) for each in found] == [("formality", 6.0), ("warmth", 4.0), ("length", 2.0)]
    assert len(found) == MOST
    assert faults(judged, 0, (), unsure) == ()
