"""Drift reads weights off choices; TPO's best so far never falls. And what decoders cost can be measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from idiolect.alignment.decoding import compose
from idiolect.alignment.decoding.best_of_n import best
from idiolect.alignment.decoding.blend import Blend
from idiolect.alignment.decoding.drift import Drift, of_choices, surest
from idiolect.alignment.decoding.protocol import Decoding
from idiolect.alignment.decoding.tpo import TPO, extremes
from idiolect.errors import ModelError
from idiolect.evaluation.decoders import PAIRS, Decoders
from idiolect.features.space import PreferenceSpace
from idiolect.generation import Host, Person
from idiolect.generation.agent.criticising import Tastes
from idiolect.models import WhiteBox, WhiteBoxSettings, open_model
from idiolect.models.protocol import Request
from idiolect.models.white_box.tiny import save_tiny
from idiolect.reward.judged import Judged
from idiolect.reward.protocol import Scores
from idiolect.schema import Completion, Message, Preference, Round, Sampling, Verdict, as_messages

SPACE = PreferenceSpace.shipped()
ASKED = Request(as_messages("What is salt?"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhiteBox]:
    folder = save_tiny(tmp_path_factory.mktemp("tiny"))
    opened = open_model(f"transformers:{folder}", white_box=WhiteBoxSettings(rows=8, dtype="float32", device="cpu"))
    assert isinstance(opened, WhiteBox)
    yield opened
    opened.close()


def somebody(choices: Sequence[tuple[str, str, str]]) -> Person:
    mean = np.zeros(SPACE.dim)
    mean[[SPACE.names.index("warmth"), SPACE.names.index("jargon")]] = (2.0, -1.0)
    return Person([], mean, np.full(SPACE.dim, 0.3), SPACE.names, evidence=5, choices=choices)


def test_weights_are_what_choices_tell_on_average_and_of_unit_length() -> None:
    differences = np.array([[3.0, 1.0], [3.0, -1.0], [6.0, 8.0]])
    assert of_choices(differences) == pytest.approx(np.array([12.0, 8.0]) / np.sqrt(208))
    assert of_choices(np.zeros((2, 2))).tolist() == [0.0, 0.0]
    assert of_choices(-differences) == pytest.approx(-of_choices(differences))


def test_drift_mixes_what_the_surest_attributes_add(model: WhiteBox) -> None:
    person = somebody([("Hello?", "A warm answer, dear.", "No.")])
    assert surest(person) == ("warmth", "jargon")
    prepared = Drift.open(Host(model, SPACE.version, "Be helpful.")).prepare(ASKED, person)
    inside = prepared.request.inside
    assert isinstance(inside.decoder, Decoding) and isinstance(inside.decoder.mixing, Blend)
    own, *others = inside.decoder.mixing.coefficients
    assert own + sum(others) == pytest.approx(1.0)
    assert np.linalg.norm(others) == pytest.approx(1 / Drift.beta, rel=0.02)  # what is below a tenth is left out
    assert all(messages[0].role == "system" for messages in inside.beside)
    assert prepared.request.messages == ASKED.messages
    assert model.complete(replace(prepared.request, sampling=Sampling(max_tokens=6)))[0].completion_tokens > 0


def test_opposite_choices_turn_drift_round(model: WhiteBox) -> None:
    method = Drift.open(Host(model, SPACE.version, "Be helpful."))
    there, back = ("Hello?", "A warm answer, dear.", "No."), ("Hello?", "No.", "A warm answer, dear.")
    names = surest(somebody([there]))
    assert method._weights((there,), names) == pytest.approx(np.negative(method._weights((back,), names)))


def test_without_choices_whose_texts_are_kept_drift_changes_nothing(model: WhiteBox) -> None:
    method = compose(["drift"], Host(model, SPACE.version, "Be helpful."))
    assert method.prepare(ASKED, somebody([])).request == ASKED
    assert method.prepare(ASKED, somebody([("Hello?", "The same.", "The same.")])).request == ASKED


@dataclass
class Lengths:
    """A desk at which longer answers are worth more; it writes what it is given, call by call."""

    written: list[Sequence[str]]
    failing: int = -1  # this call
    asked: list[Request] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_told: bool = False
    takes_tools: bool = False
    tastes: Tastes = field(default_factory=lambda: Tastes(("length",), np.ones(1), np.ones(1)))
    statements: Sequence[Preference] = ()

    def complete(self, request: Request, n: int = 1) -> Sequence[Completion]:
        self.asked.append(request)
        if len(self.asked) - 1 == self.failing:
            raise ModelError("away")
        texts = self.written[len(self.asked) - 1]
        return [Completion(text=text, finish_reason="stop", prompt_tokens=1, completion_tokens=1) for text in texts]

    def judged(self, texts: Sequence[str]) -> Judged:
        worth = np.array([float(len(text)) for text in texts])
        scores, admitted = Scores(worth - worth.mean(), np.zeros(len(texts))), tuple("!" not in text for text in texts)
        verdicts = tuple(Verdict(action="allow", score=float(each)) for each in admitted)
        return Judged(worth[:, None], verdicts, admitted, np.zeros((0, len(texts))), scores, best(scores, admitted, 0))

    def is_about(self, text: str, answer: str) -> bool:
        return bool(answer) and "astray" not in text

    def search(self, query: str) -> Sequence[Preference]:
        raise AssertionError(query)

    def propose(self, text: str) -> str:
        raise AssertionError(text)

    def tell(self) -> None:
        self.is_told = True

    def revised(self, made: Round) -> None:
        self.rounds.append(made)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


def written(desk: Lengths, rounds: int, n: int = 2) -> list[str]:
    places: list[int] = []
    pool = TPO.open(rounds).write(ASKED, desk, n, lambda at, _: places.append(at))
    assert places == list(range(len(pool)))
    return [each.text for each in pool]


def test_no_rounds_are_best_of_n() -> None:
    desk = Lengths([["ab", "abc"]])
    assert written(desk, 0) == ["ab", "abc"]
    assert len(desk.asked) == 1
    assert not desk.is_told


def test_the_best_so_far_never_falls_and_what_strays_is_left_out() -> None:
    desk = Lengths([["ab", "abc"], ["longer"], ["write more"], ["abcd", "astray and long"], ["x"], ["y"], ["a", "b"]])
    assert written(desk, 2) == ["ab", "abc", "abcd", "a", "b"]
    assert [(each.gain, each.accepted) for each in desk.rounds] == [(1.0, True), (0.0, False)]


def test_the_best_and_the_worst_are_shown_and_the_best_is_changed() -> None:
    desk = Lengths([["ab", "abc", "a"], ["it is longer"], ["make it longer"], ["abcd"]])
    written(desk, 1, 3)
    loss, gradient, update = desk.asked[1:]
    assert "which I prefer:\nabc\n" in loss.messages[-1].text
    assert "Answer 2:\na\n" in loss.messages[-1].text
    assert gradient.messages[-2] == Message(role="assistant", content="it is longer")
    assert update.messages[-2:] == (
        Message(role="assistant", content="abc"),
        Message(role="user", content="Answer my question again, changed in this way: make it longer"),
    )
    assert desk.is_told


def test_answers_that_are_worth_the_same_are_not_optimised() -> None:
    desk = Lengths([["ab", "cd"]])
    assert written(desk, 2) == ["ab", "cd"]
    assert extremes(desk.judged(["ab", "cd"])) is None
    assert extremes(desk.judged(["a!", "cde!"])) is None  # the boundary admits none


def test_a_model_that_fails_leaves_the_answers_that_there_are() -> None:
    desk = Lengths([["ab", "abc"], ["it is longer"]], failing=2)
    assert written(desk, 2) == ["ab", "abc"]
    assert "away" in desk.notes[0]


def test_the_cost_of_decoders_is_told_in_ratios(model: WhiteBox) -> None:
    class Quiet:
        def track(self, items: object, *_: object) -> object:
            return items

    bench = Decoders(model=model.name.removeprefix("transformers:"), rounds=2, tokens=4)
    figures = bench.figures(bench.cases(None, Quiet()))  # type: ignore[arg-type] # all that this bench uses of a run
    assert set(figures) == set(PAIRS)
    assert all(figure.value > 0 and figure.n == 2 for figure in figures.values())
